package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// oneLogin is OneLogin. Its JSON comes from templates that administrators write, so
// everything that a template gets wrong is put up with.
var oneLogin = Profile{
	Name: "OneLogin",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.BooleanStrings = true
		l.ScalarForComplex = true
		l.ArrayForSingle = true
		l.EmptyElements = true
		l.IgnoreUnknown = true
		l.MissingSchemas = true
	}),
}
