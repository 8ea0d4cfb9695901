package e2e

import (
	"encoding/json"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// checkout is the checkout, seen from this folder.
const checkout = "../.."

// answersWithinASecond waits until every replica answers requests with a token like that,
// for a second in all from the moment that it is called.
func answersWithinASecond(t *Tenant, token string, status int) {
	GinkgoHelper()
	changed := time.Now()
	t.EveryReplica(func(c *Client) {
		left := max(time.Second-time.Since(changed), time.Millisecond)
		Eventually(func() int { return c.WithToken(token).Get(Users + "?count=0").Status }).
			WithTimeout(left).WithPolling(20 * time.Millisecond).Should(Equal(status))
	})
}

// answers checks that every replica answers requests with a token like that.
func answers(t *Tenant, token string, status int) {
	GinkgoHelper()
	t.EveryReplica(func(c *Client) { Expect(c.WithToken(token).Get(Users + "?count=0").Status).To(Equal(status)) })
}

// newToken makes a token for a key, and applies its ScimCredential.
func newToken(t *Tenant, key string, flags ...string) string {
	GinkgoHelper()
	token, manifest := GenerateToken(t.Namespace, key, flags...)
	ApplyText(manifest)
	return token
}

// patchCredential changes the spec of a token's ScimCredential.
func patchCredential(t *Tenant, token, spec string) error {
	_, err := RunKubectl("", "patch", "scimcredential", "-n", t.Namespace, CredentialOf(token), "--type=merge", "-p", `{"spec":`+spec+`}`)
	return err
}

// keyHas waits until a key has a condition with a status and a reason, and returns its message.
func keyHas(t *Tenant, key, condition, status, reason string) string {
	GinkgoHelper()
	var found map[string]any
	Eventually(func(g Gomega) {
		found = conditionOf(KubectlGet(t.Namespace, "scimapikey", key), condition)
		g.Expect(found).To(And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason)))
	}).Should(Succeed())
	message, _ := found["message"].(string)
	return message
}

