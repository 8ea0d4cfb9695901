package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// pingOne is PingOne and PingFederate. Their filter is a string that the
// administrator writes, and the documentation's example has no quotes.
var pingOne = Profile{
	Name: "PingOne",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.IgnoreUnknown = true
		l.UnquotedLiterals = true
	}),
}
