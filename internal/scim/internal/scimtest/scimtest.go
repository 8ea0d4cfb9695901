// Package scimtest has the resource types and documents that the tests of the engine
// share.
package scimtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Elements is the inside of a JSON array of so many elements.
func Elements(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"value":"x%d"}`, i)
	}
	return strings.Join(list, ",")
}

// URNSite is the schema of an extension that a test makes.
const URNSite = "urn:example:params:scim:schemas:extension:site:1.0:User"

// SiteUser is a JSON document of a user with that extension.
func SiteUser(extension string) string {
	return `{"schemas":["` + schema.URNUser + `","` + URNSite + `"],"userName":"bjensen","` + URNSite + `":` + extension + `}`
}

// URNTest is the schema of TestSchema.
const URNTest = "urn:example:params:scim:schemas:extension:test:2.0:User"

// TestSchema has an attribute of every type and characteristic.
func TestSchema() *schema.Schema {
	return &schema.Schema{ID: URNTest, Name: "Test", Attributes: []*schema.Attribute{
		{Name: "badge", Type: schema.TypeInteger},
		{Name: "height", Type: schema.TypeDecimal},
		{Name: "hired", Type: schema.TypeDateTime},
		{Name: "key", Type: schema.TypeBinary},
		{Name: "tags", MultiValued: true, CaseExact: true},
		{Name: "scores", Type: schema.TypeInteger, MultiValued: true},
		{Name: "dates", Type: schema.TypeDateTime, MultiValued: true},
		{Name: "keys", Type: schema.TypeBinary, MultiValued: true},
		{Name: "ratios", Type: schema.TypeDecimal, MultiValued: true},
		{Name: "flags", Type: schema.TypeBoolean, MultiValued: true},
		{Name: "notes", Returned: schema.ReturnedRequest},
		{Name: "secret", Returned: schema.ReturnedNever},
		{Name: "pin", Mutability: schema.WriteOnly, Returned: schema.ReturnedNever},
		{Name: "serial", Mutability: schema.Immutable, Returned: schema.ReturnedAlways},
		{Name: "clearance", Mutability: schema.ReadOnly},
		{Name: "device", Type: schema.TypeComplex, SubAttributes: []*schema.Attribute{
			{Name: "id", Mutability: schema.Immutable}, {Name: "label"}, {Name: "ports", Type: schema.TypeInteger, MultiValued: true}}},
		{Name: "sites", Type: schema.TypeComplex, MultiValued: true, SubAttributes: []*schema.Attribute{
			{Name: "name", Required: true}, {Name: "desk"}}},
	}}
}

// The resource types of the tests, and how strict they are.
var (
	Registry  = MustRegistry(TestSchema())
	UserType  = Registry.User()
	GroupType = Registry.Group()
	Strict    = scim.Leniency{}
	Lenient   = scim.Leniency{OperationCase: true, BooleanStrings: true, RemoveValues: true,
		CreateMissing: true, ScalarForComplex: true, ArrayForSingle: true, SingleForArray: true, EmptyElements: true, IgnoreReadOnly: true,
		IgnoreUnknown: true, UndeclaredExtensions: true, MissingSchemas: true,
		UnquotedLiterals: true}
)

// MustRegistry is a registry with these extensions.
func MustRegistry(extensions ...*schema.Schema) *schema.Registry {
	g, err := schema.NewRegistry(extensions...)
	if err != nil {
		panic(err)
	}
	return g
}

// RichUser has a value for nearly everything.
const RichUser = `{
 "schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","` + URNTest + `"],
 "id":"2819c223-7f76-453a-919d-413861904646","externalId":"701984","userName":"bjensen@example.com",
 "name":{"formatted":"Ms. Barbara J Jensen, III","familyName":"Jensen","givenName":"Barbara"},
 "displayName":"Babs Jensen","nickName":"Babs","profileUrl":"https://login.example.com/bjensen","title":"Tour Guide","active":true,
 "emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@example.com","type":"home"}],
 "phoneNumbers":[{"value":"555-555-5555","type":"work"}],
 "addresses":[{"type":"work","streetAddress":"100 Universal City Plaza","locality":"Hollywood","postalCode":"91608"},{"type":"home","streetAddress":"456 Hollywood Blvd"}],
 "groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],
 "x509Certificates":[{"value":"TUlJRQ=="}],
 "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","costCenter":"4130","department":"Tour Operations",
  "manager":{"value":"26118915","$ref":"../Users/26118915","displayName":"John Smith"}},
 "` + URNTest + `":{"badge":17,"height":1.75,"hired":"2020-01-31T10:00:00+02:00","key":"a2V5","tags":["Red","blue"],"scores":[3,9],"notes":"n","secret":"s",
  "serial":"S1","clearance":"top","device":{"id":"d1","label":"laptop","ports":[80]},"sites":[{"name":"HQ","desk":"4"}]},
 "meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`

