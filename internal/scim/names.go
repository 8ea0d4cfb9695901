package scim

import (
	"sort"
	"strconv"
	"strings"
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
	problem string
	// unknown says that no schema of the type knows the name. Without it, leaving the name
	// out would lose what the client means.
	unknown bool
	// several says that the name may be of several schemas.
	several bool
}

// urn is a URN that stands for a schema.
type urn struct {
	text string
	// schema is nil if the URN is that of a schema of another resource type.
	schema *Schema
	// of is the name of the resource type that has the schema.
	of string
}

// urnSpellings are the ways in which clients write a schema of SCIM: with the URN of RFC
// 7643, of SCIM 1 or of a draft, with the resource type after it, glued to it (as Entra
// ID has it) or left out. What is the name of the schema without its version, "core" or
// "extension:enterprise".
func urnSpellings(what, resourceType string) []string {
	var all []string
	for _, authority := range []string{"urn:ietf:params:scim:schemas:", "urn:scim:schemas:"} {
		for _, version := range []string{":2.0", ":1.0"} {
			for _, end := range []string{":" + resourceType, resourceType, ""} {
				all = append(all, authority+what+version+end)
			}
		}
	}
	return all
}

// learnURNs fills in the URNs that each of the types knows. Where two schemas have one
// spelling, that is the type's own core schema; a URN as it was defined is no other's.
func learnURNs(types []*ResourceType) {
	for _, t := range types {
		t.urns = nil
		for _, s := range t.schemas {
			t.learn(urn{s.ID, s, t.Name})
		}
		t.learnSpellings(t)
		for _, other := range types {
			if other == t {
				continue
			}
			for _, s := range other.schemas {
				t.learn(urn{s.ID, nil, other.Name})
			}
			t.learnSpellings(other)
		}
		sort.SliceStable(t.urns, func(i, j int) bool { return len(t.urns[i].text) > len(t.urns[j].text) })
	}
}

// learnSpellings adds the spellings of the schemas of a type.
func (t *ResourceType) learnSpellings(of *ResourceType) {
	schemas := map[string]*Schema{"core": of.Schema}
	for _, e := range of.Extensions {
		if e.Schema.ID == URNEnterpriseUser {
			schemas["extension:enterprise"] = e.Schema
		}
	}
	for what, s := range schemas {
		if of != t {
			s = nil
		}
		for _, text := range urnSpellings(what, of.Name) {
			t.learn(urn{text, s, of.Name})
		}
	}
}

// learn adds a URN, unless it is known.
func (t *ResourceType) learn(u urn) {
	if t.urnNamed(u.text) == nil {
		t.urns = append(t.urns, u)
	}
}

// urnNamed is the URN that a text is in one of its spellings; nil if it is none.
func (t *ResourceType) urnNamed(text string) *urn {
	for i := range t.urns {
		if equalASCII(t.urns[i].text, text) {
			return &t.urns[i]
		}
	}
	return nil
}

// schemaNamed finds the core schema or an extension by one of its URNs; nil when there
// is none.
func (t *ResourceType) schemaNamed(text string) *Schema {
	if u := t.urnNamed(text); u != nil {
		return u.schema
	}
	return nil
}

// splitURN splits the URN of a schema off a path; nil if it begins with none. The rest
// begins with what stands between them, and is empty where there is nothing else. URNs
// have dots and colons, and one may begin with another: the longest wins.
func (t *ResourceType) splitURN(path string) (u *urn, rest string) {
	for i := range t.urns {
		n := len(t.urns[i].text)
		if len(path) < n || !equalASCII(path[:n], t.urns[i].text) {
			continue
		}
		if rest := path[n:]; rest == "" || strings.IndexByte(":./", rest[0]) >= 0 {
			return &t.urns[i], rest
		}
	}
	return nil, path
}

