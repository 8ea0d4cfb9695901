package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Settings are what a ScimTenant says about how its requests are answered. They
// may change at any time; a request sees one version of them.
type Settings struct {
	// Path is the base path, for example /scim/v2.
	Path string
	// PublicURL is the base URL that clients use, for locations and references.
	// When empty, it is what the request was sent to.
	PublicURL string
	// Registry has the resource types with the tenant's schema extensions.
	Registry *scim.Registry
	// Paused answers 503 to every request with a good token.
	Paused bool
	// Profile has the identity provider's departures from the RFCs.
	Profile idp.Profile
	// Policy has the rules for users and groups that the store applies.
	Policy store.Policy
	// RequiredAttributes are the attributes, as in name.givenName, without
	// which a user is refused.
	RequiredAttributes []string
	// WriteBytes is how many bytes may be written in a WritePeriod; 0 for any number.
	WriteBytes int64

	words words // that a log line may quote; set by Configure
}

// baseURL returns the URL under which the client sees the tenant. Without a
// PublicURL it believes the request, forwarding headers included: whoever sends
// them sees their effect in the answer and nowhere else.
func (s *Settings) baseURL(r *http.Request) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	scheme, host := "http", r.Host
	if strings.EqualFold(forwarded(r, "X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	if first := forwarded(r, "X-Forwarded-Host"); first != "" {
		host = first
	}
	return scheme + "://" + host + s.Path
}

// forwarded returns what the first of several proxies saw, which is the one that the
// client talks to: each puts what it sees behind a comma.
func forwarded(r *http.Request, header string) string {
	first, _, _ := strings.Cut(r.Header.Get(header), ",")
	return strings.TrimSpace(first)
}

// checkRequired returns 400 invalidValue for a user that has not all attributes
// that the tenant requires, with something in them.
func (s *Settings) checkRequired(r *scim.Resource) error {
	if !store.IsUser(r.Type()) {
		return nil
	}
	for _, path := range s.RequiredAttributes {
		if !r.Has(path) {
			return scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
				"%q is required of every user here, and with a value; add it to the attribute mapping of the identity provider", path)
		}
	}
	return nil
}

// Keys are the API keys that a tenant accepts, by key id.
type Keys map[string]apikey.Verifier

// ParseKeys reads the data of a verifiers Secret. What cannot be read is left
// out, so that one bad entry locks out one key and not all; the error names it.
func ParseKeys(data map[string][]byte) (Keys, error) {
	keys := make(Keys, len(data))
	var bad []string
	for id, text := range data {
		verifier, err := apikey.ParseVerifier(id, text)
		if err != nil {
			bad = append(bad, id)
			continue
		}
		keys[id] = verifier
	}
	if len(bad) > 0 {
		return keys, fmt.Errorf("reading verifiers: %d entries are malformed: %s", len(bad), strings.Join(bad, ", "))
	}
	return keys, nil
}
