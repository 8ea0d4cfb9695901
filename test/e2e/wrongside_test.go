package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// hostOf is a client of the whole host of a tenant, over one connection.
func hostOf(t *Tenant) *Client {
	GinkgoHelper()
	c, closeIdle := NewClient(strings.TrimSuffix(t.Service.Base, t.Path), t.Token).Lasting()
	DeferCleanup(closeIdle)
	return c
}

// answerTo sends a request of the package crossing.
func answerTo(c *Client, r crossing.Request) crossing.Answer {
	GinkgoHelper()
	if r.Header != "" {
		c = c.With(r.Header, r.Value)
	}
	answer := c.Do(r.Method, r.Path, r.Body)
	return crossing.Answer{Status: answer.Status, Header: answer.Header, Body: string(answer.Body)}
}

// factsOf gives a tenant three users, of whom one is in a group, and returns what its client
// knows of them.
func factsOf(t *Tenant, name string) crossing.Facts {
	GinkgoHelper()
	facts := crossing.Facts{Path: t.Path, URL: "http://" + PublicHost + t.Path, Name: name, BulkID: "of-" + name}
	for i := range 3 {
		user := t.Send(http.MethodPost, Users, crossing.User(fmt.Sprintf("%s%d", name, i), "")).Has(http.StatusCreated)
		facts.User, facts.Version = user.ID(), user.Header.Get("ETag")
	}
	results := t.Send(http.MethodPost, "/Bulk", crossing.Bulk(
		`{"method":"POST","path":"/Groups","bulkId":"`+facts.BulkID+`","data":`+crossing.Group(name, `{"value":"`+facts.User+`"}`)+`}`)).Has(http.StatusOK)
	location, _ := results.At("Operations/0/location").(string)
	facts.Group = location[strings.LastIndex(location, "/")+1:]
	facts.Cursor, _ = t.Get(Users + "?count=2&cursor=").Has(http.StatusOK).At("nextCursor").(string)
	Expect(facts.Cursor).NotTo(BeEmpty())
	return facts
}

// clientOf makes an OAuth client of a tenant, and returns its secret.
func clientOf(ctx SpecContext, t *Tenant, name string) string {
	GinkgoHelper()
	Apply(NewKey(t.Namespace, name, t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) { spec.OAuthClient = &scimv1alpha1.OAuthClient{} }))
	WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+name)
	secret := &corev1.Secret{}
	Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: name}, secret)).To(Succeed())
	return string(secret.Data["clientSecret"])
}

// forgeriesOf are what can be made of an access token without the key that has signed it.
func forgeriesOf(token, other string) map[string]string {
	part, foreign := strings.Split(token, "."), strings.Split(other, ".")
	headerWith := func(name, value string) string {
		decoded, err := base64.RawURLEncoding.DecodeString(part[0])
		Expect(err).NotTo(HaveOccurred())
		header := map[string]any{}
		Expect(json.Unmarshal(decoded, &header)).To(Succeed())
		header[name] = value
		text, err := json.Marshal(header)
		Expect(err).NotTo(HaveOccurred())
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return map[string]string{
		"cut short":              token[:len(token)-1],
		"without its signature":  part[0] + "." + part[1] + ".",
		"alg none":               headerWith("alg", "none") + "." + part[1] + ".",
		"alg HS256":              headerWith("alg", "HS256") + "." + part[1] + "." + part[2],
		"another type":           headerWith("typ", "JWT") + "." + part[1] + "." + part[2],
		"another tenant's":       other,
		"another tenant's kid":   foreign[0] + "." + part[1] + "." + part[2],
		"another tenant's claim": part[0] + "." + foreign[1] + "." + part[2],
		"another signature":      part[0] + "." + part[1] + "." + foreign[2],
	}
}

var _ = Describe("From the wrong side", Ordered, ContinueOnFailure, func() {
	var (
		own, other *Tenant
		facts      map[*Tenant]crossing.Facts
	)

	// Both tenants are in one namespace, where nothing but Kubescim keeps them apart.
	BeforeAll(func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "wrongside")
		served := ServeIn(ctx, namespace, NewTenant(namespace, Unique("attacker"), scimv1alpha1.IdentityProviderGeneric, OneReplica),
			NewTenant(namespace, Unique("attacked"), scimv1alpha1.IdentityProviderGeneric, OneReplica))
		own, other = served[0], served[1]
		facts = map[*Tenant]crossing.Facts{own: factsOf(own, "crosser"), other: factsOf(other, "crossed")}
		for _, t := range served {
			Show("a tenant", t.Name)
			Show("a key", t.KeyID)
		}
	})

	It("what another tenant has given out is unknown, at every URL and by every method", func() {
		before := other.Get("/").Has(http.StatusOK).Body
		c, unknown := hostOf(own), facts[other].Unknown()
		ofNobody := crossing.Requests(facts[own], unknown)
		for i, request := range crossing.Requests(facts[own], facts[other]) {
			expected := answerTo(c, ofNobody[i]).Without(unknown)
			Expect(answerTo(c, request).Without(facts[other])).To(Equal(expected), request.String())
		}
		Expect(other.Get("/").Has(http.StatusOK).Body).To(Equal(before))
	})

	It("no token is good that is another tenant's, forged, or not meant for that", func(ctx SpecContext) {
		secret, foreign := clientOf(ctx, own, "own-client"), clientOf(ctx, other, "other-client")
		good, foreignToken := AccessToken(own.Service, "own-client", secret), AccessToken(other.Service, "other-client", foreign)
		tokens := forgeriesOf(good, foreignToken)
		tokens["another tenant's bearer token"], tokens["a client secret"] = other.Token, secret
		tokens["another tenant's client secret"] = foreign
		nobody, _ := GenerateToken(own.Namespace, "nobody")
		requests := []crossing.Request{
			{Method: http.MethodGet, Path: own.Path + Users}, {Method: http.MethodPost, Path: own.Path + Users, Body: PlainUser("forged@example.com")},
			{Method: http.MethodDelete, Path: own.Path + Groups + "/" + facts[own].Group}, {Method: http.MethodPatch, Path: own.Path + "/Nothing"},
		}
		c := hostOf(own)
		for _, request := range requests {
			expected := answerTo(c.WithToken(nobody), request)
			Expect(expected.Status).To(Equal(http.StatusUnauthorized))
			for name, token := range tokens {
				Expect(answerTo(c.WithToken(token), request).Without(facts[own])).To(Equal(expected.Without(facts[own])), "%s: %s", name, request)
			}
		}
		own.Service.WithToken(good).Get(Users).Has(http.StatusOK)

		By("asking for an access token")
		delete(tokens, "a client secret")
		tokens["a bearer token"], tokens["an access token"] = own.Token, good
		ask := func(form string) string {
			answer := answerTo(c.WithToken(""), crossing.Request{
				Method: http.MethodPost, Path: own.Path + "/oauth2/token", Header: "Content-Type", Value: "application/x-www-form-urlencoded",
				Body: "grant_type=client_credentials" + form,
			})
			Expect(answer.Status).To(Equal(http.StatusUnauthorized), form)
			return answer.Without(facts[own])
		}
		for _, form := range []string{
			"&client_id=own-client&client_secret=",
			"&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=",
		} {
			expected := ask(form + nobody)
			for name, token := range tokens {
				Expect(ask(form+url.QueryEscape(token))).To(Equal(expected), name)
			}
		}
	})

	It("no account may do more than it needs", func() { expectRights(own, other) })

	It("nothing of a user is shown but where users are", func(ctx SpecContext) { plantEverywhere(ctx, own) })
})
