// Package idp has the departures from RFC 7643 and RFC 7644 that each identity
// provider needs, as data: one small file for each. What a leniency does, and why
// a client needs it, is told in package scim.
package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// Profile is what a server puts up with for one identity provider.
type Profile struct {
	// Name is the name that a tenant's spec.identityProvider has for it.
	Name string
	// Leniency is what the protocol engine accepts.
	Leniency scim.Leniency
	// PatchAnswersNoContent makes a PATCH without `attributes` answer 204 instead of
	// 200 with the resource (RFC 7644 section 3.5.2 leaves it open).
	PatchAnswersNoContent bool
	// OktaRoles makes /Roles and /Entitlements have the schemas of Okta's own guide, since Okta takes no
	// others for roles. For all others, they are as draft-ietf-scim-roles-entitlements has them.
	OktaRoles bool
}

var profiles = []Profile{entra, okta, jumpCloud, oneLogin, pingOne, authentik, keycloak, generic}

// Lookup finds a profile by its name.
func Lookup(name string) (Profile, bool) {
	for _, p := range profiles {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// Profiles are all profiles.
func Profiles() []Profile { return append([]Profile(nil), profiles...) }

// harmless is what every profile has: the meaning is clear, and no client that keeps
// to the RFC can notice.
func harmless() scim.Leniency {
	return scim.Leniency{
		OperationCase:        true,
		RemoveValues:         true,
		SingleForArray:       true,
		IgnoreReadOnly:       true,
		UndeclaredExtensions: true,
	}
}

// with changes a leniency.
func with(l scim.Leniency, change func(*scim.Leniency)) scim.Leniency {
	change(&l)
	return l
}