// GroupDoc is a group of two users and a group.
const GroupDoc = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Tour Guides",
 "members":[{"value":"a","display":"A","type":"User"},{"value":"b","type":"User"},{"value":"c","type":"Group"}]}`

// Stored is the resource of a document as a store has it.
func Stored(t testing.TB, kind *schema.ResourceType, doc string) *scim.Resource {
	t.Helper()
	r, err := decode.FromJSON(kind, []byte(doc))
	if err != nil {
		t.Fatalf("stored document: %v", err)
	}
	return r
}

// Text is the JSON of a resource for a store.
func Text(t testing.TB, r *scim.Resource) string {
	t.Helper()
	return string(render.JSON(r))
}

// PatchOp is the body of a PATCH with operations.
func PatchOp(operations ...string) []byte {
	return []byte(`{"schemas":["` + scim.URNPatchOp + `"],"Operations":[` + strings.Join(operations, ",") + `]}`)
}

// Apply is the resource that operations make of the current one, and whether it differs.
func Apply(kind *schema.ResourceType, current *scim.Resource, l scim.Leniency, operations ...string) (*scim.Resource, bool, error) {
	p, err := patch.Parse(kind, PatchOp(operations...), l)
	if err != nil {
		return nil, false, err
	}
	return p.Apply(current)
}

// Want checks status and scimType of an error.
func Want(t testing.TB, err error, status int, kind scim.ErrorType) {
	t.Helper()
	var e *scim.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %d %s", err, status, kind)
	}
	if e.Status != status || e.Type != kind || e.Detail == "" {
		t.Fatalf("got %v, want %d %s", err, status, kind)
	}
}

// User is a JSON document of a user with more members.
func User(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"schemas":["` + schema.URNUser + `"],"userName":"bjensen"` + members + `}`
}

// Marshalled is the JSON of a value.
func Marshalled(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Decoded is the user that a client creates with a document.
func Decoded(t *testing.T, doc string) *scim.Resource {
	t.Helper()
	r, err := document.Decode(UserType, []byte(doc), scim.Leniency{UndeclaredExtensions: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return r
}

// BigGroup is a group of so many members.
func BigGroup(n int) *scim.Resource {
	members := make([]any, n)
	for i := range members {
		members[i] = scim.Complex{"value": fmt.Sprintf("member-%06d", i), "type": "User"}
	}
	return scim.NewResource(GroupType, scim.Complex{"id": "g", "displayName": "Big", "members": members})
}

// Patched is the result of operations on a user with these members, without
// schemas and meta; "=" for no change.
func Patched(t *testing.T, kind *schema.ResourceType, current string, l scim.Leniency, operations ...string) (string, error) {
	t.Helper()
	o, err := message.Parse([]byte(current))
	if err != nil {
		t.Fatal(err)
	}
	r, err := decode.Reader{Type: kind, Stored: true, Leniency: scim.Leniency{UndeclaredExtensions: true}}.Resource(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := Text(t, r)
	result, changed, err := Apply(kind, r, l, operations...)
	if Text(t, r) != before {
		t.Error("the current resource was changed")
	}
	if err != nil {
		return "", err
	}
	after := Text(t, result)
	again, err := decode.FromJSON(kind, []byte(after))
	if err != nil || Text(t, again) != after {
		t.Errorf("the result is not canonical: %v\n%s", err, after)
	}
	if changed == result.Equal(r) {
		t.Errorf("changed is %v: %s", changed, after)
	}
	if !changed {
		return "=", nil
	}
	_, after, _ = strings.Cut(after, "],")
	after = strings.TrimSuffix(after, `,"meta":{"resourceType":"`+kind.Name+`"}}`)
	return strings.TrimPrefix(strings.TrimPrefix(after, `"userName":"bjensen"`), ","), nil
}

// PatchCase is a user, operations, and what these make of the user.
type PatchCase = struct {
	Current string // members of a user besides userName
	Ops     string // operations, joined by commas
	Out     string // the same of the result, or "="
}

// RunPatchCases carries out the cases, each as a test of its own.
func RunPatchCases(t *testing.T, l scim.Leniency, cases map[string]PatchCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Patched(t, UserType, User(c.Current), l, c.Ops)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.Out {
				t.Errorf("got  %s\nwant %s", got, c.Out)
			}
		})
	}
}

// Pieces of documents.
const (
	TwoEmails     = `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","type":"home"}]`
	EnterpriseKey = `"` + schema.URNEnterpriseUser + `"`
	TestKey       = `"` + URNTest + `"`
)

// Base is the base URL of the tenant.
const Base = "https://scim.example.com/acme/v2/"
