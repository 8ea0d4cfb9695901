package schema

import (
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// What a name means is decided here alone, for the members of documents and of the
// values of operations, for paths, filters, sorting and projections. There is a closed
// list of spellings, the same for every client:
//
//   - any case (RFC 7643 section 2.1);
//   - a URN of [urnSpellings], and ":" or, as clients send, "." or "/" after it;
//   - "." or "/" between an attribute and its sub-attribute;
//   - the whole path of a sub-attribute in the place of its name, as in
//     "name":{"name.givenName":"A"};
//   - a name in the place of another: an extension's attribute among those of the core
//     schema, a core attribute under the URN of an extension, and so on.
//
// A name with one meaning has that. One that could be the attribute of two schemas is an
// error, and so is what belongs to another resource type. Only what no schema of the type
// has in any of these spellings is unknown, and may be ignored by leniency: whatever has
// a meaning has a value that somebody wants kept.

// misnomer is why a name stands for nothing.
type misnomer struct {
	// problem is a sentence for the client.
	Problem string
	// unknown says that no schema of the type knows the name. Without it, leaving the name
	// out would lose what the client means.
	Unknown bool
	// several says that the name may be of several schemas.
	Several bool
}

// Resolve finds what a path without a filter names.
func (t *ResourceType) Resolve(path string) (Ref, *misnomer) {
	if strings.IndexByte(path, ':') < 0 {
		return t.resolveIn(nil, path)
	}
	u, rest := t.splitURN(path)
	switch {
	case u == nil:
		return Ref{}, &misnomer{Problem: strconv.Quote(path) + " begins with no schema of " + t.Name, Unknown: true}
	case u.Schema == nil:
		return Ref{}, &misnomer{Problem: strconv.Quote(path) + " begins with a schema of " + u.Of + ", and this is about a " + t.Name}
	case rest == "":
		return Ref{Schema: u.Schema}, nil
	}
	r, wrong := t.resolveIn(u.Schema, rest[1:])
	if wrong != nil && !ValidPath(rest[1:]) {
		wrong.Unknown = false
	}
	return r, wrong
}

// Meaning finds what a name means among the attributes of a schema, nil for the core
// schema and the common ones, unless it begins with a URN itself.
func (t *ResourceType) Meaning(home *Schema, name string) (Ref, *misnomer) {
	if home == nil || strings.IndexByte(name, ':') >= 0 {
		return t.Resolve(name)
	}
	return t.resolveIn(home, name)
}

// resolveIn finds what a name without a URN means among the attributes of a schema, or of
// the core schema and the common ones.
func (t *ResourceType) resolveIn(home *Schema, path string) (Ref, *misnomer) {
	name, sub, parted := cutSub(path)
	r, other := t.find(home, name)
	switch {
	case other != nil:
		return Ref{}, &misnomer{Problem: strconv.Quote(path) + " is an attribute of several schemas: write the URN before it, as in " + strconv.Quote(other.ID+":"+path), Several: true}
	case r.Attr == nil:
		return Ref{}, &misnomer{Problem: strconv.Quote(path) + " is no attribute of " + t.Name, Unknown: true}
	case !parted:
		return r, nil
	}
	if r.Sub = r.Attr.Sub(sub); r.Sub == nil {
		return Ref{}, &misnomer{Problem: strconv.Quote(r.Attr.path) + " has no sub-attribute " + strconv.Quote(sub), Unknown: true}
	}
	return r, nil
}

// HomeOf is the schema that an attribute is of; nil for the core schema and common ones.
func (t *ResourceType) HomeOf(a *Attribute) *Schema {
	for _, s := range t.schemas {
		if !s.core && s.index.find(a.Name) == a {
			return s
		}
	}
	return nil
}

// find finds an attribute by name: of the schema, or else of the only other one that has
// an attribute of this name. If two have, other is the second of them.
func (t *ResourceType) find(home *Schema, name string) (r Ref, other *Schema) {
	if home == nil {
		home = t.Schema
	}
	if r = home.ref(name); r.Attr != nil {
		return r, nil
	}
	for _, s := range t.schemas {
		switch found := s.ref(name); {
		case found.Attr == nil:
		case r.Attr != nil:
			return r, s
		default:
			r = found
		}
	}
	return r, nil
}

// Attribute finds an attribute by its name; nil when there is none.
func (s *Schema) Attribute(name string) *Attribute { return s.index.find(name) }

// ref finds an attribute of the schema. The common ones are at home among those of
// the core schema.
func (s *Schema) ref(name string) Ref {
	if a := s.index.find(name); a != nil {
		return Ref{Schema: s, Attr: a}
	}
	if s.core {
		return Ref{Attr: commonAttributes.find(name)}
	}
	return Ref{}
}

// Sub finds a sub-attribute by one of its names. SCIM 1 had managerId for the value of
// the manager.
func (a *Attribute) Sub(name string) *Attribute {
	if s := a.subs.find(name); s != nil {
		return s
	}
	if a.value != nil && ascii.Equal(a.Name, "manager") && ascii.Equal(name, "managerId") {
		return a.value
	}
	return nil
}

// cutSub splits a path into the attribute and the sub-attribute.
func cutSub(path string) (name, sub string, parted bool) {
	for i := range len(path) {
		if path[i] == '.' || path[i] == '/' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}

// ValidPath says whether the path of an attribute, without URN and filter, is well
// formed, whether or not there is such an attribute.
func ValidPath(path string) bool {
	name, sub, parted := cutSub(path)
	return ValidName(name, false) && (!parted || ValidName(sub, true))
}
