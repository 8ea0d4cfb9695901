package exchange

import (
	"net/http"
	"net/netip"

	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/roles"
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
	// Issuer is what access tokens name as their issuer, and as what they are for; none are
	// issued while it is empty. Unlike PublicURL, it is never what a request was sent to.
	Issuer string
	// Registry has the resource types with the tenant's schema extensions.
	Registry *schema.Registry
	// Fault is why no request can be answered, in words for clients; empty when they can.
	Fault string
	// Off answers 503 to every request with a good token, since another server answers them.
	Off bool
	// Draining makes every answer ask the client to close its connection: another server is to
	// get its next request.
	Draining bool
	// Paused answers 503 to every request with a good token.
	Paused bool
	// Profile has the identity provider's departures from the RFCs.
	Profile idp.Profile
	// Policy has the rules for users and groups that the store applies.
	Policy store.Policy
	// RequiredAttributes are the attributes, as in name.givenName, without
	// which a user is refused.
	RequiredAttributes []string
	// Roles are the roles and entitlements of the tenant; nil while it is not known which there are.
	Roles *roles.Catalogue
	// RejectUnknownRoles refuses to give others to users.
	RejectUnknownRoles bool
	// TrustedProxies are the networks of proxies that are believed when they say on whose
	// behalf they send a request.
	TrustedProxies []netip.Prefix
	// WriteBytes is how many bytes may be written in a limit.WritePeriod, by all replicas of the
	// server together; 0 for any number.
	WriteBytes int64
	// MostReplicas is how many replicas there may be; 0 when only those are known that there are.
	MostReplicas int

	// Rate is how many requests with a good token may be sent.
	Rate ratelimit.Limits

	// Words are those of the registry; Shared.Configure finds out, if they are nil.
	Words accesslog.Words
}

// CheckRequired returns 400 invalidValue for a user that has not all attributes
// that the tenant requires, with something in them.
func (s *Settings) CheckRequired(r *scim.Resource) error {
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

// CheckRoles returns 400 invalidValue for a user who is given a role or an entitlement that the
// tenant does not have, unless it takes any. What an inactive user has gives nothing: it is looked at
// when the user becomes active. former is nil for a user who is new.
func (s *Settings) CheckRoles(former, user *scim.Resource) error {
	if !s.RejectUnknownRoles || !store.IsUser(user.Type()) {
		return nil
	}
	if s.Roles == nil {
		return scim.Errorf(http.StatusServiceUnavailable, "", "which roles there are is not known yet; nothing was changed, try again")
	}
	if former != nil {
		if active, assigned := former.Active(); assigned && !active {
			former = nil
		}
	}
	return s.Roles.Check(former, user)
}
