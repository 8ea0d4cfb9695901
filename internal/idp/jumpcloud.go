package idp

import (
	"github.com/kubescim/kubescim/internal/scim"
)

// jumpCloud is JumpCloud. It lists members to remove in the value, as Entra ID
// does, which every profile allows; the rest of its requests is not documented, so
// what is known of similar clients is put up with too.
var jumpCloud = Profile{
	Name: "JumpCloud",
	Leniency: with(harmless(), func(l *scim.Leniency) {
		l.BooleanStrings = true
		l.CreateMissing = true
		l.EmptyElements = true
		l.IgnoreUnknown = true
	}),
}
