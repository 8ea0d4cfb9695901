package decode

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Declared reads `schemas`: which schemas of the type the document says it has. A
// document that says it is of another type is refused, whatever is missing or
// ignored otherwise: it was sent to the wrong endpoint (RFC 7644 section 3.3.1).
func (d Reader) Declared(o strictjson.Object) (map[*schema.Schema]bool, error) {
	urns, err := message.Schemas(o, d.Leniency)
	if err != nil {
		return nil, err
	}
	declared := map[*schema.Schema]bool{}
	other := ""
	for _, text := range urns {
		u := d.Type.URNNamed(text)
		if (u == nil || u.Schema == nil) && !d.Leniency.IgnoreUnknown {
			return nil, scim.BadRequest(scim.InvalidSyntax, "\"schemas\" lists %q, which is no schema of %s", text, d.Type.Name)
		}
		switch {
		case u == nil:
		case u.Schema == nil:
			other = u.Of
		default:
			declared[u.Schema] = true
		}
	}
	if !declared[d.Type.Schema] && other != "" {
		return nil, scim.BadRequest(scim.InvalidSyntax, "\"schemas\" lists a schema of %s; a %s lists %q", other, d.Type.Name, d.Type.Schema.ID)
	}
	if !declared[d.Type.Schema] && !d.Leniency.MissingSchemas {
		return nil, scim.BadRequest(scim.InvalidSyntax, "\"schemas\" must list %q", d.Type.Schema.ID)
	}
	return declared, nil
}
