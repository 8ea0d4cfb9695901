package schema

// Ref is an attribute that a path names (RFC 7644 section 3.10). With attr nil it
// is a whole extension.
type Ref struct {
	Schema *Schema // nil for the common attributes
	Attr   *Attribute
	Sub    *Attribute
}

// Leaf is the attribute or sub-attribute that is named.
func (r Ref) Leaf() *Attribute {
	if r.Sub != nil {
		return r.Sub
	}
	return r.Attr
}
