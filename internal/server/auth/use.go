package auth

import (
	"net/netip"
	"slices"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Use is what a request does under its key.
type Use struct {
	// From is the address that the request comes from.
	From netip.Addr
	// Resource is the endpoint of the resource type that the request is sent to, such as
	// Users; empty when it is sent to none or to several.
	Resource string
	// Writes says that the request creates, changes or deletes resources.
	Writes bool
	// Shows are the endpoints of the resource types that may be in the answer since the key
	// may see them. Of others, the answer has nothing.
	Shows []string
}

// Denial is why a key does not permit a use.
type Denial string

// What a key may not permit. All but the last are for good, until the key is changed.
const (
	DeniedWrite    Denial = "Write"    // it may only read
	DeniedResource Denial = "Resource" // it is not for resources of the type
	// DeniedChanged: it permitted the use when the request came, and does not permit all of
	// it any more. The same request would get another answer now.
	DeniedChanged Denial = "Changed"
)

// Deny returns why a grant does not permit the use; empty when it does. Who may ask at all,
// and from where, is not its business.
func (u Use) Deny(grant apikey.Grant) Denial {
	switch {
	case u.Resource != "" && !grant.Allows(u.Resource):
		return DeniedResource
	case u.Writes && grant.ReadOnly:
		return DeniedWrite
	case slices.ContainsFunc(u.Shows, func(resource string) bool { return !grant.Allows(resource) }):
		return DeniedChanged
	}
	return ""
}
