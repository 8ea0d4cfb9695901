package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// dashboardQueries are the queries of the chart's dashboard, by the titles of their panels, for one namespace.
func dashboardQueries(namespace string) map[string][]string {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(checkout, "config", "prometheus", "dashboard.json"))
	Expect(err).NotTo(HaveOccurred())
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	Expect(json.Unmarshal(text, &dashboard)).To(Succeed())
	variables := strings.NewReplacer("$namespace", namespace, "$tenant", ".*", "$__rate_interval", "1m")
	queries := map[string][]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			query := variables.Replace(target.Expr)
			Expect(query).NotTo(ContainSubstring("$"), "a variable that nobody sets")
			queries[panel.Title] = append(queries[panel.Title], query)
		}
	}
	return queries
}

var _ = Describe("Prometheus", Ordered, ContinueOnFailure, func() {
	const class, secret = "e2e-prometheus", "certificate"
	var (
		t          *Tenant
		prometheus *Prometheus
	)
	// certify puts a certificate for the tenant's host into a Secret.
	certify := func(name string, begun, left time.Duration) {
		GinkgoHelper()
		chain, err := controllertest.SelfSigned("prometheus.example.com", time.Now().Add(-begun), begun+left)
		Expect(err).NotTo(HaveOccurred())
		Apply(&corev1.Secret{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
			ObjectMeta: metav1.ObjectMeta{Namespace: t.Namespace, Name: name}, Type: corev1.SecretTypeTLS,
			Data: map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: []byte("none")},
		})
	}
	patchTenant := func(spec string) {
		GinkgoHelper()
		Kubectl("patch", "scimtenant", t.Name, "-n", t.Namespace, "--type=merge", "-p", `{"spec":`+spec+`}`)
	}

	firing := func(want ...any) {
		GinkgoHelper()
		Eventually(func() ([]string, error) { return prometheus.Firing(t.Namespace) }).
			WithTimeout(3 * time.Minute).WithPolling(2 * time.Second).Should(ConsistOf(want...))
	}

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "measured", scimv1alpha1.IdentityProviderOkta, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Server.Replicas, spec.Users.Seats = 2, 10
		})
		prometheus = watchedByPrometheus(ctx, t.Namespace, 2)
	})

	It("has data for each query of the dashboard", func(ctx SpecContext) {
		By("giving the key an end, and taking a user's claim away")
		in90Days := time.Now().Add(90 * 24 * time.Hour).UTC().Format(time.RFC3339)
		Kubectl("patch", "scimapikey", t.Name, "-n", t.Namespace, "--type=merge", "-p", `{"spec":{"expirationTime":"`+in90Days+`"}}`)
		id := t.Send(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated).ID()
		before := claimsOf(ctx, t)
		t.Send(http.MethodPost, Users, PlainUser("unclaimed@example.com")).Has(http.StatusCreated)
		for name, claim := range claimsOf(ctx, t) {
			if _, isOther := before[name]; !isOther {
				Expect(BreakGlass.Delete(ctx, &claim)).To(Succeed())
			}
		}

		wrong := t.Service.WithToken("kscim_aaaaaaaaaaaaaaaa_" + strings.Repeat("a", 43))
		request := 0
		// provision is some traffic: on one pod what is read on the other one at once, and what is refused.
		provision := func(g Gomega) {
			for range 10 {
				request++
				update := Replace("displayName", "Ada "+strconv.Itoa(request))
				g.Expect(t.Replicas[0].Do(http.MethodPatch, Users+"/"+id, update).Status).To(BeElementOf(http.StatusOK, http.StatusNoContent))
				g.Expect(t.Replicas[1].Get(Users + "/" + id).Status).To(Equal(http.StatusOK))
			}
			t.Send(http.MethodPost, Users, PlainUser("ada@example.com")).IsError(http.StatusConflict, "uniqueness")
			g.Expect(wrong.Get(Users).Status).To(Equal(http.StatusUnauthorized))
		}
		left := dashboardQueries(t.Namespace)
		Expect(len(left)).To(BeNumerically(">", 15))
		Eventually(func(g Gomega) {
			provision(g)
			for title, queries := range left {
				for _, query := range queries {
					samples, err := prometheus.Query(query)
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(samples).NotTo(BeEmpty(), "%s: %s", title, query)
					g.Expect(samples).To(ContainElement(HaveField("Value", Not(Equal("NaN")))), "%s: %s", title, query)
				}
				delete(left, title)
			}
		}).WithTimeout(4 * time.Minute).WithPolling(2 * time.Second).Should(Succeed())
		samples, err := prometheus.Query(`sum by (namespace, tenant) (kubescim_tenant_users) and on (namespace, tenant) kubescim_requests_total`)
		Expect(err).NotTo(HaveOccurred())
		Expect(samples).To(ConsistOf(HaveField("Labels", Equal(map[string]string{"namespace": t.Namespace, "tenant": t.Name}))),
			"what the operator and the servers say can be joined")
	})

	It("fires the alert by which docs/production.md has alerts tried, and ends it", func() {
		documented := func(text string) string {
			GinkgoHelper()
			return strings.NewReplacer("initech", t.Name, "-n customers", "-n "+t.Namespace).Replace(Documented(checkout, "production.md", text))
		}
		t.Send(http.MethodPost, Users, PlainUser(Unique("user")+"@example.com")).Has(http.StatusCreated)
		WaitFor(t.Namespace, "jsonpath={.status.activeUsers}="+strconv.Itoa(len(usersOf(t))), "scimtenant/"+t.Name)
		DeferCleanup(patchTenant, `{"users":{"seats":10}}`)
		firing()
		Shell(documented("activeUsers"))
		firing("KubescimSeatsNearlyTaken")
		Shell(documented(`"seats":200`))
		firing()
	})

	It("fires alerts, and ends them", func(ctx SpecContext) {
		ingressClass := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"}}
		Expect(Cluster.Create(ctx, ingressClass)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, ingressClass)).To(Succeed()) })
		firing()

		By("taking nine of ten seats, with a key and a certificate that end soon")
		for len(usersOf(t)) < 9 {
			t.Send(http.MethodPost, Users, PlainUser(Unique("user")+"@example.com")).Has(http.StatusCreated)
		}
		Apply(NewKey(t.Namespace, "ending", t.Name, Offline, func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.ExpirationTime = metav1.NewTime(time.Now().Add(5 * 24 * time.Hour))
		}))
		_, manifest := GenerateToken(t.Namespace, "ending")
		longAgo := time.Now().Add(-100 * 24 * time.Hour).UTC().Format(time.RFC3339)
		ApplyText(regexp.MustCompile(`issueTime: .*`).ReplaceAllString(manifest, `issueTime: "`+longAgo+`"`))
		certify(secret, 30*24*time.Hour, 24*time.Hour)
		patchTenant(`{"endpoint":{"host":"prometheus.example.com","tls":{"secretName":"` + secret + `"},"ingress":{"className":"` + class + `"}}}`)
		firing("KubescimSeatsNearlyTaken", "KubescimKeyExpiringSoon", "KubescimCertificateExpiringSoon")

		By("having more seats, a key that lasts and another certificate")
		Kubectl("patch", "scimapikey", "ending", "-n", t.Namespace, "--type=merge", "-p",
			`{"spec":{"expirationTime":"`+time.Now().Add(365*24*time.Hour).UTC().Format(time.RFC3339)+`"}}`)
		certify("renewed", time.Hour, 90*24*time.Hour)
		patchTenant(`{"users":{"seats":100},"endpoint":{"tls":{"secretName":"renewed"}}}`)
		firing()
	})
})

// claimsOf are the claims of a tenant that has its namespace for itself, by name.
func claimsOf(ctx SpecContext, t *Tenant) map[string]coordinationv1.Lease {
	GinkgoHelper()
	claims, found := &coordinationv1.LeaseList{}, map[string]coordinationv1.Lease{}
	Expect(Cluster.List(ctx, claims, client.InNamespace(t.Namespace),
		client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim})).To(Succeed())
	for _, claim := range claims.Items {
		found[claim.Name] = claim
	}
	return found
}

// usersOf are the users of a tenant.
func usersOf(t *Tenant) []map[string]any {
	GinkgoHelper()
	return KubectlList(t.Namespace, "scimusers")
}
