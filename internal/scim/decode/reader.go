package decode

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Reader turns JSON into values of attributes, and refuses what does not fit their
// schema. The value nil is "unassigned".
type Reader struct {
	Type     *schema.ResourceType
	Leniency scim.Leniency
	// stored reads a document of the server's own: read-only attributes count.
	Stored bool
	// partial reads elements that only have to be recognised: what is required of
	// a whole value may be absent.
	Partial bool
}
