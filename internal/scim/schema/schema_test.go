package schema_test

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestRegistry(t *testing.T) {
	if schema.AttrMeta == nil || schema.MetaLocation == nil {
		t.Fatal("the common attributes do not compile")
	}
	var urns []string
	for _, s := range scimtest.Registry.Schemas() {
		urns = append(urns, s.ID)
	}
	if got := strings.Join(urns, " "); got != schema.URNUser+" "+schema.URNEnterpriseUser+" "+scimtest.URNTest+" "+schema.URNGroup {
		t.Error(got)
	}
	if s, ok := scimtest.Registry.Schema(strings.ToUpper(schema.URNEnterpriseUser)); !ok || s.ID != schema.URNEnterpriseUser {
		t.Error("URNs are case-insensitive")
	}
	if _, ok := scimtest.Registry.Schema("urn:example:nope"); ok {
		t.Error("unknown schema")
	}
	if types := scimtest.Registry.ResourceTypes(); len(types) != 2 || types[0] != scimtest.Registry.User() || types[1] != scimtest.Registry.Group() {
		t.Error(types)
	}
}

// The characteristics of RFC 7643 section 8.7.1 that something depends on.
func TestSchemaCharacteristics(t *testing.T) {
	find := func(urn, path string) *schema.Attribute {
		s, _ := scimtest.Registry.Schema(urn)
		name, sub, dotted := strings.Cut(path, ".")
		a := s.Attribute(name)
		if dotted {
			a = a.Sub(sub)
		}
		if a == nil {
			t.Fatalf("no %s", path)
		}
		return a
	}
	for _, c := range []struct {
		urn, path, want string
	}{
		{schema.URNUser, "userName", "string required readWrite default server"},
		{schema.URNUser, "password", "string writeOnly never none"},
		{schema.URNUser, "active", "boolean readWrite default none"},
		{schema.URNUser, "profileUrl", "reference caseExact readWrite default none"},
		{schema.URNUser, "emails", "complex multi readWrite default none"},
		{schema.URNUser, "emails.value", "string readWrite default none"},
		{schema.URNUser, "emails.primary", "boolean readWrite default none"},
		{schema.URNUser, "groups", "complex multi readOnly default none"},
		{schema.URNUser, "groups.$ref", "reference caseExact readOnly default none"},
		{schema.URNUser, "x509Certificates.value", "binary caseExact readWrite default none"},
		{schema.URNUser, "photos.value", "reference caseExact readWrite default none"},
		{schema.URNGroup, "displayName", "string required readWrite default server"},
		{schema.URNGroup, "members", "complex multi readWrite default none"},
		{schema.URNGroup, "members.value", "string immutable default none"},
		{schema.URNGroup, "members.type", "string immutable default none"},
		{schema.URNEnterpriseUser, "manager.displayName", "string readOnly default none"},
		{schema.URNEnterpriseUser, "manager.value", "string readWrite default none"},
		{scimtest.URNTest, "device.id", "string immutable default none"},
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
	if got := attributeNames(scimtest.Registry.User().Schema); got != "userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates" {
		t.Error(got)
	}
	if got := attributeNames(scimtest.Registry.User().Extensions[0].Schema); got != "employeeNumber costCenter organization division department manager" {
		t.Error(got)
	}
}

func attributeNames(s *schema.Schema) string {
	var names []string
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	return strings.Join(names, " ")
}

// The caller's definition is not changed, nor does a later change of it matter.
func TestRegistryCopies(t *testing.T) {
	s := scimtest.TestSchema()
	g := scimtest.MustRegistry(s)
	s.Attributes[0].Name = "changed"
	if got, _ := g.Schema(scimtest.URNTest); got.Attributes[0].Name != "badge" || s.Attributes[0].Mutability != "" {
		t.Error("shared with the caller")
	}
}

func TestRegistryRefuses(t *testing.T) {
	one := func(a *schema.Attribute) *schema.Schema {
		return &schema.Schema{ID: "urn:example:x", Attributes: []*schema.Attribute{a}}
	}
	for name, s := range map[string]*schema.Schema{
		"nil":                  nil,
		"no URN":               {ID: "x"},
		"blank in the URN":     {ID: "urn:x y"},
		"core URN":             {ID: strings.ToLower(schema.URNUser)},
		"enterprise URN":       {ID: schema.URNEnterpriseUser},
		"group URN":            {ID: schema.URNGroup},
		"null attribute":       {ID: "urn:example:x", Attributes: []*schema.Attribute{nil}},
		"same name":            {ID: "urn:example:x", Attributes: []*schema.Attribute{{Name: "a"}, {Name: "A"}}},
		"no name":              one(&schema.Attribute{}),
		"dotted name":          one(&schema.Attribute{Name: "a.b"}),
		"digit first":          one(&schema.Attribute{Name: "1a"}),
		"$ref at the top":      one(&schema.Attribute{Name: "$ref"}),
		"unknown type":         one(&schema.Attribute{Name: "a", Type: "text"}),
		"unknown mutability":   one(&schema.Attribute{Name: "a", Mutability: "x"}),
		"unknown returned":     one(&schema.Attribute{Name: "a", Returned: "x"}),
		"unknown uniqueness":   one(&schema.Attribute{Name: "a", Uniqueness: "x"}),
		"complex without subs": one(&schema.Attribute{Name: "a", Type: schema.TypeComplex}),
		"simple with subs":     one(&schema.Attribute{Name: "a", SubAttributes: []*schema.Attribute{{Name: "b"}}}),
		"complex in complex":   one(&schema.Attribute{Name: "a", Type: schema.TypeComplex, SubAttributes: []*schema.Attribute{{Name: "b", Type: schema.TypeComplex, SubAttributes: []*schema.Attribute{{Name: "c"}}}}}),
		"wrong sub-attribute":  one(&schema.Attribute{Name: "a", Type: schema.TypeComplex, SubAttributes: []*schema.Attribute{{Name: "b c"}}}),
	} {
		if _, err := schema.NewRegistry(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := schema.NewRegistry(scimtest.TestSchema(), scimtest.TestSchema()); err == nil {
		t.Error("the same extension twice: accepted")
	}
}

// Roles and entitlements are defined in the program, and read-only.
func TestRoleTypes(t *testing.T) {
	for name, types := range map[string]schema.RoleTypes{"draft": schema.DraftRoles(), "Okta": schema.OktaRoles()} {
		for _, resourceType := range []*schema.ResourceType{types.Role, types.Entitlement} {
			if resourceType == nil || len(resourceType.Schema.Attributes) < 3 {
				t.Fatalf("%s: %+v", name, resourceType)
			}
			for _, attribute := range resourceType.Schema.Attributes {
				if attribute.Mutability != schema.ReadOnly {
					t.Errorf("%s: %s can be written", name, attribute.Path())
				}
			}
		}
	}
}
