package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("API keys", Ordered, ContinueOnFailure, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "keys", scimv1alpha1.IdentityProviderGeneric)
	})

	// delivered waits for the hand-over Secret, and returns it as soon as it is there.
	delivered := func(ctx SpecContext, name string) *corev1.Secret {
		GinkgoHelper()
		secret := &corev1.Secret{}
		Eventually(func() error {
			return Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: name}, secret)
		}).WithPolling(20 * time.Millisecond).Should(Succeed())
		return secret
	}
	accepted := func(token string) {
		GinkgoHelper()
		t.EveryReplica(func(c *Client) { c.WithToken(token).Get(Users).Has(http.StatusOK) })
	}
	refused := func(token string) {
		GinkgoHelper()
		t.EveryReplica(func(c *Client) { c.WithToken(token).Get(Users).IsError(http.StatusUnauthorized, "") })
	}

	It("works on every replica from the moment it is handed over", func(ctx SpecContext) {
		for _, name := range []string{"second", "third"} {
			Apply(NewKey(t.Namespace, name, t.Name))
			secret := delivered(ctx, name)
			accepted(string(secret.Data["token"]))

			Expect(secret.Data).To(HaveLen(2))
			Expect(string(secret.Data["token"])).To(MatchRegexp(`^kscim_[a-z2-7]{16}_[a-z2-7]{52}_[a-z2-7]{7}$`))
			Expect(string(secret.Data["url"])).To(Equal(Kubectl("get", "scimtenant", "-n", t.Namespace, t.Name, "-o", "jsonpath={.status.url}")))
			WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+name)
			Expect(string(secret.Data["token"])).To(ContainSubstring("_" + kubectlStatus(t.Namespace, name, "keyID") + "_"))
			Expect(kubectlStatus(t.Namespace, name, "type")).To(BeEquivalentTo(scimv1alpha1.APIKeyBearerToken))
		}
		accepted(t.Token)
	})

	It("goes into the Secret that the key names, and stays valid when the Secret is deleted", func(ctx SpecContext) {
		Apply(NewKey(t.Namespace, "named", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.SecretName = "named-for-okta" }))
		secret := delivered(ctx, "named-for-okta")
		accepted(string(secret.Data["token"]))
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/named")
		Kubectl("delete", "secret", "-n", t.Namespace, "named-for-okta")
		Consistently(func(g Gomega) {
			g.Expect(KubectlGet(t.Namespace, "secret", "named-for-okta")).To(BeNil(), "a token is handed over once")
		}).WithTimeout(2 * time.Second).WithPolling(500 * time.Millisecond).Should(Succeed())
		accepted(string(secret.Data["token"]))
	})

	It("does not work any more on any replica once the ScimApiKey is gone", func(ctx SpecContext) {
		Apply(NewKey(t.Namespace, "leaked", t.Name))
		token := string(delivered(ctx, "leaked").Data["token"])
		accepted(token)
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/leaked")
		var held []*Slow
		for _, request := range [][2]string{
			{Users, PlainUser("held@example.com")},
			{"/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` +
				`{"method":"POST","path":"/Users","bulkId":"1","data":` + PlainUser("bulk@example.com") + `}]}`},
		} {
			t.EveryReplica(func(c *Client) {
				slow, err := c.WithToken(token).WithTimeout(time.Minute).Begin(ctx, http.MethodPost, request[0], request[1])
				Expect(err).NotTo(HaveOccurred())
				DeferCleanup(func() { _, _ = slow.End() })
				Eventually(slow.Begun()).Should(BeClosed())
				held = append(held, slow)
			})
		}

		Kubectl("delete", "scimapikey", "-n", t.Namespace, "leaked", "--timeout=30s")
		refused(token)
		for _, slow := range held {
			answer, err := slow.End()
			Expect(err).NotTo(HaveOccurred())
			answer.IsError(http.StatusUnauthorized, "")
		}
		for _, name := range []string{"held@example.com", "bulk@example.com"} {
			t.Get(Filter(Users, `userName eq %q`, name)).IsList(0)
		}
		accepted(t.Token)
		Eventually(func() map[string]any { return KubectlGet(t.Namespace, "secret", "leaked") }).Should(BeNil(),
			"the hand-over Secret goes with its key")
	})

	It("stops working when it expires", func(ctx SpecContext) {
		expiration := metav1.NewTime(time.Now().Add(10 * time.Second))
		Apply(NewKey(t.Namespace, "short", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.ExpirationTime = expiration }),
			NewKey(t.Namespace, "late", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) {
				spec.ExpirationTime = metav1.NewTime(time.Now().Add(-time.Hour))
			}))
		token := string(delivered(ctx, "short").Data["token"])
		accepted(token)
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).
				WithTimeout(time.Until(expiration.Time) + 2*time.Second).WithPolling(100 * time.Millisecond).
				Should(Equal(http.StatusUnauthorized))
			Expect(time.Now()).To(BeTemporally(">=", expiration.Truncate(time.Second)))
		})
		refused(token)
		for name, help := range map[string]string{
			"short": "create another ScimApiKey", "late": "set it to a time to come",
		} {
			WaitFor(t.Namespace, "condition=Stalled", "scimapikey/"+name)
			ready := conditionOf(KubectlGet(t.Namespace, "scimapikey", name), scimv1alpha1.ConditionReady)
			Want{"status": "False", "reason": scimv1alpha1.ReasonExpired, "message": ContainSubstring(help)}.In(ready, name)
		}
		Expect(KubectlGet(t.Namespace, "secret", "late")).To(BeNil())
	})

	It("waits, and says so, while there is no such tenant", func() {
		Apply(NewKey(t.Namespace, "early", "nobody"))
		WaitFor(t.Namespace, "condition=Ready=false", "scimapikey/early")
		key := KubectlGet(t.Namespace, "scimapikey", "early")
		Want{"status": "False", "reason": scimv1alpha1.ReasonTenantNotFound, "message": ContainSubstring(`no ScimTenant "nobody"`)}.
			In(conditionOf(key, scimv1alpha1.ConditionTenantFound), "TenantFound")
		Expect(KubectlGet(t.Namespace, "secret", "early")).To(BeNil())
		Kubectl("delete", "scimapikey", "-n", t.Namespace, "early", "--timeout=30s")
	})

	It("are of no use while the tenant is paused, and work again after it", func(ctx SpecContext) {
		id := t.Send(http.MethodPost, Users, PlainUser("paused@example.com")).Has(http.StatusCreated).ID()
		before := NamesOf(t.Pods(ctx))
		state := func(state string) {
			Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p", `{"spec":{"state":"`+state+`"}}`)
		}
		state("Paused")
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.Get(Users + "/" + id).Status }).WithTimeout(5 * time.Second).Should(Equal(http.StatusServiceUnavailable))
			c.Get(Users+"/"+id).IsError(http.StatusServiceUnavailable, "")
			c.Do(http.MethodPost, Users, PlainUser("late@example.com")).IsError(http.StatusServiceUnavailable, "")
			c.WithToken(t.Token+"x").Get(Users).IsError(http.StatusUnauthorized, "")
		})
		Eventually(func(g Gomega) {
			ready := conditionOf(KubectlGet(t.Namespace, "scimtenant", t.Name), scimv1alpha1.ConditionReady)
			g.Expect(ready).To(And(HaveKeyWithValue("reason", scimv1alpha1.ReasonPaused), HaveKeyWithValue("status", "True")))
		}).Should(Succeed())
		state("Active")
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.Get(Users + "/" + id).Status }).WithTimeout(5 * time.Second).Should(Equal(http.StatusOK))
			c.Get(Filter(Users, `userName eq "late@example.com"`)).IsList(0)
		})
		Expect(NamesOf(t.Pods(ctx))).To(ConsistOf(before), "pausing restarts no pod")
	})
})

// conditionOf is a condition in the status of an object; nil when it is not there.
func conditionOf(object map[string]any, kind string) map[string]any {
	list, _ := Dig(object, "status/conditions").([]any)
	for _, element := range list {
		if condition, _ := element.(map[string]any); condition["type"] == kind {
			return condition
		}
	}
	return nil
}
