package scim

import (
	"errors"
	"strings"
	"testing"
)

const urnTest = "urn:example:params:scim:schemas:extension:test:2.0:User"

// testSchema has an attribute of every type and characteristic.
func testSchema() *Schema {
	return &Schema{ID: urnTest, Name: "Test", Attributes: []*Attribute{
		{Name: "badge", Type: TypeInteger},
		{Name: "height", Type: TypeDecimal},
		{Name: "hired", Type: TypeDateTime},
		{Name: "key", Type: TypeBinary},
		{Name: "tags", MultiValued: true, CaseExact: true},
		{Name: "scores", Type: TypeInteger, MultiValued: true},
		{Name: "dates", Type: TypeDateTime, MultiValued: true},
		{Name: "keys", Type: TypeBinary, MultiValued: true},
		{Name: "ratios", Type: TypeDecimal, MultiValued: true},
		{Name: "flags", Type: TypeBoolean, MultiValued: true},
		{Name: "notes", Returned: ReturnedRequest},
		{Name: "secret", Returned: ReturnedNever},
		{Name: "pin", Mutability: WriteOnly, Returned: ReturnedNever},
		{Name: "serial", Mutability: Immutable, Returned: ReturnedAlways},
		{Name: "clearance", Mutability: ReadOnly},
		{Name: "device", Type: TypeComplex, SubAttributes: []*Attribute{
			{Name: "id", Mutability: Immutable}, {Name: "label"}, {Name: "ports", Type: TypeInteger, MultiValued: true}}},
		{Name: "sites", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{
			{Name: "name", Required: true}, {Name: "desk"}}},
	}}
}

var (
	registry  = mustRegistry(testSchema())
	userType  = registry.User()
	groupType = registry.Group()
	strict    = Leniency{}
	lenient   = Leniency{OperationCase: true, BooleanStrings: true, RemoveValues: true,
		CreateMissing: true, ScalarForComplex: true, ArrayForSingle: true, SingleForArray: true, EmptyElements: true, IgnoreReadOnly: true,
		IgnoreUnknown: true, UndeclaredExtensions: true, MissingSchemas: true,
		UnquotedLiterals: true}
)

func mustRegistry(extensions ...*Schema) *Registry {
	g, err := NewRegistry(extensions...)
	if err != nil {
		panic(err)
	}
	return g
}

// richUser has a value for nearly everything.
const richUser = `{
 "schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","` + urnTest + `"],
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
 "` + urnTest + `":{"badge":17,"height":1.75,"hired":"2020-01-31T10:00:00+02:00","key":"a2V5","tags":["Red","blue"],"scores":[3,9],"notes":"n","secret":"s",
  "serial":"S1","clearance":"top","device":{"id":"d1","label":"laptop","ports":[80]},"sites":[{"name":"HQ","desk":"4"}]},
 "meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`

const groupDoc = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Tour Guides",
 "members":[{"value":"a","display":"A","type":"User"},{"value":"b","type":"User"},{"value":"c","type":"Group"}]}`

func stored(t testing.TB, kind *ResourceType, doc string) *Resource {
	t.Helper()
	r, err := FromJSON(kind, []byte(doc))
	if err != nil {
		t.Fatalf("stored document: %v", err)
	}
	return r
}

func text(t testing.TB, r *Resource) string {
	t.Helper()
	return string(JSON(r))
}

// patchOp is the body of a PATCH with operations.
func patchOp(operations ...string) []byte {
	return []byte(`{"schemas":["` + URNPatchOp + `"],"Operations":[` + strings.Join(operations, ",") + `]}`)
}

func apply(kind *ResourceType, current *Resource, l Leniency, operations ...string) (*Resource, bool, error) {
	p, err := ParsePatch(kind, patchOp(operations...), l)
	if err != nil {
		return nil, false, err
	}
	return p.Apply(current)
}

// want checks status and scimType of an error.
func want(t testing.TB, err error, status int, kind ErrorType) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %d %s", err, status, kind)
	}
	if e.Status != status || e.Type != kind || e.Detail == "" {
		t.Fatalf("got %v, want %d %s", err, status, kind)
	}
}

// user is a JSON document of a user with more members.
func user(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"schemas":["` + URNUser + `"],"userName":"bjensen"` + members + `}`
}
