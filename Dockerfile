# The operator's image, for those who have Docker. Without Docker, `go -C hack run ./image` makes the same image.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY api/go.mod api/go.sum api/
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY internal/ internal/
ARG VERSION=dev
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=linux GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false \
      -ldflags="-s -w -X github.com/kubescim/kubescim/internal/program.Version=${VERSION}" -o /out/ ./cmd/manager ./cmd/scim-server
RUN printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' > /out/passwd \
 && printf 'root:x:0:\nnonroot:x:65532:\n' > /out/group

# The programs are static. They talk to the Kubernetes API, whose certificate authority is mounted into the pod, and
# with issuers of assertions, for which scim-server has the public certificate authorities in it
# (golang.org/x/crypto/x509roots). So the image starts from nothing: no shell and no package manager for an intruder to
# use, no library that needs an update for a fault in it, and no base image to follow.
FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="kubescim" \
      org.opencontainers.image.description="Kubernetes operator that runs SCIM 2.0 servers" \
      org.opencontainers.image.source="https://github.com/kubescim/kubescim" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/passwd /out/group /etc/
COPY --from=build /out/manager /out/scim-server /
# The number of the user nonroot: the kubelet cannot tell of a name whether it is root.
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/manager"]
