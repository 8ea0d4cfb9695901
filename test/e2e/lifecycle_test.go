package e2e

import (
	"net/http"
	"regexp"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It waits for minutes, and begins first, so that the suite need not wait for it in the end.
var _ = Describe("The life of a key", SpecPriority(1), Ordered, ContinueOnFailure, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "lifecycle", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) { spec.Server.Replicas = 3 })
	})

	// tokenIn returns the token in a Secret; nothing while there is no Secret.
	tokenIn := func(name string) string {
		return Kubectl("get", "secret", "-n", t.Namespace, name, "--ignore-not-found", "-o", "go-template={{.data.token | base64decode}}")
	}
	// delivered waits for the Secret of a key with another token than one.
	delivered := func(key, before string) (token string) {
		GinkgoHelper()
		Eventually(func() string {
			token = tokenIn(key)
			return token
		}).WithPolling(50 * time.Millisecond).Should(And(Not(BeEmpty()), Not(Equal(before))))
		return token
	}
	annotate := func(key, annotation string) {
		Kubectl("annotate", "scimapikey", "-n", t.Namespace, key, annotation, "--overwrite")
	}
	rotate := func(key string) {
		annotate(key, scimv1alpha1.AnnotationRotateAt+"="+time.Now().UTC().Format(time.RFC3339))
	}
	overlap := func(key, hours string) {
		Kubectl("patch", "scimapikey", "-n", t.Namespace, key, "--type=merge", "-p", `{"spec":{"rotation":{"overlapHours":`+hours+`}}}`)
	}
	state := func(key string) any { return Dig(KubectlGet(t.Namespace, "scimapikey", key), "status/delivery/state") }

	It("has its token changed on demand under load, without a request that fails, and ends the one before within a second", func() {
		Apply(NewKey(t.Namespace, "rotated", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.Rotation.OverlapHours = ptr.To[int32](1) }))
		first := delivered("rotated", "")
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/rotated")
		// Tokens are issued in whole seconds, and so is what asks for another one.
		Eventually(time.Now).WithPolling(50 * time.Millisecond).Should(BeTemporally(">", time.Now().Add(time.Second)))

		clients, holder := &SteadyClients{}, *t
		holder.Service = t.Service.WithToken(first)
		clients.Start(&holder, 6, 80*time.Millisecond)
		defer clients.Stop()
		rotate("rotated")
		second := delivered("rotated", first)
		answers(t, second, http.StatusOK)
		message := keyHas(t, "rotated", scimv1alpha1.ConditionRotating, "True", scimv1alpha1.ReasonOverlap)
		Expect(message).To(And(ContainSubstring(CredentialOf(second)), ContainSubstring(CredentialOf(first))))
		answers(t, first, http.StatusOK)
		clients.Stop()
		Expect(clients.Failures()).To(BeEmpty())
		Expect(clients.Sent()).To(BeNumerically(">", 20))

		By("ending the overlap")
		overlap("rotated", "0")
		Eventually(func() any {
			return Dig(KubectlGet(t.Namespace, "scimcredential", CredentialOf(first)), "spec/expirationTime")
		}).
			WithPolling(20 * time.Millisecond).Should(Or(BeNil(), Satisfy(HasPassed)))
		answersWithinASecond(t, first, http.StatusUnauthorized)
		answers(t, second, http.StatusOK)
		Eventually(func() map[string]any { return KubectlGet(t.Namespace, "scimcredential", CredentialOf(first)) }).Should(BeNil())
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/rotated")
		Expect(tokenIn("rotated")).To(Equal(second))
		Expect(kubectlStatus(t.Namespace, "rotated", "keyID")).To(Equal(CredentialOf(second)))
	})

	It("has its token changed by schedule, and lets one end that was applied", func() {
		token, manifest := GenerateToken(t.Namespace, "scheduled")
		issued := time.Now().AddDate(0, 0, -91).UTC().Format(time.RFC3339)
		ApplyText(regexp.MustCompile(`issueTime: .*`).ReplaceAllString(manifest, `issueTime: "`+issued+`"`))
		Apply(NewKey(t.Namespace, "scheduled", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.Rotation.EveryDays = 90 }))
		another := delivered("scheduled", "")
		Expect(another).NotTo(Equal(token))
		for _, token := range []string{token, another} {
			answers(t, token, http.StatusOK)
		}
		keyHas(t, "scheduled", scimv1alpha1.ConditionRotating, "True", scimv1alpha1.ReasonOverlap)
		overlap("scheduled", "0")
		Eventually(func() int { return t.Replicas[0].WithToken(token).Get(Users + "?count=0").Status }).Should(Equal(http.StatusUnauthorized))
		Eventually(func() string {
			t.Replicas[0].WithToken(token).Get(Users)
			return serverLogs(t)
		}).Should(MatchRegexp(`"reason":"Expired".*"keyID":"`+CredentialOf(token)+`"`), "the log says which key it was")
		Expect(keyHas(t, "scheduled", scimv1alpha1.ConditionRotating, "False", scimv1alpha1.ReasonScheduled)).
			To(ContainSubstring(time.Now().AddDate(0, 0, 90).UTC().Format(time.DateOnly)))
		Expect(KubectlGet(t.Namespace, "scimcredential", CredentialOf(token))).NotTo(BeNil(), "it would be applied once more")
	})

	It("says how to ask for another token when it was asked for in words", func() {
		annotate(t.Name, scimv1alpha1.AnnotationRotateAt+"=now")
		Expect(keyHas(t, t.Name, scimv1alpha1.ConditionRotating, "False", scimv1alpha1.ReasonInvalidTime)).To(ContainSubstring("write it like 2026-05-01T12:00:00Z"))
		annotate(t.Name, scimv1alpha1.AnnotationRotateAt+"-")
		Eventually(func() map[string]any {
			return conditionOf(KubectlGet(t.Namespace, "scimapikey", t.Name), scimv1alpha1.ConditionRotating)
		}).Should(BeNil())
	})

	It("hands its token over once, until that is acknowledged, and so again after a rotation", func() {
		Apply(NewKey(t.Namespace, "once", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.Delivery.Mode = scimv1alpha1.DeliveryOnce }))
		token := delivered("once", "")
		Eventually(func() any { return state("once") }).Should(BeEquivalentTo(scimv1alpha1.DeliveryAvailable))
		acknowledge := func(value string) {
			GinkgoHelper()
			annotate("once", scimv1alpha1.AnnotationDeliveryAcknowledged+"="+value)
			Eventually(func() string {
				return Kubectl("get", "scimapikey", "-n", t.Namespace, "once", "-o", "jsonpath={.metadata.annotations}")
			}).ShouldNot(ContainSubstring(scimv1alpha1.AnnotationDeliveryAcknowledged))
		}
		acknowledged := func() {
			GinkgoHelper()
			Eventually(func() any { return state("once") }).Should(BeEquivalentTo(scimv1alpha1.DeliveryAcknowledged))
			Expect(KubectlGet(t.Namespace, "secret", "once")).To(BeNil())
			key := KubectlGet(t.Namespace, "scimapikey", "once")
			Expect(Dig(key, "status/secretName")).To(BeNil(), "it names a Secret that is gone")
			Expect(conditionOf(key, scimv1alpha1.ConditionDelivered)).To(HaveKeyWithValue("message", ContainSubstring(`Secret "once" is gone`)))
		}
		acknowledge("true")
		acknowledged()
		answers(t, token, http.StatusOK)
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/once")

		rotate("once")
		another := delivered("once", token)
		answers(t, another, http.StatusOK)
		Eventually(func() any { return state("once") }).Should(BeEquivalentTo(scimv1alpha1.DeliveryAvailable))
		acknowledge(CredentialOf(token))
		Expect(state("once")).To(BeEquivalentTo(scimv1alpha1.DeliveryAvailable), "the token before was acknowledged, and not this one")
		Expect(KubectlGet(t.Namespace, "secret", "once")).NotTo(BeNil())
		acknowledge(CredentialOf(another))
		acknowledged()
	})

	It("hands its token over once, for a minute at the least", func() {
		Apply(NewKey(t.Namespace, "minute", t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.Delivery = scimv1alpha1.Delivery{Mode: scimv1alpha1.DeliveryOnce, TTLSeconds: 60}
		}))
		token, begin := delivered("minute", ""), time.Now()
		Eventually(func() map[string]any { return KubectlGet(t.Namespace, "secret", "minute") }).
			WithTimeout(90 * time.Second).WithPolling(time.Second).Should(BeNil())
		Expect(time.Since(begin)).To(BeNumerically(">", 55*time.Second))
		Eventually(func() any { return state("minute") }).Should(BeEquivalentTo(scimv1alpha1.DeliveryExpired))
		Expect(keyHas(t, "minute", scimv1alpha1.ConditionDelivered, "True", scimv1alpha1.ReasonDelivered)).To(ContainSubstring("its time was over"))
		answers(t, token, http.StatusOK)
	})

	It("says in which hour its token was last used", func() {
		used := time.Now().UTC().Truncate(time.Hour)
		answers(t, t.Token, http.StatusOK)
		Eventually(func() any { return Dig(KubectlGet(t.Namespace, "scimapikey", t.Name), "status/credentials") }).
			WithTimeout(time.Minute).Should(ContainElement(HaveKeyWithValue("lastUsedTime", Or(
			Equal(used.Format(time.RFC3339)), Equal(used.Add(time.Hour).Format(time.RFC3339))))))
	})

	It("says that it ends soon, and what to do", func() {
		Apply(NewKey(t.Namespace, "ending", t.Name, Offline))
		newToken(t, "ending", "--expiration-time="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		keyHas(t, "ending", scimv1alpha1.ConditionExpiringSoon, "False", scimv1alpha1.ReasonLater)
		Apply(NewKey(t.Namespace, "ended", t.Name, Offline))
		token, manifest := GenerateToken(t.Namespace, "ended", "--expiration-time="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		issued := time.Now().AddDate(0, 0, -364).UTC().Format(time.RFC3339)
		ApplyText(regexp.MustCompile(`issueTime: .*`).ReplaceAllString(manifest, `issueTime: "`+issued+`"`))
		Expect(keyHas(t, "ended", scimv1alpha1.ConditionExpiringSoon, "True", scimv1alpha1.ReasonSoon)).To(ContainSubstring("kubectl scim key generate"))
		answers(t, token, http.StatusOK)
	})
})