// resolve finds what a path without a filter names.
func (t *ResourceType) resolve(path string) (ref, *misnomer) {
	if strings.IndexByte(path, ':') < 0 {
		return t.resolveIn(nil, path)
	}
	u, rest := t.splitURN(path)
	switch {
	case u == nil:
		return ref{}, &misnomer{problem: strconv.Quote(path) + " begins with no schema of " + t.Name, unknown: true}
	case u.schema == nil:
		return ref{}, &misnomer{problem: strconv.Quote(path) + " begins with a schema of " + u.of + ", and this is about a " + t.Name}
	case rest == "":
		return ref{schema: u.schema}, nil
	}
	r, wrong := t.resolveIn(u.schema, rest[1:])
	if wrong != nil && !validPath(rest[1:]) {
		wrong.unknown = false
	}
	return r, wrong
}

// meaning finds what a name means among the attributes of a schema, nil for the core
// schema and the common ones, unless it begins with a URN itself.
func (t *ResourceType) meaning(home *Schema, name string) (ref, *misnomer) {
	if home == nil || strings.IndexByte(name, ':') >= 0 {
		return t.resolve(name)
	}
	return t.resolveIn(home, name)
}

// resolveIn finds what a name without a URN means among the attributes of a schema, or of
// the core schema and the common ones.
func (t *ResourceType) resolveIn(home *Schema, path string) (ref, *misnomer) {
	name, sub, parted := cutSub(path)
	r, other := t.find(home, name)
	switch {
	case other != nil:
		return ref{}, &misnomer{problem: strconv.Quote(path) + " is an attribute of several schemas: write the URN before it, as in " + strconv.Quote(other.ID+":"+path), several: true}
	case r.attr == nil:
		return ref{}, &misnomer{problem: strconv.Quote(path) + " is no attribute of " + t.Name, unknown: true}
	case !parted:
		return r, nil
	}
	if r.sub = r.attr.sub(sub); r.sub == nil {
		return ref{}, &misnomer{problem: strconv.Quote(r.attr.path) + " has no sub-attribute " + strconv.Quote(sub), unknown: true}
	}
	return r, nil
}

// homeOf is the schema that an attribute is of; nil for the core schema and common ones.
func (t *ResourceType) homeOf(a *Attribute) *Schema {
	for _, s := range t.schemas {
		if !s.core && s.index.find(a.Name) == a {
			return s
		}
	}
	return nil
}

// find finds an attribute by name: of the schema, or else of the only other one that has
// an attribute of this name. If two have, other is the second of them.
func (t *ResourceType) find(home *Schema, name string) (r ref, other *Schema) {
	if home == nil {
		home = t.Schema
	}
	if r = home.attribute(name); r.attr != nil {
		return r, nil
	}
	for _, s := range t.schemas {
		switch found := s.attribute(name); {
		case found.attr == nil:
		case r.attr != nil:
			return r, s
		default:
			r = found
		}
	}
	return r, nil
}

// attr finds an attribute by its name; nil when there is none.
func (s *Schema) attr(name string) *Attribute { return s.index.find(name) }

// attribute finds an attribute of the schema. The common ones are at home among those of
// the core schema.
func (s *Schema) attribute(name string) ref {
	if a := s.index.find(name); a != nil {
		return ref{schema: s, attr: a}
	}
	if s.core {
		return ref{attr: commonAttributes.find(name)}
	}
	return ref{}
}

// sub finds a sub-attribute by one of its names. SCIM 1 had managerId for the value of
// the manager.
func (a *Attribute) sub(name string) *Attribute {
	if s := a.subs.find(name); s != nil {
		return s
	}
	if a.value != nil && equalASCII(a.Name, "manager") && equalASCII(name, "managerId") {
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

// validPath says whether the path of an attribute, without URN and filter, is well
// formed, whether or not there is such an attribute.
func validPath(path string) bool {
	name, sub, parted := cutSub(path)
	return validName(name, false) && (!parted || validName(sub, true))
}
