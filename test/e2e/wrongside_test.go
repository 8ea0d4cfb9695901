package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// side is a tenant, and where its client sends requests to.
type side struct {
	*Tenant
	facts      crossing.Facts
	host, path string
}

// client is one of the whole host, over one connection.
func (s *side) client() *Client {
	GinkgoHelper()
	return hostOf(s.Tenant).With("Host", s.host)
}

// sees are the facts of a tenant for a client of this one.
func (s *side) sees(facts crossing.Facts) crossing.Facts {
	facts.Path = s.path
	return facts
}

// servedApart are two tenants with a server each, in one namespace, where nothing but Kubescim
// keeps them apart.
func servedApart(ctx SpecContext) (own, other *side) {
	GinkgoHelper()
	namespace := NewNamespace(ctx, "wrongside")
	served := ServeIn(ctx, namespace, NewTenant(namespace, Unique("attacker"), scimv1alpha1.IdentityProviderGeneric, OneReplica),
		NewTenant(namespace, Unique("attacked"), scimv1alpha1.IdentityProviderGeneric, OneReplica))
	for _, t := range served {
		Show("a tenant", t.Name)
		Show("a key", t.KeyID)
	}
	return &side{Tenant: served[0], host: PublicHost, path: served[0].Path}, &side{Tenant: served[1], host: PublicHost, path: served[1].Path}
}

// servedTogether are two tenants of one process, of whom one is found by its path and the other one by its host.
func servedTogether(ctx SpecContext) (own, other *side) {
	GinkgoHelper()
	namespace := NewNamespace(ctx, "together")
	class := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"},
	}
	Expect(Cluster.Create(ctx, class)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, class)).To(Succeed()) })
	host := namespace + ".example.com"
	Apply(NewServer(namespace, "shared", 1))
	served := ServeIn(ctx, namespace, NewTenant(namespace, "attacker", scimv1alpha1.IdentityProviderGeneric, On("shared"), Unlimited),
		NewTenant(namespace, "attacked", scimv1alpha1.IdentityProviderGeneric, On("shared"), Unlimited, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.Host = host
			spec.Endpoint.TLS.Termination = scimv1alpha1.TLSTerminationElsewhere
			spec.Endpoint.Ingress.ClassName = class.Name
		}))
	own, other = &side{Tenant: served[0], host: PublicHost, path: served[0].Path}, &side{Tenant: served[1], host: host, path: scimv1alpha1.DefaultPath}
	Eventually(func() int {
		return other.client().Get(other.path + Users).Status
	}).WithTimeout(time.Minute).Should(Equal(http.StatusOK), "the server knows that an Ingress publishes the host")
	return own, other
}

// describeCrossing has the specs of what a client of one tenant can do with what is another one's.
func describeCrossing(serve func(ctx SpecContext) (own, other *side)) (own, other *side) {
	own, other = &side{}, &side{}
	BeforeAll(func(ctx SpecContext) {
		first, second := serve(ctx)
		*own, *other = *first, *second
		own.facts, other.facts = factsOf(own.Tenant, "crosser"), factsOf(other.Tenant, "crossed")
	})

	It("what another tenant has given out is unknown, at every URL and by every method", func() {
		for _, way := range [][2]*side{{own, other}, {other, own}} {
			from, to := way[0], way[1]
			before := to.Get("/").Has(http.StatusOK).Body
			c, mine, sent := from.client(), from.sees(from.facts), from.sees(to.facts)
			unknown := sent.Unknown()
			ofNobody := crossing.Requests(mine, unknown)
			for i, request := range crossing.Requests(mine, sent) {
				expected := answerTo(c, ofNobody[i]).Without(unknown)
				Expect(answerTo(c, request).Without(sent)).To(Equal(expected), request.String())
			}
			Expect(to.Get("/").Has(http.StatusOK).Body).To(Equal(before))
			from.facts = factsOf(from.Tenant, "renewed") // Its user and its group may be gone.
		}
	})

	It("no token is good that is another tenant's, forged, or not meant for that", func(ctx SpecContext) {
		secret, foreign := clientOf(ctx, own.Tenant, "own-client"), clientOf(ctx, other.Tenant, "other-client")
		good, foreignToken := AccessToken(own.Service, "own-client", secret), AccessToken(other.Service, "other-client", foreign)
		tokens := forgeriesOf(good, foreignToken)
		// Tenants of one process have their access tokens signed with one key.
		maps.DeleteFunc(tokens, func(_, token string) bool { return token == good })
		tokens["another tenant's bearer token"], tokens["a client secret"] = other.Token, secret
		tokens["another tenant's client secret"] = foreign
		nobody, _ := GenerateToken(own.Namespace, "nobody")
		c := own.client()
		for _, request := range []crossing.Request{
			{Method: http.MethodGet, Path: own.path + Users}, {Method: http.MethodPost, Path: own.path + Users, Body: PlainUser("forged@example.com")},
			{Method: http.MethodDelete, Path: own.path + Groups + "/" + own.facts.Group}, {Method: http.MethodPatch, Path: own.path + "/Nothing"},
		} {
			expected := answerTo(c.WithToken(nobody), request)
			Expect(expected.Status).To(Equal(http.StatusUnauthorized))
			for name, token := range tokens {
				Expect(answerTo(c.WithToken(token), request).Without(own.facts)).To(Equal(expected.Without(own.facts)), "%s: %s", name, request)
			}
		}
		c.WithToken(good).Get(own.path + Users).Has(http.StatusOK)
		for name, token := range map[string]string{"a bearer token": own.Token, "an access token": good} {
			Expect(other.client().WithToken(token).Get(other.path+Users).Status).To(Equal(http.StatusUnauthorized), "%s at the other tenant's URL", name)
		}

		By("asking for an access token")
		delete(tokens, "a client secret")
		tokens["a bearer token"], tokens["an access token"] = own.Token, good
		ask := func(form string) string {
			answer := answerTo(c.WithToken(""), crossing.Request{
				Method: http.MethodPost, Path: own.path + "/oauth2/token", Header: "Content-Type", Value: "application/x-www-form-urlencoded",
				Body: "grant_type=client_credentials" + form,
			})
			Expect(answer.Status).To(Equal(http.StatusUnauthorized), form)
			return answer.Without(own.facts)
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
	return own, other
}

var _ = Describe("From the wrong side", Ordered, ContinueOnFailure, func() {
	own, other := describeCrossing(servedApart)

	It("no account may do more than it needs", func() { expectRights(own.Tenant, other.Tenant) })

	It("nothing of a user is shown but where users are", func(ctx SpecContext) { plantEverywhere(ctx, own.Tenant) })
})

var _ = Describe("From the wrong side of one process", Ordered, ContinueOnFailure, func() { describeCrossing(servedTogether) })
