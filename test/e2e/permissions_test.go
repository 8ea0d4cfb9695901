package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// privateNetworks are those that requests of the tests come from, through Services of the
// cluster.
var privateNetworks = []scimv1alpha1.CIDR{"10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}

// outside is a network that no request of the tests comes from.
const outside scimv1alpha1.CIDR = "203.0.113.0/24"

// keyWith makes a key whose token is made here, and returns the token. The operator has no
// part in what a key permits.
func keyWith(t *Tenant, name string, change func(*scimv1alpha1.ScimApiKeySpec)) (token string) {
	GinkgoHelper()
	Apply(NewKey(t.Namespace, name, t.Name, Offline, change))
	token = newToken(t, name)
	Eventually(func(g Gomega) {
		for _, c := range t.Replicas {
			g.Expect(c.WithToken(token).Get("/ServiceProviderConfig").Status).To(Equal(http.StatusOK))
		}
	}).Should(Succeed())
	return token
}

// changeKey changes the spec of a key by a merge patch.
func changeKey(t *Tenant, name string, spec map[string]any) {
	GinkgoHelper()
	patch, err := json.Marshal(map[string]any{"spec": spec})
	Expect(err).NotTo(HaveOccurred())
	Kubectl("patch", "scimapikey", "-n", t.Namespace, name, "--type=merge", "-p", string(patch))
}

// isDenied checks that the answer says that the token does not permit what was asked for.
func isDenied(r *Response) {
	GinkgoHelper()
	r.IsError(http.StatusForbidden, "")
	Expect(r.Header.Get("WWW-Authenticate")).To(Equal(`Bearer realm="scim", error="insufficient_scope"`), r.String())
}

// bulkOf is a bulk request of operations.
func bulkOf(operations ...map[string]any) string {
	GinkgoHelper()
	body, err := json.Marshal(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": operations,
	})
	Expect(err).NotTo(HaveOccurred())
	return string(body)
}

