package replica_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/replica"
)

var _ = Describe("The issuer of a cluster", func() {
	It("is read by a server, with its permissions, and its tokens are checked", func(ctx SpecContext) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "issuer-"}}
		Expect(admin.Create(ctx, namespace)).To(Succeed())
		tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "acme", UID: "acme"}}
		cluster, err := replica.NewClusterIssuer(serverConfig(ctx, tenant))
		Expect(err).NotTo(HaveOccurred())
		keys, err := cluster.Fetch(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(keys.Issuer).NotTo(BeEmpty())

		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "app"}}
		Expect(admin.Create(ctx, account)).To(Succeed())
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"https://acme.example.com/scim/v2"}}}
		Expect(admin.SubResource("token").Create(ctx, account, request)).To(Succeed())
		wanted := &apikey.Federation{
			Cluster: true, Audiences: request.Spec.Audiences, Claims: map[string]string{"sub": "system:serviceaccount:" + namespace.Name + ":app"},
		}
		issuers := federation.NewIssuers(func(ctx context.Context, _ federation.Origin) (federation.KeySet, error) { return cluster.Fetch(ctx) },
			slog.New(slog.NewJSONHandler(GinkgoWriter, nil)), federation.NewMetrics(prometheus.NewRegistry(), "acme"))
		assertion, fault := federation.Parse(request.Status.Token)
		Expect(fault).To(BeEmpty())
		keys, fault = issuers.Keys(ctx, federation.OriginOf(wanted), assertion)
		Expect(fault).To(BeEmpty())
		claims, fault := assertion.Verify(keys)
		Expect(fault).To(BeEmpty())
		fault, _ = claims.Check(wanted, time.Now())
		Expect(fault).To(BeEmpty())
		wanted.Claims["sub"] = "system:serviceaccount:" + namespace.Name + ":default"
		fault, _ = claims.Check(wanted, time.Now())
		Expect(fault).To(Equal(federation.OtherClaims))
	})

	DescribeTable("is not known when the API server does not say it", func(ctx SpecContext, issuer, keys string) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := map[string]string{"/.well-known/openid-configuration": issuer, "/openid/v1/jwks": keys}[r.URL.Path]
			if body == "" {
				http.Error(w, "forbidden", http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		}))
		defer server.Close()
		cluster, err := replica.NewClusterIssuer(&rest.Config{Host: server.URL})
		Expect(err).NotTo(HaveOccurred())
		_, err = cluster.Fetch(ctx)
		Expect(err).To(HaveOccurred())
	},
		Entry("may not be read", "", `{"keys":[]}`),
		Entry("has no name", `{}`, `{"keys":[]}`),
		Entry("is no document", `<html>`, `{"keys":[]}`),
		Entry("has keys that may not be read", `{"issuer":"https://kubernetes.default.svc"}`, ""),
		Entry("has no keys", `{"issuer":"https://kubernetes.default.svc"}`, `{"keys":[]}`),
	)
})
