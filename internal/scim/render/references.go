package render

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// AppendDerived writes the derived attribute with a comma before it, as far as the
// projection shows it; nothing without references.
func AppendDerived(b []byte, t *schema.ResourceType, base string, p *Projection, derived []scim.Reference) []byte {
	a := t.Derived()
	if len(derived) == 0 || !p.shows(t.Schema, a) {
		return b
	}
	var shown []*schema.Attribute
	for _, sub := range a.SubAttributes {
		if p.showsSub(t.Schema, a, sub) {
			shown = append(shown, sub)
		}
	}
	if len(shown) == 0 {
		return b
	}
	b = append(append(append(b, ','), a.Key()...), '[')
	for i, r := range derived {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		empty := true
		for _, sub := range shown {
			switch {
			case sub.Made():
				b = append(appendjson.Separate(b, &empty), sub.Key()...)
				b = appendURL(b, base, t.EndpointOf(sub.TargetOf(r.Type)), r.Value)
			case sub.Name == "value":
				b = appendjson.String(append(appendjson.Separate(b, &empty), sub.Key()...), r.Value)
			case sub.Name == "type" && r.Type != "":
				b = appendjson.String(append(appendjson.Separate(b, &empty), sub.Key()...), r.Type)
			case sub.Name == "display" && r.Display != "":
				b = appendjson.String(append(appendjson.Separate(b, &empty), sub.Key()...), r.Display)
			}
		}
		b = append(b, '}')
	}
	return append(b, ']')
}
