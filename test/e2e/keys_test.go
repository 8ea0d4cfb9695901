package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var _ = Describe("API keys", Ordered, ContinueOnFailure, func() {
	var (
		t      *tenant
		tokens []string
	)

	BeforeAll(func(ctx SpecContext) {
		t = serve(ctx, "keys", scimv1alpha1.IdentityProviderGeneric)
		tokens = append(tokens, t.token)
	})

	// delivered waits for the hand-over Secret, and returns it as soon as it is there.
	delivered := func(ctx SpecContext, name string) *corev1.Secret {
		GinkgoHelper()
		secret := &corev1.Secret{}
		Eventually(func() error {
			return cluster.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: name}, secret)
		}).WithPolling(20 * time.Millisecond).Should(Succeed())
		tokens = append(tokens, string(secret.Data["token"]))
		return secret
	}
	accepted := func(token string) {
		GinkgoHelper()
		t.everyReplica(func(c *scimClient) { c.withToken(token).get(users).has(http.StatusOK) })
	}
	refused := func(token string) {
		GinkgoHelper()
		t.everyReplica(func(c *scimClient) { c.withToken(token).get(users).isError(http.StatusUnauthorized, "") })
	}

	It("works on every replica from the moment it is handed over", func(ctx SpecContext) {
		for _, name := range []string{"second", "third"} {
			apply(newKey(t.namespace, name, t.name))
			secret := delivered(ctx, name)
			accepted(string(secret.Data["token"]))

			Expect(secret.Data).To(HaveLen(2))
			Expect(string(secret.Data["token"])).To(MatchRegexp(`^kscim_[a-z2-7]{16}_[a-z2-7]{52}_[a-z2-7]{7}$`))
			Expect(string(secret.Data["url"])).To(Equal(kubectl("get", "scimtenant", "-n", t.namespace, t.name, "-o", "jsonpath={.status.url}")))
			waitFor(t.namespace, "condition=Ready", "scimapikey/"+name)
			Expect(string(secret.Data["token"])).To(ContainSubstring("_" + kubectlStatus(t.namespace, name, "keyID") + "_"))
		}
		accepted(t.token)
	})

	It("goes into the Secret that the key names, and stays valid when the Secret is deleted", func(ctx SpecContext) {
		apply(newKey(t.namespace, "named", t.name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.SecretName = "named-for-okta" }))
		secret := delivered(ctx, "named-for-okta")
		accepted(string(secret.Data["token"]))
		waitFor(t.namespace, "condition=Ready", "scimapikey/named")
		kubectl("delete", "secret", "-n", t.namespace, "named-for-okta")
		Consistently(func(g Gomega) {
			g.Expect(kubectlGet(t.namespace, "secret", "named-for-okta")).To(BeNil(), "a token is handed over once")
		}).WithTimeout(2 * time.Second).WithPolling(500 * time.Millisecond).Should(Succeed())
		accepted(string(secret.Data["token"]))
	})

	It("does not work any more on any replica once the ScimApiKey is gone", func(ctx SpecContext) {
		apply(newKey(t.namespace, "leaked", t.name))
		token := string(delivered(ctx, "leaked").Data["token"])
		accepted(token)
		waitFor(t.namespace, "condition=Ready", "scimapikey/leaked")

		kubectl("delete", "scimapikey", "-n", t.namespace, "leaked", "--timeout=30s")
		refused(token)
		accepted(t.token)
		Eventually(func() map[string]any { return kubectlGet(t.namespace, "secret", "leaked") }).Should(BeNil(),
			"the hand-over Secret goes with its key")
	})

	It("stops working when it expires", func(ctx SpecContext) {
		expiration := metav1.NewTime(time.Now().Add(10 * time.Second))
		apply(newKey(t.namespace, "short", t.name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.ExpirationTime = expiration }),
			newKey(t.namespace, "late", t.name, func(spec *scimv1alpha1.ScimApiKeySpec) {
				spec.ExpirationTime = metav1.NewTime(time.Now().Add(-time.Hour))
			}))
		token := string(delivered(ctx, "short").Data["token"])
		accepted(token)
		t.everyReplica(func(c *scimClient) {
			Eventually(func() int { return c.withToken(token).get(users).status }).
				WithTimeout(time.Until(expiration.Time) + 2*time.Second).WithPolling(100 * time.Millisecond).
				Should(Equal(http.StatusUnauthorized))
			Expect(time.Now()).To(BeTemporally(">=", expiration.Truncate(time.Second)))
		})
		refused(token)
		for _, name := range []string{"short", "late"} {
			waitFor(t.namespace, "condition=Stalled", "scimapikey/"+name)
			ready := conditionOf(kubectlGet(t.namespace, "scimapikey", name), scimv1alpha1.ConditionReady)
			want{"status": "False", "reason": scimv1alpha1.ReasonExpired, "message": ContainSubstring("create another ScimApiKey")}.in(ready, name)
		}
		Expect(kubectlGet(t.namespace, "secret", "late")).To(BeNil())
	})

	It("waits, and says so, while there is no such tenant", func() {
		apply(newKey(t.namespace, "early", "nobody"))
		waitFor(t.namespace, "condition=Ready=false", "scimapikey/early")
		key := kubectlGet(t.namespace, "scimapikey", "early")
		want{"status": "False", "reason": scimv1alpha1.ReasonTenantNotFound, "message": ContainSubstring(`no ScimTenant "nobody"`)}.
			in(conditionOf(key, scimv1alpha1.ConditionTenantFound), "TenantFound")
		Expect(kubectlGet(t.namespace, "secret", "early")).To(BeNil())
		kubectl("delete", "scimapikey", "-n", t.namespace, "early", "--timeout=30s")
	})

	It("never stands in logs, events, status or the server's own Secret", func(ctx SpecContext) {
		Expect(len(tokens)).To(BeNumerically(">=", 5))
		verifiers := &corev1.Secret{}
		Expect(cluster.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: t.name + "-scim-verifiers"}, verifiers)).To(Succeed())
		stored, err := json.Marshal(verifiers.Data)
		Expect(err).NotTo(HaveOccurred())
		for _, entry := range verifiers.Data {
			stored = append(stored, entry...)
		}
		places := map[string]string{
			"the operator's log": operatorLogs(ctx),
			"the server's log":   serverLogs(t),
			"events":             kubectl("get", "events", "-n", t.namespace, "-o", "yaml"),
			"status":             kubectl("get", "scimapikeys,scimtenants,deployments,pods,leases", "-n", t.namespace, "-o", "yaml"),
			"the verifiers":      string(stored),
		}
		Expect(places["the server's log"]).To(ContainSubstring(t.keyID), "the log tells keys by their id")
		Expect(places["events"]).To(ContainSubstring(t.keyID))
		for place, text := range places {
			for _, token := range tokens {
				secret := strings.Split(token, "_")[2]
				Expect(strings.Contains(text, secret)).To(BeFalse(), "%s have a token", place)
			}
		}
	})

	It("are of no use while the tenant is paused, and work again after it", func(ctx SpecContext) {
		id := t.send(http.MethodPost, users, plainUser("paused@example.com")).has(http.StatusCreated).id()
		before := namesOf(t.pods(ctx))
		state := func(state string) {
			kubectl("patch", "scimtenant", "-n", t.namespace, t.name, "--type=merge", "-p", `{"spec":{"state":"`+state+`"}}`)
		}
		state("Paused")
		t.everyReplica(func(c *scimClient) {
			Eventually(func() int { return c.get(users + "/" + id).status }).WithTimeout(5 * time.Second).Should(Equal(http.StatusServiceUnavailable))
			c.get(users+"/"+id).isError(http.StatusServiceUnavailable, "")
			c.do(http.MethodPost, users, plainUser("late@example.com")).isError(http.StatusServiceUnavailable, "")
			c.withToken(t.token+"x").get(users).isError(http.StatusUnauthorized, "")
		})
		Eventually(func(g Gomega) {
			ready := conditionOf(kubectlGet(t.namespace, "scimtenant", t.name), scimv1alpha1.ConditionReady)
			g.Expect(ready).To(And(HaveKeyWithValue("reason", scimv1alpha1.ReasonPaused), HaveKeyWithValue("status", "True")))
		}).Should(Succeed())
		state("Active")
		t.everyReplica(func(c *scimClient) {
			Eventually(func() int { return c.get(users + "/" + id).status }).WithTimeout(5 * time.Second).Should(Equal(http.StatusOK))
			c.get(filter(users, `userName eq "late@example.com"`)).isList(0)
		})
		Expect(namesOf(t.pods(ctx))).To(ConsistOf(before), "pausing restarts no pod")
	})
})

// conditionOf is a condition in the status of an object; nil when it is not there.
func conditionOf(object map[string]any, kind string) map[string]any {
	list, _ := dig(object, "status/conditions").([]any)
	for _, element := range list {
		if condition, _ := element.(map[string]any); condition["type"] == kind {
			return condition
		}
	}
	return nil
}
