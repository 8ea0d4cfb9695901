package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// authentik is authentik. It lists members to remove in the value, sends the id and
// schemas of a group with its new name, leaves `schemas` out of messages because it
// sends no field that has its default value, and in some versions filters without quotes.
var authentik = Profile{
	Name: "Authentik",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.IgnoreUnknown = true
		l.MissingSchemas = true
		l.UnquotedLiterals = true
	}),
}
