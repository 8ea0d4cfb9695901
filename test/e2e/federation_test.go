package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/issuer"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// refuseAssertions checks that every replica gives the same answer to all of the assertions,
// which says nothing of what is wrong with them.
func refuseAssertions(t *Tenant, id string, assertions map[string]string) {
	GinkgoHelper()
	t.EveryReplica(func(c *Client) {
		for name, assertion := range assertions {
			r, answer := AskWithAssertion(c, id, assertion)
			Expect(r.Status).To(Equal(http.StatusUnauthorized), "%s: %s", name, r)
			Expect(answer).To(Equal(TokenAnswer{Error: "invalid_client"}), name)
			c.WithToken(assertion).Get(Users).IsError(http.StatusUnauthorized, "")
		}
	})
}

// tampered are assertions that nobody has signed, made from one that somebody has, and from
// another one.
func tampered(assertion, another string) map[string]string {
	parts, others := strings.Split(assertion, "."), strings.Split(another, ".")
	const unsigned = "eyJhbGciOiJub25lIn0" // {"alg":"none"}
	return map[string]string{
		"cut short":                 assertion[:len(assertion)-10],
		"without a signature":       parts[0] + "." + parts[1] + ".",
		"with alg none":             unsigned + "." + parts[1] + ".",
		"with alg none, and signed": unsigned + "." + parts[1] + "." + parts[2],
		"with another's claims":     parts[0] + "." + others[1] + "." + parts[2],
		"no JWT":                    "assertion",
	}
}

var _ = Describe("ServiceAccounts", Ordered, ContinueOnFailure, func() {
	var (
		t        *Tenant
		audience string
	)
	tokenOf := func(account, audience string) string {
		GinkgoHelper()
		return strings.TrimSpace(Kubectl("create", "token", account, "-n", t.Namespace, "--audience", audience))
	}

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "accounts", scimv1alpha1.IdentityProviderGeneric)
		audience = Kubectl("get", "scimtenant", "-n", t.Namespace, t.Name, "-o", "jsonpath={.status.url}")
		for _, name := range []string{"app", "other"} {
			Apply(&corev1.ServiceAccount{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
				ObjectMeta: metav1.ObjectMeta{Namespace: t.Namespace, Name: name},
			})
		}
		Apply(NewKey(t.Namespace, "app", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.Federated.ServiceAccount.Name = "app"
		}))
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/app")
	})

	It("read users with no secret, and change none", func() {
		key := KubectlGet(t.Namespace, "scimapikey", "app")
		Want{"status/federated/audiences": ConsistOf(audience), "status/federated/tokenURL": audience + "/oauth2/token", "status/federated/clientID": "app", "status/type": "Federated"}.
			In(key, "what the key says of itself")
		assertion := tokenOf("app", audience)
		var tokens []string
		t.EveryReplica(func(c *Client) {
			tokens = append(tokens, Exchange(c, "app", assertion), Exchange(c, "", assertion))
		})
		t.EveryReplica(func(c *Client) {
			for _, token := range tokens {
				c.WithToken(token).Get(Users).Has(http.StatusOK)
				isDenied(c.WithToken(token).Do(http.MethodPost, Users, `{"schemas":["`+URNUser+`"],"userName":"nobody@example.com"}`))
			}
		})
		Eventually(func() map[string]any {
			return conditionOf(KubectlGet(t.Namespace, "scimapikey", "app"), scimv1alpha1.ConditionCredentialsAccepted)
		}).WithTimeout(time.Minute).Should(And(HaveKeyWithValue("status", "True"), HaveKeyWithValue("reason", "Used")))
	})

	It("are refused with any other token of the cluster", func() {
		wrong := tampered(tokenOf("app", audience), tokenOf("other", audience))
		wrong["of another ServiceAccount"] = tokenOf("other", audience)
		wrong["for the API server"] = strings.TrimSpace(Kubectl("create", "token", "app", "-n", t.Namespace))
		wrong["for somebody else"] = tokenOf("app", audience+"/")
		refuseAssertions(t, "app", wrong)
		refuseAssertions(t, "", wrong)
		refuseAssertions(t, t.Name, map[string]string{"that says to be another key": tokenOf("app", audience)})
	})

	It("lose what they have got within a second once the ScimApiKey is being deleted", func() {
		token := Exchange(t.Service, "app", tokenOf("app", audience))
		Kubectl("delete", "scimapikey", "-n", t.Namespace, "app", "--wait=false")
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).
				WithTimeout(time.Second).WithPolling(20 * time.Millisecond).Should(Equal(http.StatusUnauthorized))
		})
		refuseAssertions(t, "app", map[string]string{"of a key that is gone": tokenOf("app", audience)})
	})
})

