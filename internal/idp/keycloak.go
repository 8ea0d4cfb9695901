package idp

import "github.com/kubescim/kubescim/internal/scim"

// keycloak is Keycloak with one of its SCIM client extensions. They send booleans
// as strings in a PATCH.
var keycloak = Profile{
	Name: "Keycloak",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.BooleanStrings = true
		l.IgnoreUnknown = true
	}),
}
