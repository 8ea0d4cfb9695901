package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("OAuth clients", Ordered, ContinueOnFailure, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "oauth", scimv1alpha1.IdentityProviderEntra)
	})

	asClient := func(spec *scimv1alpha1.ScimApiKeySpec) { spec.OAuthClient = &scimv1alpha1.OAuthClient{} }
	// handedOver makes an OAuth client, and returns its secret.
	handedOver := func(ctx SpecContext, name string) string {
		GinkgoHelper()
		Apply(NewKey(t.Namespace, name, t.Name, asClient))
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+name)
		Expect(keyHas(t, name, scimv1alpha1.ConditionDelivered, "True", scimv1alpha1.ReasonDelivered)).To(HavePrefix("the client secret was written"))
		Expect(kubectlStatus(t.Namespace, name, "type")).To(BeEquivalentTo(scimv1alpha1.APIKeyOAuthClient))
		secret := &corev1.Secret{}
		Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: name}, secret)).To(Succeed())
		url := Kubectl("get", "scimtenant", "-n", t.Namespace, t.Name, "-o", "jsonpath={.status.url}")
		Expect(secret.Data).To(And(HaveLen(4),
			HaveKeyWithValue("url", []byte(url)), HaveKeyWithValue("tokenURL", []byte(url+"/oauth2/token")),
			HaveKeyWithValue("clientID", []byte(name)), HaveKey("clientSecret")))
		return string(secret.Data["clientSecret"])
	}
	refused := func(id, secret string, tokens ...string) {
		GinkgoHelper()
		t.EveryReplica(func(c *Client) {
			status, answer := AskForToken(c, id, secret)
			Expect(status).To(Equal(http.StatusUnauthorized))
			Expect(answer).To(Equal(TokenAnswer{Error: "invalid_client"}))
			for _, token := range tokens {
				c.WithToken(token).Get(Users).IsError(http.StatusUnauthorized, "")
			}
		})
	}

	It("get access tokens from every replica, with which every replica lets them in", func(ctx SpecContext) {
		secret := handedOver(ctx, "every")
		var tokens []string
		t.EveryReplica(func(c *Client) { tokens = append(tokens, AccessToken(c, "every", secret)) })
		t.EveryReplica(func(c *Client) {
			for _, token := range tokens {
				c.WithToken(token).Get(Users).Has(http.StatusOK)
			}
			c.WithToken(secret).Get(Users).IsError(http.StatusUnauthorized, "")
		})
		refused("other", secret)
		refused("every", t.Token)
	})

	It("lose what they have got within a second once the ScimApiKey is being deleted", func(ctx SpecContext) {
		secret := handedOver(ctx, "gone")
		token := AccessToken(t.Service, "gone", secret)
		Kubectl("delete", "scimapikey", "-n", t.Namespace, "gone", "--wait=false")
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).
				WithTimeout(time.Second).WithPolling(20 * time.Millisecond).Should(Equal(http.StatusUnauthorized))
		})
		refused("gone", secret, token)
	})

	It("get nothing while they are suspended, and go on afterwards with what they had", func(ctx SpecContext) {
		secret := handedOver(ctx, "suspended")
		token := AccessToken(t.Service, "suspended", secret)
		changeKey(t, "suspended", map[string]any{"state": "Suspended"})
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).
				WithTimeout(time.Second).WithPolling(20 * time.Millisecond).Should(Equal(http.StatusUnauthorized))
		})
		refused("suspended", secret, token)
		changeKey(t, "suspended", map[string]any{"state": "Active"})
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Get(Users).Status }).Should(Equal(http.StatusOK))
		})
	})

	It("have several secrets at once, and keep the tokens of the one that stays", func(ctx SpecContext) {
		first := handedOver(ctx, "several")
		second, manifest := GenerateToken(t.Namespace, "several")
		ApplyText(manifest)
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { status, _ := AskForToken(c, "several", second); return status }).Should(Equal(http.StatusOK))
		})
		tokens := map[string]string{first: AccessToken(t.Service, "several", first), second: AccessToken(t.Service, "several", second)}
		ended := Kubectl("get", "scimapikey", "-n", t.Namespace, "several", "-o", "jsonpath={.status.credentials[-1].keyID}")
		Kubectl("delete", "scimcredential", "-n", t.Namespace, ended)
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(tokens[first]).Get(Users).Status }).Should(Equal(http.StatusUnauthorized))
			c.WithToken(tokens[second]).Get(Users).Has(http.StatusOK)
		})
		refused("several", first)
	})

	It("find the token endpoint by the documents outside of the base URL", func() {
		host := NewClient(t.Service.Base[:len(t.Service.Base)-len("/scim/v2")], "")
		for _, document := range []string{"oauth-authorization-server", "oauth-protected-resource"} {
			r := host.Do(http.MethodGet, "/.well-known/"+document+"/scim/v2", "")
			Expect(r.Status).To(Equal(http.StatusOK), r.String())
			Expect(string(r.Body)).To(ContainSubstring("://"+PublicHost+"/scim/v2"), r.String())
		}
		r := t.Service.WithToken("").Get(Users).IsError(http.StatusUnauthorized, "")
		Expect(r.Header.Get("WWW-Authenticate")).To(ContainSubstring(`resource_metadata="`), r.String())
	})
})