// trusting lets keys be of an issuer at an address.
const trusting = `
config:
  allow:
    issuers:
      hosts: ["%s"]
      networks: ["%s/32"]
`

// It starts the operator again, under other rules for all tenants: no other spec runs beside it.
var _ = Describe("Federated keys", Serial, func() {
	It("go by the keys of an issuer, also when these change and when it is away", Label("drill"), func(ctx SpecContext) {
		const audience, subject = "api://scim", "provisioning"
		t := Serve(ctx, "federated", scimv1alpha1.IdentityProviderEntra)
		address := AddressOfThisMachine(ctx)
		provider, err := issuer.New(address)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(provider.Stop()).To(Succeed()) })
		assert := func(subject, audience string) string {
			GinkgoHelper()
			assertion, err := provider.Token(subject, audience)
			Expect(err).NotTo(HaveOccurred())
			return assertion
		}
		at := func(issued time.Time, lasts time.Duration) string {
			GinkgoHelper()
			assertion, err := provider.TokenAt(subject, audience, issued, lasts)
			Expect(err).NotTo(HaveOccurred())
			return assertion
		}
		Apply(NewKey(t.Namespace, "idp", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.Federated = scimv1alpha1.Federation{
				Issuer: provider.URL, CABundle: provider.CABundle, Audiences: []scimv1alpha1.Audience{audience},
				Claims: map[string]scimv1alpha1.ClaimValue{"sub": subject},
			}
		}))

		By("having an issuer that is not allowed")
		WaitFor(t.Namespace, "condition=Stalled", "scimapikey/idp")
		Expect(conditionOf(KubectlGet(t.Namespace, "scimapikey", "idp"), scimv1alpha1.ConditionStalled)).To(And(
			HaveKeyWithValue("reason", scimv1alpha1.ReasonNotAllowed), HaveKeyWithValue("message", ContainSubstring("allow.issuers.hosts"))))
		refuseAssertions(t, "idp", map[string]string{"of an issuer that is not allowed": assert(subject, audience)})

		By("allowing it")
		before := t.Pods(ctx)
		ChangeRelease(chart).Upgrade(ctx, fmt.Sprintf(trusting, strings.TrimPrefix(provider.URL, "https://"), address))
		Eventually(func() []string { return NamesOf(t.Pods(ctx)) }).WithTimeout(2 * time.Minute).ShouldNot(ContainElements(NamesOf(before)[0]))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name, "scimapikey/idp")
		t.Expose(ctx)
		var token string
		t.EveryReplica(func(c *Client) {
			token = Exchange(c, "idp", assert(subject, audience))
			Exchange(c, "", assert(subject, audience))
		})
		t.EveryReplica(func(c *Client) { c.WithToken(token).Get(Users).Has(http.StatusOK) })

		By("sending what is wrong")
		wrong := tampered(assert(subject, audience), assert("somebody", audience))
		wrong["for somebody else"] = assert(subject, audience+"/")
		wrong["about somebody else"] = assert("somebody", audience)
		wrong["that has expired"] = at(time.Now().Add(-time.Hour), 30*time.Minute)
		wrong["that is of the future"] = at(time.Now().Add(time.Hour), time.Hour)
		refuseAssertions(t, "idp", wrong)
		refuseAssertions(t, "", wrong)

		By("changing the keys of the issuer")
		Expect(provider.Rotate()).To(Succeed())
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { r, _ := AskWithAssertion(c, "idp", assert(subject, audience)); return r.Status }).
				WithTimeout(90*time.Second).WithPolling(time.Second).Should(Equal(http.StatusOK), "an issuer is asked again once a minute")
		})

		By("losing the issuer")
		Expect(provider.Stop()).To(Succeed())
		t.EveryReplica(func(c *Client) { Exchange(c, "idp", assert(subject, audience)) })
		Expect(provider.Start()).To(Succeed())

		By("trusting somebody else")
		token = Exchange(t.Service, "idp", assert(subject, audience))
		changeKey(t, "idp", map[string]any{"federated": map[string]any{"claims": map[string]any{"sub": "somebody"}}})
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).
				WithTimeout(time.Second).WithPolling(20 * time.Millisecond).Should(Equal(http.StatusUnauthorized))
			Exchange(c, "idp", assert("somebody", audience))
		})
	})
})