var _ = Describe("Credentials", Ordered, ContinueOnFailure, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "credentials", scimv1alpha1.IdentityProviderGeneric)
	})

	It("let a token in that was made offline, on every replica within a second of being applied", func() {
		Apply(NewKey(t.Namespace, "git", t.Name, Offline))
		Expect(keyHas(t, "git", scimv1alpha1.ConditionDelivered, "False", scimv1alpha1.ReasonWaitingForCredential)).To(ContainSubstring("kubectl scim key generate"))
		token, manifest := GenerateToken(t.Namespace, "git")
		Expect(manifest).NotTo(ContainSubstring(token))
		answers(t, token, http.StatusUnauthorized)

		ApplyText(manifest)
		answersWithinASecond(t, token, http.StatusOK)
		keyHas(t, "git", scimv1alpha1.ConditionDelivered, "True", scimv1alpha1.ReasonProvided)
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/git")
		WaitFor(t.Namespace, "condition="+scimv1alpha1.ConditionCredentialsAccepted, "scimapikey/git")
		Expect(Dig(KubectlGet(t.Namespace, "scimapikey", "git"), "status/credentials")).
			To(ConsistOf(HaveKeyWithValue("keyID", CredentialOf(token))))
		Expect(KubectlGet(t.Namespace, "secret", "git")).To(BeNil(), "the operator has no token to hand over")

		id := t.Replicas[0].WithToken(token).Do(http.MethodPost, Users, PlainUser("git@example.com")).Has(http.StatusCreated).ID()
		Want{"spec/meta/keyID": CredentialOf(token)}.In(t.User(id), "what kubectl shows of who wrote it")
	})

	It("are as many as a key needs, and end one by one", func() {
		Apply(NewKey(t.Namespace, "several", t.Name, Offline))
		begins := time.Now().Add(10 * time.Second).UTC().Truncate(time.Second)
		first := newToken(t, "several")
		early := newToken(t, "several", "--not-before="+begins.Format(time.RFC3339))
		short := newToken(t, "several", "--expiration-time="+begins.Format(time.RFC3339))
		for _, token := range []string{first, short} {
			answersWithinASecond(t, token, http.StatusOK)
		}
		answers(t, early, http.StatusUnauthorized)

		By("waiting for the time at which one begins and another one ends")
		Eventually(time.Now).WithPolling(50 * time.Millisecond).Should(BeTemporally(">=", begins))
		answersWithinASecond(t, early, http.StatusOK)
		answersWithinASecond(t, short, http.StatusUnauthorized)

		By("bringing the end of one forward")
		Expect(patchCredential(t, first, `{"expirationTime":"`+time.Now().UTC().Format(time.RFC3339)+`"}`)).To(Succeed())
		answersWithinASecond(t, first, http.StatusUnauthorized)
		Expect(patchCredential(t, first, `{"expirationTime":"2040-01-01T00:00:00Z"}`)).To(MatchError(ContainSubstring("Make another token")))
		answers(t, early, http.StatusOK)

		By("deleting one")
		Kubectl("delete", "scimcredential", "-n", t.Namespace, CredentialOf(early))
		answersWithinASecond(t, early, http.StatusUnauthorized)
		answers(t, t.Token, http.StatusOK)
	})

	It("are of no use to a copy, of themselves or of their key, under another name", func() {
		Apply(NewKey(t.Namespace, "original", t.Name, Offline))
		token := newToken(t, "original")
		answersWithinASecond(t, token, http.StatusOK)
		key := KubectlGet(t.Namespace, "scimapikey", "original")
		credential := KubectlGet(t.Namespace, "scimcredential", CredentialOf(token))
		for _, object := range []map[string]any{key, credential} {
			metadata, _ := object["metadata"].(map[string]any)
			object["metadata"] = map[string]any{"namespace": t.Namespace, "name": "copy", "annotations": metadata["annotations"]}
		}
		apply := func(object map[string]any) error {
			text, err := json.Marshal(object)
			Expect(err).NotTo(HaveOccurred())
			_, err = RunKubectl(string(text), "create", "-f", "-")
			return err
		}
		Expect(apply(key)).To(Succeed())
		Expect(apply(credential)).To(MatchError(ContainSubstring("`metadata.name` must be the key id")))
		credential["metadata"].(map[string]any)["name"] = "abcdefghijklmnop"
		Expect(apply(credential)).To(Succeed())
		Expect(patchCredential(t, token, `{"apiKeyRef":{"name":"copy"}}`)).To(MatchError(ContainSubstring("a credential does not change")))

		By("deleting the original credential, then its key")
		Kubectl("delete", "scimcredential", "-n", t.Namespace, CredentialOf(token))
		answersWithinASecond(t, token, http.StatusUnauthorized)
		token = newToken(t, "original")
		answersWithinASecond(t, token, http.StatusOK)
		Kubectl("delete", "scimapikey", "-n", t.Namespace, "original", "--timeout=30s")
		answers(t, token, http.StatusUnauthorized)
		Expect(KubectlGet(t.Namespace, "scimcredential", CredentialOf(token))).To(BeNil(), "a key takes its credentials with it")
		keyHas(t, "copy", scimv1alpha1.ConditionDelivered, "False", scimv1alpha1.ReasonWaitingForCredential)
	})

	It("that somebody removed come back while the token is in the hand-over Secret, and not without it", func() {
		Apply(NewKey(t.Namespace, "removed", t.Name))
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/removed")
		token, keyID := TokenOf(t.Namespace, "removed")
		Kubectl("delete", "scimcredential", "-n", t.Namespace, keyID)
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).WithTimeout(10 * time.Second).Should(Equal(http.StatusOK))
		})
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/removed")

		Kubectl("delete", "secret", "-n", t.Namespace, "removed")
		Kubectl("delete", "scimcredential", "-n", t.Namespace, keyID)
		answersWithinASecond(t, token, http.StatusUnauthorized)
		Expect(keyHas(t, "removed", scimv1alpha1.ConditionReady, "False", scimv1alpha1.ReasonCredentialLost)).To(ContainSubstring("create another"))
		answers(t, token, http.StatusUnauthorized)
	})

	It("are read without any right on Secrets", func(ctx SpecContext) {
		for _, name := range []string{"", t.Name, t.Name + "-scim-verifiers"} {
			for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete"} {
				review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
					User:   "system:serviceaccount:" + t.Namespace + ":" + t.Name + "-scim",
					Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + t.Namespace, "system:authenticated"},
					ResourceAttributes: &authorizationv1.ResourceAttributes{
						Namespace: t.Namespace, Verb: verb, Resource: "secrets", Name: name,
					},
				}}
				Expect(Cluster.Create(ctx, review)).To(Succeed())
				Expect(review.Status.Allowed).To(BeFalse(), "%s secrets %s", verb, name)
			}
		}
		Expect(KubectlGet(t.Namespace, "secret", t.Name+"-scim-verifiers")).To(BeNil())
	})

	It("that were made before the tenant's credentialsNotBefore are refused within a second, and newer ones are not", func() {
		Apply(NewKey(t.Namespace, "since", t.Name, Offline))
		old := newToken(t, "since")
		answersWithinASecond(t, old, http.StatusOK)
		since := time.Now().UTC().Truncate(time.Second).Add(time.Second)
		tenantNotBefore(t, `"`+since.Format(time.RFC3339)+`"`)
		answersWithinASecond(t, old, http.StatusUnauthorized)
		answers(t, t.Token, http.StatusUnauthorized)

		Eventually(time.Now).WithPolling(50 * time.Millisecond).Should(BeTemporally(">=", since))
		answersWithinASecond(t, newToken(t, "since"), http.StatusOK)
		answers(t, old, http.StatusUnauthorized)
	})
})

