package scim

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRegistry(t *testing.T) {
	if attrMeta == nil || metaLocation == nil {
		t.Fatal("the common attributes do not compile")
	}
	var urns []string
	for _, s := range registry.Schemas() {
		urns = append(urns, s.ID)
	}
	if got := strings.Join(urns, " "); got != URNUser+" "+URNEnterpriseUser+" "+urnTest+" "+URNGroup {
		t.Error(got)
	}
	if s, ok := registry.Schema(strings.ToUpper(URNEnterpriseUser)); !ok || s.ID != URNEnterpriseUser {
		t.Error("URNs are case-insensitive")
	}
	if _, ok := registry.Schema("urn:example:nope"); ok {
		t.Error("unknown schema")
	}
	if types := registry.ResourceTypes(); len(types) != 2 || types[0] != registry.User() || types[1] != registry.Group() {
		t.Error(types)
	}
}

// The characteristics of RFC 7643 section 8.7.1 that something depends on.
func TestSchemaCharacteristics(t *testing.T) {
	find := func(urn, path string) *Attribute {
		s, _ := registry.Schema(urn)
		name, sub, dotted := strings.Cut(path, ".")
		a := s.attr(name)
		if dotted {
			a = a.sub(sub)
		}
		if a == nil {
			t.Fatalf("no %s", path)
		}
		return a
	}
	for _, c := range []struct {
		urn, path, want string
	}{
		{URNUser, "userName", "string required readWrite default server"},
		{URNUser, "password", "string writeOnly never none"},
		{URNUser, "active", "boolean readWrite default none"},
		{URNUser, "profileUrl", "reference caseExact readWrite default none"},
		{URNUser, "emails", "complex multi readWrite default none"},
		{URNUser, "emails.value", "string readWrite default none"},
		{URNUser, "emails.primary", "boolean readWrite default none"},
		{URNUser, "groups", "complex multi readOnly default none"},
		{URNUser, "groups.$ref", "reference caseExact readOnly default none"},
		{URNUser, "x509Certificates.value", "binary caseExact readWrite default none"},
		{URNUser, "photos.value", "reference caseExact readWrite default none"},
		{URNGroup, "displayName", "string required readWrite default server"},
		{URNGroup, "members", "complex multi readWrite default none"},
		{URNGroup, "members.value", "string immutable default none"},
		{URNGroup, "members.type", "string immutable default none"},
		{URNEnterpriseUser, "manager.displayName", "string readOnly default none"},
		{URNEnterpriseUser, "manager.value", "string readWrite default none"},
		{urnTest, "device.id", "string immutable default none"},
	} {
		a := find(c.urn, c.path)
		got := string(a.Type)
		if a.MultiValued {
			got += " multi"
		}
		if a.Required {
			got += " required"
		}
		if a.CaseExact {
			got += " caseExact"
		}
		if got += " " + string(a.Mutability) + " " + string(a.Returned) + " " + string(a.Uniqueness); got != c.want {
			t.Errorf("%s: %s", c.path, got)
		}
	}
	if got := attributeNames(registry.User().Schema); got != "userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates" {
		t.Error(got)
	}
	if got := attributeNames(registry.User().Extensions[0].Schema); got != "employeeNumber costCenter organization division department manager" {
		t.Error(got)
	}
}

func attributeNames(s *Schema) string {
	var names []string
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	return strings.Join(names, " ")
}

// A schema document can be read back as an extension, and says all that RFC 7643
// section 7 wants.
func TestSchemaDocument(t *testing.T) {
	s, _ := registry.Schema(urnTest)
	var doc struct {
		Schema
		Schemas []string
		Meta    struct{ ResourceType, Location string }
	}
	if err := json.Unmarshal(SchemaDocument(s, "https://example.com/v2"), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Meta.Location != "https://example.com/v2/Schemas/"+urnTest || doc.Meta.ResourceType != "Schema" || doc.Schemas[0] != URNSchema {
		t.Error(doc.Meta, doc.Schemas)
	}
	g, err := NewRegistry(&doc.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := g.Schema(urnTest); string(SchemaDocument(again, "x")) != string(SchemaDocument(s, "x")) {
		t.Error("the document differs after a round trip")
	}
	if got := marshalled(t, s.Attributes[0]); got != `{"name":"badge","type":"integer","multiValued":false,"required":false,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"}` {
		t.Error(got)
	}
}

// The caller's definition is not changed, nor does a later change of it matter.
func TestRegistryCopies(t *testing.T) {
	s := testSchema()
	g := mustRegistry(s)
	s.Attributes[0].Name = "changed"
	if got, _ := g.Schema(urnTest); got.Attributes[0].Name != "badge" || s.Attributes[0].Mutability != "" {
		t.Error("shared with the caller")
	}
}

func TestRegistryRefuses(t *testing.T) {
	one := func(a *Attribute) *Schema { return &Schema{ID: "urn:example:x", Attributes: []*Attribute{a}} }
	for name, s := range map[string]*Schema{
		"nil":                  nil,
		"no URN":               {ID: "x"},
		"blank in the URN":     {ID: "urn:x y"},
		"core URN":             {ID: strings.ToLower(URNUser)},
		"enterprise URN":       {ID: URNEnterpriseUser},
		"group URN":            {ID: URNGroup},
		"null attribute":       {ID: "urn:example:x", Attributes: []*Attribute{nil}},
		"same name":            {ID: "urn:example:x", Attributes: []*Attribute{{Name: "a"}, {Name: "A"}}},
		"no name":              one(&Attribute{}),
		"dotted name":          one(&Attribute{Name: "a.b"}),
		"digit first":          one(&Attribute{Name: "1a"}),
		"$ref at the top":      one(&Attribute{Name: "$ref"}),
		"unknown type":         one(&Attribute{Name: "a", Type: "text"}),
		"unknown mutability":   one(&Attribute{Name: "a", Mutability: "x"}),
		"unknown returned":     one(&Attribute{Name: "a", Returned: "x"}),
		"unknown uniqueness":   one(&Attribute{Name: "a", Uniqueness: "x"}),
		"complex without subs": one(&Attribute{Name: "a", Type: TypeComplex}),
		"simple with subs":     one(&Attribute{Name: "a", SubAttributes: []*Attribute{{Name: "b"}}}),
		"complex in complex":   one(&Attribute{Name: "a", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "b", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "c"}}}}}),
		"wrong sub-attribute":  one(&Attribute{Name: "a", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "b c"}}}),
	} {
		if _, err := NewRegistry(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewRegistry(testSchema(), testSchema()); err == nil {
		t.Error("the same extension twice: accepted")
	}
}