var _ = Describe("What a key permits", Ordered, ContinueOnFailure, func() {
	var (
		t           *Tenant
		user, group string
	)

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "permissions", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.TrustedProxies = privateNetworks
		})
		user = t.Send(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated).ID()
		group = t.Send(http.MethodPost, Groups, PlainGroup("Tour Guides", user)).Has(http.StatusCreated).ID()
	})

	It("is nothing but reading, on every replica, with access ReadOnly", func() {
		token := keyWith(t, "reader", func(spec *scimv1alpha1.ScimApiKeySpec) { spec.Access = scimv1alpha1.APIKeyReadOnly })
		before := t.User(user)
		t.EveryReplica(func(c *Client) {
			c = c.WithToken(token)
			isDenied(c.Do(http.MethodPost, Users, PlainUser("new@example.com")))
			isDenied(c.Do(http.MethodPatch, Users+"/"+user, Replace("title", "x")))
			isDenied(c.Do(http.MethodPut, Users+"/"+user, PlainUser("other@example.com")))
			isDenied(c.Do(http.MethodDelete, Groups+"/"+group, ""))
			results := c.Do(http.MethodPost, "/Bulk", bulkOf(
				map[string]any{"method": http.MethodDelete, "path": "/Users/" + user},
				map[string]any{"method": http.MethodPost, "path": "/Groups", "bulkId": "1", "data": json.RawMessage(PlainGroup("Engineers"))},
			)).Has(http.StatusOK)
			for _, result := range results.At("Operations").([]any) {
				Expect(result).To(HaveKeyWithValue("status", "403"), results.String())
			}
			Expect(c.Get(Users + "/" + user).Has(http.StatusOK).At("groups")).To(HaveLen(1))
			c.Do(http.MethodPost, "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`).IsList(2)
		})
		Expect(t.User(user)).To(Equal(before))
		t.Get(Groups + "/" + group).Has(http.StatusOK)
	})

	It("is users, and nothing that tells their groups, with resources Users", func() {
		token := keyWith(t, "users", func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.Resources = []scimv1alpha1.APIKeyResource{scimv1alpha1.APIKeyUsers}
		})
		t.EveryReplica(func(c *Client) {
			c = c.WithToken(token)
			isDenied(c.Get(Groups))
			isDenied(c.Get(Groups + "/" + group))
			isDenied(c.Do(http.MethodPost, Groups, PlainGroup("Engineers")))
			isDenied(c.Get(Filter(Users, "groups.value eq %q", group)))
			isDenied(c.Get(Users + "?sortBy=groups.display"))
			for _, path := range []string{Users + "/" + user, Users + "/" + user + "?attributes=userName,groups", Users, "/"} {
				r := c.Get(path).Has(http.StatusOK)
				Expect(string(r.Body)).To(And(ContainSubstring("babs@example.com"), Not(ContainSubstring(group)), Not(ContainSubstring("Tour Guides"))))
			}
			Expect(c.Get("/").IsList(1)).To(HaveLen(1))
			c.Get("/Schemas").Has(http.StatusOK)
			c.Do(http.MethodPatch, Users+"/"+user, Replace("title", "Guide")).Has(http.StatusOK)
		})
	})

	It("is where the key may be used from, as trusted proxies say it", func() {
		token := keyWith(t, "office", func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.AllowedCIDRs = append([]scimv1alpha1.CIDR{outside}, privateNetworks...)
		})
		changeKey(t, "office", map[string]any{"allowedCIDRs": []scimv1alpha1.CIDR{outside}})
		answersWithinASecond(t, token, http.StatusUnauthorized)
		t.EveryReplica(func(c *Client) {
			c = c.WithToken(token)
			c.With("X-Forwarded-For", "203.0.113.9").Get(Users).Has(http.StatusOK)
			c.With("X-Forwarded-For", "198.51.100.1, 203.0.113.9").Get(Users).Has(http.StatusOK)
			bad := c.With("X-Forwarded-For", "203.0.113.9, 198.51.100.1").Get(Users).IsError(http.StatusUnauthorized, "")
			unknown := c.WithToken(token+"x").Get(Users).IsError(http.StatusUnauthorized, "")
			Expect(bad.Anonymous()).To(Equal(unknown.Anonymous()))
			Expect(bad.Header.Get("WWW-Authenticate")).To(Equal(unknown.Header.Get("WWW-Authenticate")))
			c.With("X-Forwarded-For", "203.0.113.9, nonsense").Get(Users).IsError(http.StatusUnauthorized, "")
		})
		changeKey(t, "office", map[string]any{"allowedCIDRs": privateNetworks})
		answersWithinASecond(t, token, http.StatusOK)
	})

	It("is looked at again when a slow body is there", func(ctx SpecContext) {
		token := keyWith(t, "slow", func(*scimv1alpha1.ScimApiKeySpec) {})
		var held []*Slow
		t.EveryReplica(func(c *Client) {
			slow, err := c.WithToken(token).Begin(ctx, http.MethodPost, Users, PlainUser(Unique("slow")+"@example.com"))
			Expect(err).NotTo(HaveOccurred())
			held = append(held, slow)
			Eventually(slow.Begun()).Should(BeClosed())
		})
		changeKey(t, "slow", map[string]any{"access": scimv1alpha1.APIKeyReadOnly})
		By("waiting until every replica denies a write")
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.WithToken(token).Do(http.MethodDelete, Users+"/"+Unique("nobody"), "").Status }).
				WithTimeout(time.Second).WithPolling(20 * time.Millisecond).Should(Equal(http.StatusForbidden))
		})
		for _, slow := range held {
			r, err := slow.End()
			Expect(err).NotTo(HaveOccurred())
			isDenied(r)
		}
	})

	It("is used, which the metrics of a pod say exactly, and what it tells the operator to the hour", func(ctx SpecContext) {
		began := time.Now()
		keyID := CredentialOf(keyWith(t, "used", func(*scimv1alpha1.ScimApiKeySpec) {}))
		for _, pod := range t.Pods(ctx) {
			at := "/api/v1/namespaces/" + pod.Namespace + "/pods/" + pod.Name + ":8081/proxy"
			Expect(Kubectl("get", "--raw", at+contract.PathUsage)).To(MatchRegexp(`"` + keyID + `":"[0-9T-]+:00:00Z"`))
			metrics := Kubectl("get", "--raw", at+"/metrics")
			found := regexp.MustCompile(`kubescim_key_last_used_timestamp_seconds\{key_id="` + keyID + `",[^}]*\} (\S+)`).FindStringSubmatch(metrics)
			Expect(found).To(HaveLen(2), metrics)
			Expect(strconv.ParseFloat(found[1], 64)).To(BeNumerically("~", began.Unix(), 60))
		}
	})
})

// No operator runs for a while: no other spec runs beside it.
var _ = Describe("What a key permits while the operator is away", Serial, func() {
	It("follows the key within a second", func(ctx SpecContext) {
		t := Serve(ctx, "permits", scimv1alpha1.IdentityProviderGeneric)
		token := keyWith(t, "changing", func(*scimv1alpha1.ScimApiKeySpec) {})
		WithoutOperator(ctx, func() {
			changeKey(t, "changing", map[string]any{"state": scimv1alpha1.APIKeySuspended})
			answersWithinASecond(t, token, http.StatusUnauthorized)
			answers(t, t.Token, http.StatusOK)
			changeKey(t, "changing", map[string]any{"state": scimv1alpha1.APIKeyActive})
			answersWithinASecond(t, token, http.StatusOK)
			changeKey(t, "changing", map[string]any{"resources": []scimv1alpha1.APIKeyResource{scimv1alpha1.APIKeyGroups}})
			answersWithinASecond(t, token, http.StatusForbidden)
			changeKey(t, "changing", map[string]any{"resources": nil})
			answersWithinASecond(t, token, http.StatusOK)
		})
	})
})