// tenantNotBefore sets the tenant's credentialsNotBefore.
func tenantNotBefore(t *Tenant, value string) {
	GinkgoHelper()
	Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p", `{"spec":{"credentialsNotBefore":`+value+`}}`)
}

// No operator runs for a while: no other spec runs beside it.
var _ = Describe("Credentials while the operator is away", Serial, func() {
	It("let in and are revoked within a second", func(ctx SpecContext) {
		t := Serve(ctx, "alone", scimv1alpha1.IdentityProviderGeneric)
		Apply(NewKey(t.Namespace, "leaked", t.Name), NewKey(t.Namespace, "git", t.Name, Offline))
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/leaked")
		leaked, _ := TokenOf(t.Namespace, "leaked")

		WithoutOperator(ctx, func() {
			token := newToken(t, "git")
			answersWithinASecond(t, token, http.StatusOK)
			Kubectl("delete", "scimcredential", "-n", t.Namespace, CredentialOf(token))
			answersWithinASecond(t, token, http.StatusUnauthorized)

			answers(t, leaked, http.StatusOK)
			Kubectl("delete", "scimapikey", "-n", t.Namespace, "leaked", "--wait=false")
			answersWithinASecond(t, leaked, http.StatusUnauthorized)

			answers(t, t.Token, http.StatusOK)
			tenantNotBefore(t, `"`+time.Now().UTC().Add(time.Minute).Format(time.RFC3339)+`"`)
			answersWithinASecond(t, t.Token, http.StatusUnauthorized)
			tenantNotBefore(t, "null")
			answersWithinASecond(t, t.Token, http.StatusOK)
		})
		Eventually(func() map[string]any { return KubectlGet(t.Namespace, "scimapikey", "leaked") }).WithTimeout(time.Minute).Should(BeNil())
		answers(t, leaked, http.StatusUnauthorized)
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+t.Name)
		answers(t, t.Token, http.StatusOK)
	})
})
