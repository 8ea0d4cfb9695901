package differential

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// document is a resource as JSON has it.
type document = map[string]any

// urnBadge is an extension with the types that the RFC's own attributes lack.
const urnBadge = "urn:ietf:params:scim:schemas:extension:badge:2.0:User"

// kind is how an attribute's values are compared.
type kind int

const (
	text  kind = iota // whatever the case
	exact             // by code point
	boolean
	instant
	binary
	number
)

// field is an attribute that is searched, with some values of it.
type field struct {
	urn  string // of the extension
	name string // with the sub-attribute
	kind kind
	// list is set for the sub-attribute of a multi-valued attribute, and for a
	// multi-valued attribute itself.
	list   bool
	values []any
}

// path is how a filter names the field.
func (f *field) path() string {
	if f.urn != "" {
		return f.urn + ":" + f.name
	}
	return f.name
}

var (
	names = []any{"Jensen", "jensen", "O'Malley", "", "Müller", "MÜLLER", `a "b" \ c`, "Smith (work)", "true", "1"}
	mails = []any{"a@example.com", "A@example.com", "b@example.org"}
	times = []any{"2011-05-13T04:42:34Z", "2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34.5Z", "2020-01-31T00:00:00Z"}
	types = []any{"work", "Work", "home"}
	truth = []any{true, false}
)

// userFields are the attributes of users that filters are about.
var userFields = []*field{
	{name: "userName", kind: text, values: mails},
	{name: "externalId", kind: exact, values: []any{"x1", "X1", "x2"}},
	{name: "name.familyName", kind: text, values: names},
	{name: "title", kind: text, values: names},
	{name: "profileUrl", kind: exact, values: []any{"https://example.com/a", "https://example.com/A"}},
	{name: "active", kind: boolean, values: truth},
	{name: "emails.value", kind: text, list: true, values: mails},
	{name: "emails.type", kind: text, list: true, values: types},
	{name: "emails.primary", kind: boolean, list: true, values: truth},
	{name: "x509Certificates.value", kind: binary, list: true, values: []any{"YQ==", "YWI=", "YWJj"}},
	{name: "meta.created", kind: instant, values: times},
	{name: "meta.lastModified", kind: instant, values: times},
	{urn: schema.URNEnterpriseUser, name: "department", kind: text, values: names},
	{urn: schema.URNEnterpriseUser, name: "manager.value", kind: text, values: []any{"26118915", "m2"}},
	{urn: urnBadge, name: "number", kind: number, values: []any{-7.0, 0.0, 42.0, 100.0}},
	{urn: urnBadge, name: "height", kind: number, values: []any{-0.5, 1.0, 1.75, 1e3}},
	{urn: urnBadge, name: "issued", kind: instant, values: times},
	{urn: urnBadge, name: "tags", kind: text, list: true, values: []any{"red", "Red", "blue"}},
}

// groupFields are those of groups.
var groupFields = []*field{
	{name: "displayName", kind: text, values: names},
	{name: "externalId", kind: exact, values: []any{"x1", "X1"}},
	{name: "members.value", kind: text, list: true, values: []any{"u1", "u2", "U1", "g1"}},
	{name: "members.type", kind: text, list: true, values: []any{"User", "Group"}},
}

func newRegistry(t *testing.T) *schema.Registry {
	t.Helper()
	registry, err := schema.NewRegistry(&schema.Schema{ID: urnBadge, Name: "Badge", Attributes: []*schema.Attribute{
		{Name: "number", Type: schema.TypeInteger}, {Name: "height", Type: schema.TypeDecimal}, {Name: "issued", Type: schema.TypeDateTime},
		{Name: "tags", MultiValued: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// documents makes resources that have each field half of the time.
func documents(random *rand.Rand, urn string, fields []*field, size int) []document {
	all := make([]document, size)
	for i := range all {
		d := document{"id": fmt.Sprintf("id%d", i), "meta": document{"resourceType": urn[strings.LastIndex(urn, ":")+1:]}}
		schemas := map[string]bool{urn: true}
		for _, f := range fields {
			if random.IntN(2) == 0 || f.required() {
				f.put(random, d)
				schemas[f.urn] = f.urn != "" || schemas[f.urn]
			}
		}
		for name, v := range d {
			if list, ok := v.([]any); ok {
				d[name] = slices.DeleteFunc(list, func(e any) bool { c, is := e.(document); return is && len(c) == 0 })
			}
		}
		for _, s := range []string{urn, schema.URNEnterpriseUser, urnBadge} {
			if schemas[s] {
				list, _ := d["schemas"].([]any)
				d["schemas"] = append(list, s)
			}
		}
		all[i] = d
	}
	return all
}

// put gives a document some value of the field.
func (f *field) put(random *rand.Rand, d document) {
	if f.urn != "" {
		d = inside(d, f.urn)
	}
	name, sub, dotted := strings.Cut(f.name, ".")
	switch {
	case f.list && dotted:
		f.putElements(random, d, name, sub)
	case f.list:
		for _, i := range random.Perm(len(f.values))[:1+random.IntN(2)] {
			list, _ := d[name].([]any)
			d[name] = append(list, f.values[i])
		}
	case dotted:
		inside(d, name)[sub] = f.some(random)
	case f.required():
		for d[name] == nil || d[name] == "" {
			d[name] = f.some(random)
		}
	default:
		d[name] = f.some(random)
	}
}

// required says whether every document, and every element, has the field.
func (f *field) required() bool {
	return f.name == "userName" || f.name == "displayName" || f.name == "members.value"
}

func (f *field) some(random *rand.Rand) any { return f.values[random.IntN(len(f.values))] }

// putElements gives the elements of a list, of which there are two at the most, the
// sub-attribute. At most one is primary, and no two are the same.
func (f *field) putElements(random *rand.Rand, d document, name, sub string) {
	list, _ := d[name].([]any)
	if len(list) == 0 {
		list = []any{document{}, document{}}[:1+random.IntN(2)]
	}
	order := random.Perm(len(f.values))
	for i, e := range list {
		if i == 0 || f.required() || random.IntN(3) > 0 {
			e.(document)[sub] = f.values[order[i%len(order)]]
		}
	}
	d[name] = list
}

func inside(d document, name string) document {
	c, ok := d[name].(document)
	if !ok {
		c = document{}
		d[name] = c
	}
	return c
}

// of are the values that a document has of the field: one for each element, nil if
// the element has none.
func (f *field) of(d document) []any {
	_, sub, dotted := strings.Cut(f.name, ".")
	whole := f.whole(d)
	if !dotted {
		return whole
	}
	if f.list {
		return f.among(whole)
	}
	if len(whole) == 1 {
		if v, ok := whole[0].(document)[sub]; ok {
			return []any{v}
		}
	}
	return nil
}

// resources are the documents as the engine holds them.
func resources(t *testing.T, kind *schema.ResourceType, documents []document) []*scim.Resource {
	t.Helper()
	all := make([]*scim.Resource, len(documents))
	for i, d := range documents {
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = decode.FromJSON(kind, b); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	}
	return all
}
