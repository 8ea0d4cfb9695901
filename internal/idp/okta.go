package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// okta is Okta. It renames a group with its read-only id in the value, which every
// profile allows. Its attribute mappings are the administrator's, and may have
// attributes that no schema here defines.
var okta = Profile{
	Name: "Okta",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.IgnoreUnknown = true
	}),
}
