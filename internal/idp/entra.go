package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// entra is Microsoft Entra ID, with and without the aadOptscim062020 flag on the
// tenant URL. It capitalises operations, sends booleans as strings, lists members
// to remove in the value, expects elements to be made by a value path, sends the
// manager as a string or an array, and lists a schema of its own for groups.
var entra = Profile{
	Name:                  "Entra",
	PatchAnswersNoContent: true,
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.BooleanStrings = true
		l.CreateMissing = true
		l.ScalarForComplex = true
		l.ArrayForSingle = true
		l.EmptyElements = true
		l.IgnoreUnknown = true
		l.UnquotedLiterals = true
	}),
}
