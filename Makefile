# Everything a developer does, by name. `make help` explains the targets.
#
# Two commands set everything up on a bare Debian machine with Go, make and a C compiler:
#   make quickstart   a cluster with the operator and two tenants in use
#   make test         the tests against a real API server

# One set of flags for all that is compiled here, the same as in hack/internal/gobuild: Go's build cache shares a
# compiled package only among builds with the same flags.
export CGO_ENABLED := 0
export GOFLAGS += -trimpath

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

# The image that is built, loaded into the cluster and installed.
IMG ?= kubescim/kubescim:dev
IMG_TAG = $(lastword $(subst :, ,$(IMG)))
IMG_NAME = $(patsubst %:$(IMG_TAG),%,$(IMG))
# The version of what is built of this checkout, as the chart has it.
APP_VERSION = $(shell sed -n 's/^appVersion: "\(.*\)"$$/\1/p' charts/kubescim/Chart.yaml)
# Where `make dist` writes, and the kubectl by which it does.
DIST ?= dist
KUBECTL ?= "$$($(CLUSTER_TOOL) assets)/kubectl"
# The identity providers whose tenants `make conformance` checks.
PROVIDERS ?= Generic Entra Okta JumpCloud OneLogin PingOne Authentik Keycloak
# How long `make fuzz` stays with each target.
FUZZTIME ?= 30s
# The folder whose targets `make fuzz` tries. Those outside of internal/scim take minutes to build for it.
FUZZED ?= internal
# How many packages `make test` tests at a time. Some mostly wait for Leases to run out.
TEST_PROCESSES ?= 3
# The packages that `make test` tests without the race detector, with which they take many times as long. Most have one
# goroutine each, as the simulations of replicas do; what scim-conformance runs, internal/server tests with it.
WITHOUT_RACE ?= ./cmd/scim-conformance ./internal/moving ./internal/readindex ./internal/scim/fold ./internal/scim/patch
# How many specs `make e2e` runs at a time. They mostly wait for pods.
E2E_PROCESSES ?= 4
# Which specs `make e2e` runs, by their labels (Ginkgo's --label-filter): by default all. Those of the label drill take long.
E2E ?=
# Which specs `make consistency` runs, by their labels (Ginkgo's --label-filter): by default all. Those of the label drill
# take long.
CONSISTENCY ?=
# The drills that `make drills` runs: a regular expression over their names, by default all.
DRILL ?=
# The numbers of users that `make bench` measures at. 100,000 take half an hour, 1,000 a few minutes.
BENCH_USERS ?= 1000 10000 100000
# The numbers of tenants that `make bench-tenants` measures at, with one server for all and with a server each. 1,000
# take an hour, 10 a few minutes.
BENCH_TENANTS ?= 1 100 1000
BENCH_DEDICATED ?= 1 15
# The Go that releases are built with, and whose standard library `make vulncheck` looks at: the newest patch release.
RELEASE_GO ?= 1.26.10
# The database of vulnerabilities, as a URL: by default the one that hack/tools/govulncheck pins.
VULNDB ?=
# Where built tools go.
BIN := $(CURDIR)/bin
# The modules of the checkout that have code of the project; the others pin tools.
MODULES := . api hack test examples

CLUSTER_TOOL := go -C hack run ./cluster
# The cluster's environment (KUBECONFIG, and kubectl on the PATH) for one command, which is not run where there
# is none: it would go to whatever cluster kubectl talks to.
WITH_CLUSTER = lines="$$($(CLUSTER_TOOL) env)" && eval "$$lines" &&

##@ Generate

.PHONY: generate
generate: $(BIN)/controller-gen ## Write the deep copy functions and CRDs of the API types, and what code knows in documents and of the chart's values.
	cd api && $(BIN)/controller-gen object paths=./v1alpha1/...
	cd api && $(BIN)/controller-gen crd paths=./v1alpha1/... output:crd:dir=../config/crd/bases
	go -C hack run ./reference
	go -C hack run ./values

