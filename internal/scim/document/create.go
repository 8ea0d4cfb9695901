// Package document reads the body of a POST or a PUT: a resource that a client sends as a
// whole.
package document

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Decode reads the body of a POST: a resource to create (RFC 7644 section 3.3).
// What the client sends for read-only attributes is ignored, a password is checked
// and dropped, and what is left fits the schema: names are canonical, null and
// empty values are gone, required attributes are there.
func Decode(t *schema.ResourceType, doc []byte, l scim.Leniency) (*scim.Resource, error) {
	o, err := message.Parse(doc)
	if err != nil {
		return nil, err
	}
	d := decode.Reader{Type: t, Leniency: l}
	return d.Resource(o, func(r *scim.Resource, odd []decode.OddMember) (*scim.Resource, error) {
		return patch.AssignOdd(d, r, odd)
	})
}
