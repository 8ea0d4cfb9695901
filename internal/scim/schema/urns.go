package schema

import (
	"sort"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// URN is a URN that stands for a schema.
type URN struct {
	text string
	// schema is nil if the URN is that of a schema of another resource type.
	Schema *Schema
	// of is the name of the resource type that has the schema.
	Of string
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
			t.learn(URN{s.ID, s, t.Name})
		}
		t.learnSpellings(t)
		for _, other := range types {
			if other == t {
				continue
			}
			for _, s := range other.schemas {
				t.learn(URN{s.ID, nil, other.Name})
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
			t.learn(URN{text, s, of.Name})
		}
	}
}

// learn adds a URN, unless it is known.
func (t *ResourceType) learn(u URN) {
	if t.URNNamed(u.text) == nil {
		t.urns = append(t.urns, u)
	}
}

// URNNamed is the URN that a text is in one of its spellings; nil if it is none.
func (t *ResourceType) URNNamed(text string) *URN {
	for i := range t.urns {
		if ascii.Equal(t.urns[i].text, text) {
			return &t.urns[i]
		}
	}
	return nil
}

// SchemaNamed finds the core schema or an extension by one of its URNs; nil when there
// is none.
func (t *ResourceType) SchemaNamed(text string) *Schema {
	if u := t.URNNamed(text); u != nil {
		return u.Schema
	}
	return nil
}

// splitURN splits the URN of a schema off a path; nil if it begins with none. The rest
// begins with what stands between them, and is empty where there is nothing else. URNs
// have dots and colons, and one may begin with another: the longest wins.
func (t *ResourceType) splitURN(path string) (u *URN, rest string) {
	for i := range t.urns {
		n := len(t.urns[i].text)
		if len(path) < n || !ascii.Equal(path[:n], t.urns[i].text) {
			continue
		}
		if rest := path[n:]; rest == "" || strings.IndexByte(":./", rest[0]) >= 0 {
			return &t.urns[i], rest
		}
	}
	return nil, path
}

// URNs of the resource schemas (RFC 7643 section 10.3.1).
const (
	URNUser           = "urn:ietf:params:scim:schemas:core:2.0:User"
	URNEnterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	URNGroup          = "urn:ietf:params:scim:schemas:core:2.0:Group"
)
