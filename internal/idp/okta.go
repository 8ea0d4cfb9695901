package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// okta is Okta. It renames a group with its read-only id in the value, which every
// profile allows. Its attribute mappings are the administrator's, and may have
// attributes that no schema here defines. It looks for roles and entitlements under
// schemas of its own.
var okta = Profile{
	Name:      "Okta",
	OktaRoles: true,
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.IgnoreUnknown = true
	}),
}
