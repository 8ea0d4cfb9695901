package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// keycloak is Keycloak with one of its SCIM client extensions. They send booleans
// as strings in a PATCH, and by the library that most of them use, up to its version
// 1.33, single values as arrays of one.
var keycloak = Profile{
	Name: "Keycloak",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.BooleanStrings = true
		l.ArrayForSingle = true
		l.IgnoreUnknown = true
	}),
}
