package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/time/rate"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/roles"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// party is a tenant with a bearer token and an OAuth client.
type party struct {
	*servertest.Harness
	crossing.Facts
	issuer, secret string
	client         apikey.Verifier // of the secret
	signing        signingkey.Set
}

// newParty serves a tenant with so many users, of whom the last is in a group.
func newParty(t *testing.T, name string, users int) *party {
	t.Helper()
	p := &party{Harness: servertest.New(t, memory.New()), issuer: "https://" + name + ".example.com/scim/v2"}
	// All that is refused is told why, however often.
	p.Shared.Unauthenticated = limit.NewUnauthenticated(limit.Rates{BySource: rate.Inf, InAll: rate.Inf})
	p.Configure("Generic", func(s *exchange.Settings) {
		s.PublicURL, s.Issuer = p.issuer, p.issuer
		s.Roles = roles.New(false, []roles.Role{{Value: "role-of-" + name}}, nil)
	})
	var err error
	p.secret, p.client, err = apikey.Mint()
	p.Expect(err).NotTo(HaveOccurred())
	now := time.Now()
	p.signing, err = signingkey.Decide(nil, now).Rotate(now)
	p.Expect(err).NotTo(HaveOccurred())
	p.Tenant.SignWith(p.signing)
	p.Tenant.Accept(auth.Keys{
		p.Verifier.KeyID: {Verifier: p.Verifier}, p.client.KeyID: {Verifier: p.client, Client: "client"},
	}, func() {})

	p.Facts = crossing.Facts{Path: "/scim/v2", URL: p.issuer, Name: name, BulkID: "of-" + name, Role: "role-of-" + name}
	for i := range users {
		user := p.Do(http.MethodPost, "/Users", crossing.User(fmt.Sprintf("%s%d", name, i), ""))
		p.Expect(user.StatusCode).To(Equal(http.StatusCreated), user.Text)
		p.User = user.Doc["id"].(string)
	}
	for i := range 10 * users { // The memory store numbers what is done to a user: the tags are to be different ones.
		changed := p.Do(http.MethodPatch, "/Users/"+p.User, fmt.Sprintf(`{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"title","value":"%d"}]}`, i))
		p.Expect(changed.StatusCode).To(Equal(http.StatusOK), changed.Text)
		p.Version = changed.Header.Get("ETag")
	}
	results := p.BulkDo(`{"method":"POST","path":"/Groups","bulkId":"` + p.BulkID + `","data":` + crossing.Group(name, `{"value":"`+p.User+`"}`) + `}`)
	p.Expect(servertest.Statuses(results)).To(Equal([]string{"201"}))
	location := results[0]["location"].(string)
	p.Group = location[strings.LastIndex(location, "/")+1:]
	p.Cursor, _ = p.Do(http.MethodGet, "/Users?count=2&cursor=", "").Doc["nextCursor"].(string)
	p.Expect(p.Cursor).NotTo(BeEmpty())
	return p
}

// send sends a request with a token.
func (p *party) send(r crossing.Request, token string) crossing.Answer {
	return p.sendWith(r, "Authorization", "Bearer "+token, r.Header, r.Value)
}

// sendWith sends a request with headers, by names and values.
func (p *party) sendWith(r crossing.Request, headers ...string) crossing.Answer {
	request, err := http.NewRequest(r.Method, p.Harness.URL+r.Path, strings.NewReader(r.Body))
	p.Expect(err).NotTo(HaveOccurred(), r.String())
	for i := 0; i < len(headers); i += 2 {
		if headers[i] != "" {
			request.Header.Add(headers[i], headers[i+1])
		}
	}
	answer, err := http.DefaultClient.Do(request)
	p.Expect(err).NotTo(HaveOccurred(), r.String())
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	p.Expect(err).NotTo(HaveOccurred(), r.String())
	return crossing.Answer{Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
}

// all is what the tenant has.
func (p *party) all() string { return p.Do(http.MethodGet, "/?count=100", "").Text }

// What another tenant has given out is worth nothing, and tells nothing: it is answered as
// what nobody has given out.
func TestWhatIsAnotherTenantsIsUnknown(t *testing.T) {
	own, other := newParty(t, "attacker", 3), newParty(t, "victim", 30)
	unknown := other.Unknown()
	before := other.all()
	ofNobody, ofOther := crossing.Requests(own.Facts, unknown), crossing.Requests(own.Facts, other.Facts)
	statuses := map[int]int{}
	for i, request := range ofOther {
		expected := own.send(ofNobody[i], own.Token).Without(unknown)
		answer := own.send(request, own.Token)
		own.Expect(answer.Without(other.Facts)).To(Equal(expected), request.String())
		statuses[answer.Status]++
	}
	for _, status := range []int{200, 201, 400, 404, 405, 412} {
		own.Expect(statuses).To(HaveKey(status), "the requests are of many kinds: %v", statuses)
	}
	own.Expect(other.all()).To(Equal(before), "nothing has changed for the other tenant")
	own.Expect(own.all()).NotTo(ContainSubstring(`"display":"Family victim`))
}