.PHONY: manifests
manifests: generate $(BIN)/helm ## Write the operator's role, take it, the CRDs and the policies over into the chart, and render it for kustomize.
	$(BIN)/controller-gen rbac:roleName=kubescim paths=./internal/controller/... output:rbac:dir=config/rbac
	sed -i "s|^\(  scim.kubescim.dev/release:\) .*|\1 $$(sed -n 's/^version: //p' charts/kubescim/Chart.yaml)|" config/crd/kustomization.yaml
	rm -rf charts/kubescim/files
	mkdir -p charts/kubescim/files/crds charts/kubescim/files/admission
	cp config/crd/bases/*.yaml charts/kubescim/files/crds/
	cp config/rbac/role.yaml charts/kubescim/files/role.yaml
	cp config/admission/*.yaml charts/kubescim/files/admission/
	cp config/prometheus/rules.yaml config/prometheus/dashboard.json charts/kubescim/files/
	(echo "# What the chart makes of its default values: change the chart, and run 'make manifests'." && \
		$(BIN)/helm template kubescim charts/kubescim --namespace kubescim-system --kube-version 1.35.0 --set crds.enabled=false | \
		grep -v -e 'helm.sh/chart: ' -e 'app.kubernetes.io/managed-by: Helm') > config/default/kubescim.yaml
	(echo "# What the chart makes with config.networkPolicy.enabled: change the chart, and run 'make manifests'." && \
		$(BIN)/helm template kubescim charts/kubescim --namespace kubescim-system --kube-version 1.35.0 --show-only templates/networkpolicy.yaml \
		--set config.networkPolicy.enabled=true | grep -v -e 'helm.sh/chart: ' -e 'app.kubernetes.io/managed-by: Helm') > config/networkpolicy/kubescim.yaml

.PHONY: fmt
fmt: ## Format the Go code.
	gofmt -w api cmd hack internal test

##@ Check

.PHONY: lint
lint: $(BIN)/golangci-lint $(BIN)/helm $(BIN)/actionlint ## Check style, the Kubernetes API conventions in api/, the chart, and the workflows.
	@failed=0; for module in $(MODULES); do \
		echo "golangci-lint in $$module"; (cd $$module && $(BIN)/golangci-lint run ./...) || failed=1; \
	done; exit $$failed
	cd api && $(BIN)/golangci-lint run --config ../.golangci-kal.yml ./v1alpha1/...
	$(BIN)/helm lint --strict --quiet charts/kubescim
	$(BIN)/actionlint -shellcheck= -pyflakes=

.PHONY: verify
verify: generate manifests ## Check that everything that is generated, and every go.mod, is up to date.
	@for module in $(MODULES) test/differential; do \
		go -C $$module mod tidy -diff || { echo "run 'go mod tidy' in $$module"; exit 1; }; \
	done
	@changed="$$(git status --porcelain -- api config charts docs)"; \
	if [ -n "$$changed" ]; then \
		echo "These files change when they are generated; run 'make verify' and commit them:"; echo "$$changed"; git diff --stat; exit 1; \
	fi

.PHONY: vulncheck
vulncheck: $(BIN)/govulncheck ## Look for known vulnerabilities in what the programs call. VULNDB=https://vuln.go.dev knows today's.
	go -C hack/tools/govulncheck mod download golang.org/x/vulndb
	@database="$(VULNDB)"; \
	[ -n "$$database" ] || database="file://$$(go -C hack/tools/govulncheck list -m -f '{{.Dir}}' golang.org/x/vulndb)/data/osv"; \
	GOVERSION=go$(RELEASE_GO) $(BIN)/govulncheck -db "$$database" ./cmd/...

.PHONY: test
test: $(BIN)/helm $(BIN)/promtool ## Test, for the most part with the race detector, against a real API server and etcd.
	@export HELM=$(BIN)/helm PROMTOOL=$(BIN)/promtool KUBEBUILDER_ASSETS="$$($(CLUSTER_TOOL) assets)"; failed=0; \
	echo "testing without the race detector"; go test -vet=off -p $(TEST_PROCESSES) -timeout 30m $(WITHOUT_RACE) || failed=1; \
	for module in $(MODULES); do \
		echo "testing $$module"; \
		CGO_ENABLED=1 go -C $$module test -race -vet=off -p $(TEST_PROCESSES) -timeout 30m $$(go -C $$module list ./... | \
			grep -v -x -F -e "$$(go list $(WITHOUT_RACE))" | grep -v -e /test/e2e -e /test/consistency) || failed=1; \
	done; exit $$failed

.PHONY: differential
differential: test/differential/node_modules/.package-lock.json ## Compare the protocol engine with other packages, on thousands of filters and PATCH requests.
	go -C test/differential test -count=1 ./...

.PHONY: fuzz
fuzz: ## Fuzz whatever reads what clients, issuers and peers send, each target for FUZZTIME (30s).
	@for package in $$(git grep -l '^func Fuzz' -- '$(FUZZED)/*_test.go' | xargs -n 1 dirname | sort -u | sed 's|^|./|'); do for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
		echo "fuzzing $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	done; done
	@echo "what was found is in $$(go env GOCACHE)/fuzz; testdata/fuzz beside each target has the corpus that every test run uses"

.PHONY: bench-engine
bench-engine: ## Measure the protocol engine: time and allocations of each operation.
	go test -run '^$$' -bench . -benchmem ./internal/scim/...

.PHONY: bench
bench: install ## Measure the server on the cluster, at BENCH_USERS users and beside other servers.
	$(WITH_CLUSTER) go -C hack run ./bench run -users "$(BENCH_USERS)"

.PHONY: bench-tenants
bench-tenants: install ## Measure BENCH_TENANTS tenants of one server, and BENCH_DEDICATED with a server each, side by side.
	$(WITH_CLUSTER) go -C hack run ./bench tenants -shared "$(BENCH_TENANTS)" -dedicated "$(BENCH_DEDICATED)"

.PHONY: bench-docs
bench-docs: ## Write what `make bench` and `make bench-tenants` measured last into docs/scale.md.
	go -C hack run ./bench docs

.PHONY: e2e
e2e: install metrics-server edge postgresql $(BIN)/prometheus ## Test end to end on the cluster: E2E_PROCESSES specs at a time, then the upgrade.
	$(WITH_CLUSTER) HELM=$(BIN)/helm PROMETHEUS=$(BIN)/prometheus go -C test tool ginkgo run --procs=$(E2E_PROCESSES) --timeout=40m --label-filter='$(E2E)' ./e2e
	$(WITH_CLUSTER) HELM=$(BIN)/helm IMG=$(IMG) go -C test test -count=1 -timeout 25m ./e2e/upgrade

.PHONY: e2e-network
e2e-network: install ## Test NetworkPolicies while kube-router enforces them on the cluster. Results go into docs/drills.md.
	GOOS=linux go -C test build -buildvcs=false -ldflags '-s -w' -o $(CURDIR)/.cluster/caller ./e2e/network/caller
	go -C hack run ./image -tag kubescim/caller:dev -o .cluster/caller.tar -load .cluster/caller
	$(WITH_CLUSTER) HELM=$(BIN)/helm hack/network-policy/run.sh go -C test test -count=1 -v -timeout 20m ./e2e/network

.PHONY: consistency
consistency: install ## Check on the cluster that the replicas of a server answer as one, whatever happens to them.
	$(WITH_CLUSTER) go -C test test -count=1 -v -timeout 20m ./consistency/... -ginkgo.label-filter '$(CONSISTENCY)'

.PHONY: drills
drills: install $(BIN)/etcdctl $(BIN)/etcdutl ## Run what takes long: restores, floods, large groups. Results go into docs/drills.md.
	$(WITH_CLUSTER) PATH="$(BIN):$$PATH" go -C test test -tags drills -count=1 -v -timeout 3h ./drills/... -ginkgo.timeout 3h -ginkgo.focus "$(DRILL)"

.PHONY: conformance
conformance: install ## Check the SCIM server of tenants on the cluster against the RFCs and the providers' ways, with reports in .conformance.
	$(WITH_CLUSTER) hack/conformance/run.sh $(PROVIDERS)

.PHONY: metrics-server
metrics-server: cluster $(BIN)/helm ## Let the cluster measure its pods, unless it does: autoscalers go by that.
	$(WITH_CLUSTER) HELM=$(BIN)/helm hack/metrics-server/run.sh

.PHONY: edge
edge: cluster ## Have a real nginx serve the Ingresses and HTTPRoutes of the local cluster at https://127.0.0.1:10443.
	$(CLUSTER_TOOL) edge

.PHONY: postgresql
postgresql: ## Install the programs of PostgreSQL, unless they are there: an example is tested with a server of its own.
	$(CLUSTER_TOOL) postgresql

.PHONY: install
install: cluster image $(BIN)/helm ## Install the operator, as it is in this checkout, on the cluster.
	$(WITH_CLUSTER) $(BIN)/helm upgrade --install kubescim charts/kubescim --namespace kubescim-system --create-namespace \
		--set image.repository=$(IMG_NAME) --set image.tag=$(IMG_TAG) --wait --timeout 3m
	$(WITH_CLUSTER) kubectl --namespace kubescim-system rollout restart deployment/kubescim
	$(WITH_CLUSTER) kubectl --namespace kubescim-system rollout status deployment/kubescim --timeout 2m

##@ Build

.PHONY: build
build: ## Build the operator, the SCIM server, the conformance suite and the plugin of kubectl into bin/.
	go build -o $(BIN)/ ./cmd/...

.PHONY: kubectl-scim
kubectl-scim: ## Build the plugin of kubectl into bin/, with what completes its commands.
	go build -ldflags "-X github.com/kubescim/kubescim/internal/program.Version=$(APP_VERSION)" -o $(BIN)/ ./cmd/kubectl-scim
	install -m 0755 cmd/kubectl-scim/kubectl_complete-scim $(BIN)/

.PHONY: dist
dist: ## Write dist/install.yaml: all that `kubectl apply --server-side` needs to install the operator with image IMG, for a release.
	rm -rf $(DIST) && mkdir -p $(DIST)
	cp -r config $(DIST)/config
	if [[ "$(IMG_TAG)" =~ ^v?[0-9]+\.[0-9]+\.[0-9]+ ]]; then \
		sed -i "s|^\(  scim.kubescim.dev/release:\) .*|\1 $(IMG_TAG:v%=%)|" $(DIST)/config/crd/kustomization.yaml; \
	fi
	printf 'images: [{name: kubescim/kubescim, newName: "%s", newTag: "%s"}]\n' "$(IMG_NAME)" "$(IMG_TAG)" >> $(DIST)/config/default/kustomization.yaml
	$(KUBECTL) kustomize $(DIST)/config/default > $(DIST)/install.yaml
	rm -r $(DIST)/config

.PHONY: image
image: ## Build the image without a Docker engine and load it into the cluster.
	go -C hack run ./image -tag $(IMG) -load

.PHONY: release
release: export GOTOOLCHAIN := go$(RELEASE_GO)
release: dist $(BIN)/helm $(BIN)/crane ## Make all that a release publishes as IMG=ghcr.io/kubescim/kubescim:VERSION, into dist/.
	HELM=$(BIN)/helm hack/release/build.sh $(IMG)

##@ Cluster

.PHONY: cluster
cluster: ## Bring up a real Kubernetes here; CLUSTER=current uses the one of kubectl, CLUSTER=kind uses kind.
	@[ -d "$${KUBESCIM_CACHE:-$$HOME/.cache/kubescim}" ] || echo "the first run compiles this command too, which takes a minute or two"
	$(CLUSTER_TOOL) up

.PHONY: cluster-down
cluster-down: ## Remove that cluster and everything it left on this machine.
	$(CLUSTER_TOOL) down

.PHONY: quickstart
quickstart: cluster image $(BIN)/helm ## Cluster, operator, two tenants with a key each, and a provisioning session.
	$(WITH_CLUSTER) HELM=$(BIN)/helm IMG=$(IMG) hack/quickstart/run.sh

.PHONY: quickstart-down
quickstart-down: $(BIN)/helm ## Remove what quickstart installed; the cluster stays.
	$(WITH_CLUSTER) HELM=$(BIN)/helm hack/quickstart/down.sh

##@ Help

.PHONY: clean
clean: ## Remove what was built here.
	rm -rf $(BIN) $(DIST) .bench .conformance scim-conformance

.PHONY: help
help: ## Explain the targets.
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*##/ {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Tools: each is pinned in a module of its own, so that its dependencies are
# nobody else's.
.PHONY: tools
tools: $(BIN)/controller-gen $(BIN)/golangci-lint $(BIN)/helm $(BIN)/prometheus $(BIN)/promtool

$(BIN)/controller-gen: hack/tools/controller-gen/go.mod
	go -C hack/tools/controller-gen build -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen

$(BIN)/golangci-lint: hack/tools/golangci-lint/go.mod hack/tools/golangci-lint/main.go
	go -C hack/tools/golangci-lint build -o $@ .

$(BIN)/govulncheck: hack/tools/govulncheck/go.mod
	go -C hack/tools/govulncheck build -o $@ golang.org/x/vuln/cmd/govulncheck

$(BIN)/actionlint: hack/tools/actionlint/go.mod
	go -C hack/tools/actionlint build -o $@ github.com/rhysd/actionlint/cmd/actionlint

$(BIN)/etcdctl $(BIN)/etcdutl: hack/tools/etcd/go.mod
	go -C hack/tools/etcd build -o $@ go.etcd.io/etcd/$(@F)/v3

$(BIN)/crane: hack/tools/crane/go.mod
	go -C hack/tools/crane build -o $@ github.com/google/go-containerregistry/cmd/crane

$(BIN)/helm: hack/cluster/programs/go.mod
	install -D "$$($(CLUSTER_TOOL) helm)" $@

$(BIN)/prometheus $(BIN)/promtool &: hack/prometheus/get.sh
	hack/prometheus/get.sh $(BIN)

# The packages for Node.js that the protocol engine is compared with, and Node.js
# where there is none.
test/differential/node_modules/.package-lock.json: test/differential/package-lock.json
	test/differential/install.sh
