package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// issue issues an access token of the party's client as of a time, under a key and an issuer
// that may be those of others.
func (p *party) issue(key signingkey.Key, issuer string, at time.Time) string {
	token, _, err := oauth.Issue(key, issuer, oauth.Grant{ClientID: "client", KeyID: p.client.KeyID}, time.Time{}, at)
	p.Expect(err).NotTo(HaveOccurred())
	return token
}

// encoded is a part of a JWT.
func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forgeries are tokens that are no good at own, of somebody who has all that other has given
// out, and all that own has given out once.
func forgeries(own, other *party) map[string]string {
	now, key, foreign := time.Now(), own.signing[0], other.signing[0]
	good := own.issue(key, own.issuer, now)
	parts := strings.Split(good, ".")
	swapped := foreign
	swapped.ID = key.ID
	hmacHeader := encoded(`{"alg":"HS256","typ":"at+jwt","kid":"` + key.ID + `"}`)
	sum := hmac.New(sha256.New, key.Public())
	sum.Write([]byte(hmacHeader + "." + parts[1]))
	return map[string]string{
		"a token of nobody":                       own.nobody(),
		"another tenant's token":                  other.Token,
		"another tenant's client secret":          other.secret,
		"a client secret":                         own.secret,
		"a token cut short":                       own.Token[:len(own.Token)-1],
		"a token and more":                        own.Token + "a",
		"another tenant's access token":           other.issue(foreign, other.issuer, now),
		"an access token for another tenant":      own.issue(key, other.issuer, now),
		"an access token signed by another":       own.issue(foreign, own.issuer, now),
		"an access token under a swapped kid":     own.issue(swapped, own.issuer, now),
		"an access token that is over":            own.issue(key, own.issuer, now.Add(-3*time.Hour)),
		"an access token of the future":           own.issue(key, own.issuer, now.Add(time.Hour)),
		"an access token cut short":               good[:len(good)-1],
		"an access token and more":                good + "A",
		"an access token without its signature":   parts[0] + "." + parts[1] + ".",
		"an access token of two parts":            parts[0] + "." + parts[1],
		"alg none":                                encoded(`{"alg":"none","typ":"at+jwt","kid":"`+key.ID+`"}`) + "." + parts[1] + ".",
		"alg none, signed":                        encoded(`{"alg":"none","typ":"at+jwt","kid":"`+key.ID+`"}`) + "." + parts[1] + "." + parts[2],
		"alg HS256 with the public key as secret": hmacHeader + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)),
		"no type":      encoded(`{"alg":"EdDSA","kid":"`+key.ID+`"}`) + "." + parts[1] + "." + parts[2],
		"other claims": parts[0] + "." + encoded(`{"iss":"`+own.issuer+`"}`) + "." + parts[2],
		"an assertion": encoded(`{"alg":"ES256","typ":"JWT","kid":"first"}`) + "." + encoded(`{"iss":"https://example.com","aud":"`+own.issuer+`"}`) + "." + parts[2],
		"dots":         "..",
		"nonsense":     "nonsense",
	}
}

// answers are those to requests with the token.
func (p *party) answers(token string, requests []crossing.Request) (all []string) {
	for _, request := range requests {
		all = append(all, p.send(request, token).Without(p.Facts))
	}
	return all
}

// nobody is a token that no key has.
func (p *party) nobody() string {
	token, _, err := apikey.Mint()
	p.Expect(err).NotTo(HaveOccurred())
	return token
}

// parts is of how many requests one is sent with each token, and so each request with some.
const parts = 4

// expectUnknown checks that those of the requests which are the part of one of several tokens,
// sent with it, are answered as with a token that nobody has.
func expectUnknown(p *party, part int, name, token string, requests []crossing.Request, expected []string) {
	for i := part % parts; i < len(requests); i += parts {
		p.Expect(p.send(requests[i], token).Without(p.Facts)).To(Equal(expected[i]), "%s: %s", name, requests[i])
	}
}

// What is for anybody is the token endpoint, and the documents about it. All else is for who
// has a token.
func TestNobodyIsLetIn(t *testing.T) {
	p, statuses := newParty(t, "victim", 3), map[int]int{}
	token := p.nobody()
	for _, request := range crossing.Endpoints(p.Facts) {
		statuses[p.send(request, token).Status]++
	}
	p.Expect(statuses[http.StatusUnauthorized]).To(BeNumerically(">", 200))
	p.Expect(statuses).To(And(HaveKeyWithValue(http.StatusOK, 4), Not(HaveKey(http.StatusForbidden)), Not(HaveKey(http.StatusCreated))))
}

