package exchange

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// signing is what the access tokens of a tenant are signed and checked with.
type signing struct {
	mu     sync.Mutex
	issuer string
	keys   signingkey.Set
	others signingkey.VerifyingSet
}

// SignWith makes the keys those that access tokens are signed with from now on. Tokens that
// a key has signed which is not among them are not accepted any more.
func (s *Shared) SignWith(keys signingkey.Set) {
	s.signing.mu.Lock()
	defer s.signing.mu.Unlock()
	if slices.EqualFunc(keys, s.signing.keys, func(a, b signingkey.Key) bool { return a.ID == b.ID && a.SignsFrom.Equal(b.SignsFrom) }) {
		return
	}
	s.signing.keys = keys
	s.acceptTokens()
}

// VerifyWith makes access tokens that one of the keys has signed be accepted from now on, beside
// those of SignWith: they are of other servers which the tenant is moved from or to.
func (s *Shared) VerifyWith(others signingkey.VerifyingSet) {
	s.signing.mu.Lock()
	defer s.signing.mu.Unlock()
	if slices.EqualFunc(others, s.signing.others, func(a, b signingkey.VerifyingKey) bool { return a.ID == b.ID && a.Ends.Equal(b.Ends) }) {
		return
	}
	s.signing.others = others
	s.acceptTokens()
}

// issueAs makes access tokens name the issuer from now on, and those that name another one
// not be accepted any more.
func (s *Shared) issueAs(issuer string) {
	s.signing.mu.Lock()
	defer s.signing.mu.Unlock()
	if issuer == s.signing.issuer {
		return
	}
	s.signing.issuer = issuer
	s.acceptTokens()
}

func (s *Shared) acceptTokens() {
	if s.signing.issuer == "" || len(s.signing.keys) == 0 {
		s.Keyring.AcceptTokens(nil)
		return
	}
	s.Keyring.AcceptTokens(oauth.NewVerifier(s.signing.keys, s.signing.issuer, s.signing.others...))
}

// issuesTokens reports whether there are access tokens, now or soon.
func (s *Shared) issuesTokens() bool {
	s.signing.mu.Lock()
	defer s.signing.mu.Unlock()
	return s.signing.issuer != "" && len(s.signing.keys) > 0
}

// Signer returns the key that signs access tokens at a time, and whom they name as their
// issuer. It is false when none are issued.
func (s *Shared) Signer(now time.Time) (key signingkey.Key, issuer string, signs bool) {
	s.signing.mu.Lock()
	defer s.signing.mu.Unlock()
	key, signs = s.signing.keys.Signer(now)
	return key, s.signing.issuer, signs && s.signing.issuer != ""
}

// PublishedKeys are those that signatures of the server are checked with, as a JWK Set.
func (s *Shared) PublishedKeys() []byte {
	s.signing.mu.Lock()
	defer s.signing.mu.Unlock()
	set, _ := s.signing.keys.Published() // Public keys can always be written.
	return set
}

// whereToAsk is the part of WWW-Authenticate that says where to read how to get a token (RFC
// 9728 section 5.1); empty while there are none to get. A header by which a client has made
// the URL up may have anything in it.
func (x *Exchange) whereToAsk() string {
	if !x.Shared.issuesTokens() {
		return ""
	}
	url := oauth.ResourceMetadataURL(x.BaseURL(), x.Path())
	if strings.ContainsAny(url, `"\`) {
		return ""
	}
	return `, resource_metadata="` + url + `"`
}
