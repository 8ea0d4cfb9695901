package content

import (
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// AppendJSON writes a value of an attribute in the order of its schema.
func AppendJSON(b []byte, a *schema.Attribute, v any) []byte {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendJSON(b, a, e)
		}
		return append(b, ']')
	case Complex:
		b = append(b, '{')
		empty := true
		for _, s := range a.SubAttributes {
			if x, ok := v[s.Name]; ok && x != nil {
				b = AppendJSON(append(appendjson.Separate(b, &empty), s.Key()...), s, x)
			}
		}
		return append(b, '}')
	default:
		return appendjson.Scalar(b, v)
	}
}