// Whatever is wrong with a token, nothing tells, at whatever it is sent to.
func TestForgedTokensAreTheSameEverywhere(t *testing.T) {
	own, other := newParty(t, "victim", 3), newParty(t, "attacker", 3)
	before, tokens := own.all(), forgeries(own, other)
	requests := crossing.Endpoints(own.Facts)
	expected := own.answers(own.nobody(), requests)
	for part, name := range slices.Sorted(maps.Keys(tokens)) {
		expectUnknown(own, part, name, tokens[name], requests, expected)
	}
	own.Expect(own.all()).To(Equal(before))
	good := own.issue(own.signing[0], own.issuer, time.Now())
	own.Expect(own.send(crossing.Request{Method: http.MethodGet, Path: "/scim/v2/Users"}, good).Status).To(Equal(http.StatusOK), "this is what is forged")
}

// What was good once is worth as little: after its key is revoked or suspended, or is over, or
// is that of another client.
func TestReplayedTokensAreUnknown(t *testing.T) {
	for name, change := range map[string]func(key apikey.Key) (apikey.Key, bool){
		"revoked":   func(key apikey.Key) (apikey.Key, bool) { return key, false },
		"suspended": func(key apikey.Key) (apikey.Key, bool) { key.Grant.Suspended = true; return key, true },
		"over": func(key apikey.Key) (apikey.Key, bool) {
			key.Verifier.ExpirationTime = time.Now().Add(-time.Minute)
			return key, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t, "victim", 3)
			tokens := map[string]string{"bearer": p.Token, "access": p.issue(p.signing[0], p.issuer, time.Now())}
			for kind, token := range tokens {
				p.Expect(p.send(crossing.Request{Method: http.MethodGet, Path: "/scim/v2/Users"}, token).Status).To(Equal(http.StatusOK), kind)
			}
			accepted := auth.Keys{}
			for id, key := range p.Shared.Keyring.Accepted() {
				if changed, kept := change(key); kept {
					accepted[id] = changed
				}
			}
			p.Tenant.Accept(accepted, func() {})
			requests := crossing.Endpoints(p.Facts)
			expected := p.answers(p.nobody(), requests)
			for part, kind := range slices.Sorted(maps.Keys(tokens)) {
				expectUnknown(p, part, kind, tokens[kind], requests, expected)
			}
		})
	}
}

// None of them gets an access token, in whichever way a client may say who it is, and neither
// does a token that is good elsewhere.
func TestForgedTokensGetNoAccessToken(t *testing.T) {
	own, other := newParty(t, "victim", 3), newParty(t, "attacker", 3)
	nobody, tokens := own.nobody(), forgeries(own, other)
	delete(tokens, "a client secret") // It is good here.
	tokens["a bearer token"] = own.Token
	tokens["an access token"] = own.issue(own.signing[0], own.issuer, time.Now())

	const grant = "grant_type=client_credentials"
	const assertion = grant + "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
	ask := func(form, authorization string) crossing.Answer {
		r := crossing.Request{Method: http.MethodPost, Path: "/scim/v2/oauth2/token", Body: form, Header: "Content-Type", Value: "application/x-www-form-urlencoded"}
		if authorization == "" {
			return own.sendWith(r, r.Header, r.Value)
		}
		return own.sendWith(r, r.Header, r.Value, "Authorization", authorization)
	}
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+url.QueryEscape(secret)))
	}
	for way, with := range map[string]func(token string) crossing.Answer{
		"Basic":                  func(token string) crossing.Answer { return ask(grant, basic("client", token)) },
		"Basic as somebody else": func(token string) crossing.Answer { return ask(grant, basic("somebody", token)) },
		"form": func(token string) crossing.Answer {
			return ask(grant+"&client_id=client&client_secret="+url.QueryEscape(token), "")
		},
		"assertion": func(token string) crossing.Answer { return ask(assertion+url.QueryEscape(token), "") },
		"assertion with a client id": func(token string) crossing.Answer {
			return ask(assertion+url.QueryEscape(token)+"&client_id=client", "")
		},
		"Bearer":                  func(token string) crossing.Answer { return ask(grant, "Bearer "+token) },
		"Bearer with a client id": func(token string) crossing.Answer { return ask(grant+"&client_id=client", "Bearer "+token) },
	} {
		t.Run(way, func(t *testing.T) {
			g := NewWithT(t)
			expected := with(nobody)
			g.Expect(expected.Status).To(Equal(http.StatusUnauthorized), expected.Body)
			for name, token := range tokens {
				g.Expect(with(token).Without(own.Facts)).To(Equal(expected.Without(own.Facts)), name)
			}
		})
	}
	own.Expect(ask(grant, basic("client", own.secret)).Status).To(Equal(http.StatusOK), "this is what they ask for")
	own.Expect(ask(grant, basic("client", other.secret)).Status).To(Equal(http.StatusUnauthorized))
}
