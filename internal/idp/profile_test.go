package idp

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

const (
	enterprise = schema.URNEnterpriseUser
	patchHead  = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`
	groupNow   = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g","displayName":"Old","members":[{"value":"a"},{"value":"b"}]}`
	userNow    = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + enterprise + `"],"id":"u","externalId":"jyoung","userName":"Bob","active":true,` +
		`"emails":[{"value":"bob@example.com","type":"work","primary":true},{"value":"h@example.com","type":"home"}],"` + enterprise + `":{"manager":{"value":"271"}}}`
)

// exchange is what a provider sends, and what is to come of it.
type exchange struct {
	profile string
	group   bool
	post    string // the body of a POST or PUT, or
	patch   string // operations, or
	message string // the body of a PATCH as a whole, or
	filter  string // a filter that must match
	want    string // a part of the resource that comes of it, or "=" for no change
}

// The literal requests of the providers, each under its own profile.
func TestExchanges(t *testing.T) {
	for name, x := range map[string]exchange{
		"Entra creates a user": {profile: "Entra", post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
			"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1","active":true,"addresses":null,
			"emails":[{"primary":true,"type":"work","value":"Test_User_fd0ea19b@example.com"}],"meta":{"resourceType":"User"},"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[]}`,
			want: `"active":true,"emails":[{"value":"Test_User_fd0ea19b@example.com","type":"work","primary":true}],"meta"`},
		"Entra misspells the enterprise URN": {profile: "Entra", post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],"userName":"x","urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"department":"D"}}`,
			want: `"` + enterprise + `":{"department":"D"}`},
		"Entra deactivates":            {profile: "Entra", patch: `{"op":"Replace","path":"active","value":"False"}`, want: `"active":false`},
		"Entra deactivates, flag":      {profile: "Entra", patch: `{"op":"replace","path":"active","value":false}`, want: `"active":false`},
		"Entra changes two":            {profile: "Entra", patch: `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"updatedEmail@example.com"},{"op":"Replace","path":"name.familyName","value":"updatedFamilyName"}`, want: `"name":{"familyName":"updatedFamilyName"},"active":true,"emails":[{"value":"updatedEmail@example.com","type":"work","primary":true},{"value":"h@example.com","type":"home"}]`},
		"Entra adds a nickname":        {profile: "Entra", patch: `{"op":"Add","path":"nickName","value":"Babs"}`, want: `"nickName":"Babs"`},
		"Entra, dotted and URN keys":   {profile: "Entra", patch: `{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}`, want: `"name":{"familyName":"Unua","givenName":"Kkom"},"displayName":"Bjfe"`},
		"Entra creates an element":     {profile: "Entra", patch: `{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"1"}`, want: `"phoneNumbers":[{"value":"1","type":"mobile"}]`},
		"Entra creates by replace":     {profile: "Entra", patch: `{"op":"Replace","path":"addresses[type eq \"work\"].formatted","value":"x"}`, want: `"addresses":[{"formatted":"x","type":"work"}]`},
		"Entra creates a primary role": {profile: "Entra", patch: `{"op":"Add","path":"roles[primary eq \"True\"].display","value":"Admin"}`, want: `"roles":[{"display":"Admin","primary":true}]`},
		"Entra sends roles as strings": {profile: "Entra", patch: `{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"1\"}","primary":"True"}]}`, want: `"roles":[{"value":"{\"id\":\"1\"}","primary":true}]`},
		"Entra sets the manager":       {profile: "Entra", patch: `{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"272"}`, want: `"manager":{"value":"272"}`},
		"Entra sets it by an array":    {profile: "Entra", patch: `{"op":"Add","path":"manager","value":[{"$ref":"r","value":"272"}]}`, want: `"manager":{"value":"272","$ref":"r"}`},
		"Entra clears the manager":     {profile: "Entra", patch: `{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":""}`, want: `"emails":[{"value":"bob@example.com","type":"work","primary":true},{"value":"h@example.com","type":"home"}],"meta"`},
		"Entra removes the manager":    {profile: "Entra", patch: `{"op":"Remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}`, want: `"type":"home"}],"meta"`},
		"Entra removes it by a filter": {profile: "Entra", patch: `{"op":"Remove","path":"manager[value eq \"271\"]"}`, want: `"type":"home"}],"meta"`},
		"Entra matches":                {profile: "Entra", filter: `emails[type eq "work"].value eq "BOB@example.com"`},
		"Entra matches without quotes": {profile: "Entra", filter: `externalId eq jyoung`},
		"Entra checks a manager":       {profile: "Entra", filter: `id eq "u" and manager eq "271"`},
		"Entra checks a member":        {profile: "Entra", group: true, filter: `id eq "g" and members eq "a"`},
		"Entra creates a group":        {profile: "Entra", group: true, post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0","displayName":"displayName","meta":{"resourceType":"Group"}}`, want: `"externalId":"8aa1a0c0","displayName":"displayName"`},
		"Entra adds a member":          {profile: "Entra", group: true, patch: `{"op":"Add","path":"members","value":[{"$ref":null,"value":"f648f8d5ea4e4cd38e9c"}]}`, want: `"members":[{"value":"a"},{"value":"b"},{"value":"f648f8d5ea4e4cd38e9c"}]`},
		"Entra removes a member":       {profile: "Entra", group: true, patch: `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"a"}]}`, want: `"members":[{"value":"b"}]`},
		"Entra removes a member, flag": {profile: "Entra", group: true, patch: `{"op":"remove","path":"members[value eq \"a\"]"}`, want: `"members":[{"value":"b"}]`},
		"Entra removes a deleted user": {profile: "Entra", group: true, patch: `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"zz"}]}`, want: `=`},
		"Okta creates a user": {profile: "Okta", post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"test.user@example.com","name":{"givenName":"Test","familyName":"User"},
			"emails":[{"primary":true,"value":"test.user@example.com","type":"work"}],"displayName":"Test User","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}`,
			want: `"locale":"en-US","active":true,"emails"`},
		"Okta deactivates":               {profile: "Okta", patch: `{"op":"replace","value":{"active":false}}`, want: `"active":false`},
		"Okta renames a group":           {profile: "Okta", group: true, patch: `{"op":"replace","value":{"id":"abf4dd94","displayName":"Test SCIMv2"}}`, want: `"id":"g","displayName":"Test SCIMv2"`},
		"Okta exchanges a member":        {profile: "Okta", group: true, patch: `{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"c","display":"test.user@example.com"}]}`, want: `"members":[{"value":"b"},{"value":"c"}]`},
		"Okta pushes now":                {profile: "Okta", group: true, patch: `{"op":"replace","path":"members","value":[{"value":"c","display":"x"},{"value":"a","display":"y"}]}`, want: `"members":[{"value":"c"},{"value":"a"}]`},
		"Okta empties a group":           {profile: "Okta", group: true, patch: `{"op":"replace","path":"members","value":[]}`, want: `"displayName":"Old","meta"`},
		"OneLogin's template":            {profile: "OneLogin", post: `{"schemas":["urn:scim:schemas:core:1.0"],"id":null,"userName":"x","active":"true","urn:scim:schemas:extension:enterprise:1.0":{"manager":{"managerId":"271"}},"custom":"y"}`, want: `"userName":"x","active":true,"` + enterprise + `":{"manager":{"value":"271"}}`},
		"OneLogin's template of a draft": {profile: "OneLogin", post: `{"schemas":["urn:scim:schemas:core:2.0","urn:scim:schemas:extension:enterprise:2.0"],"userName":"x","urn:scim:schemas:extension:enterprise:2.0":{"department":"Sales"}}`, want: `"` + enterprise + `":{"department":"Sales"}`},
		"OneLogin without schemas":       {profile: "OneLogin", post: `{"userName":"x","emails":{"value":"e"}}`, want: `"emails":[{"value":"e"}]`},
		"JumpCloud removes a member":     {profile: "JumpCloud", group: true, patch: `{"op":"remove","path":"members","value":[{"value":"a"}]}`, want: `"members":[{"value":"b"}]`},
		"PingOne's filter":               {profile: "PingOne", filter: `username Eq "bob"`},
		"PingFederate's filter":          {profile: "PingOne", filter: `userName eq bob`},
		"PingFederate's other filter":    {profile: "PingOne", filter: `emails eq bob@example.com`},
		"authentik's filter":             {profile: "Authentik", filter: `userName eq bob`},
		"authentik adds a member":        {profile: "Authentik", group: true, message: `{"Operations":[{"op":"add","path":"members","value":[{"value":"c"}]}]}`, want: `"members":[{"value":"a"},{"value":"b"},{"value":"c"}]`},
		"authentik removes a member":     {profile: "Authentik", group: true, message: `{"Operations":[{"op":"remove","path":"members","value":[{"value":"a"}]}]}`, want: `"members":[{"value":"b"}]`},
		"authentik creates a user":       {profile: "Authentik", post: `{"userName":"x","active":true,"emails":[{"value":"x@example.com","type":"other","primary":true}]}`, want: `"emails":[{"value":"x@example.com","type":"other","primary":true}]`},
		"authentik renames a group":      {profile: "Authentik", group: true, message: `{"Operations":[{"op":"replace","value":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"x","displayName":"New"}}]}`, want: `"id":"g","displayName":"New"`},
		"Keycloak deactivates":           {profile: "Keycloak", patch: `{"op":"replace","path":"active","value":"false"}`, want: `"active":false`},
		"Keycloak empties a group":       {profile: "Keycloak", group: true, patch: `{"op":"remove","path":"members"}`, want: `"displayName":"Old","meta"`},
		"Keycloak replaces members":      {profile: "Keycloak", group: true, patch: `{"op":"replace","path":"members","value":[{"value":"a"}]}`, want: `"members":[{"value":"a"}]`},
		"Generic removes only a member":  {profile: "Generic", group: true, patch: `{"op":"Remove","path":"members","value":[{"value":"a"}]}`, want: `"members":[{"value":"b"}]`},
	} {
		t.Run(name, func(t *testing.T) { x.run(t) })
	}
}

func (x exchange) run(t *testing.T) {
	p, ok := Lookup(x.profile)
	registry, err := schema.NewRegistry()
	if !ok || err != nil {
		t.Fatal(x.profile, err)
	}
	kind, now := registry.User(), userNow
	if x.group {
		kind, now = registry.Group(), groupNow
	}
	current, err := decode.FromJSON(kind, []byte(now))
	if err != nil {
		t.Fatal(err)
	}
	var got *scim.Resource
	switch {
	case x.post != "":
		got, err = document.Decode(kind, []byte(x.post), p.Leniency)
	case x.patch != "" || x.message != "":
		if x.message == "" {
			x.message = patchHead + x.patch + `]}`
		}
		var change *patch.Patch
		if change, err = patch.Parse(kind, []byte(x.message), p.Leniency); err != nil {
			break
		}
		var changed bool
		got, changed, err = change.Apply(current)
		if changed == (x.want == "=") {
			t.Errorf("changed is %v", changed)
		}
	default:
		var f *filter.Filter
		if f, err = filter.Parse(kind, x.filter, p.Leniency); err == nil && !f.Match(current) {
			t.Error("no match")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if got == nil || x.want == "=" {
		return
	}
	if doc := string(render.JSON(got)); !strings.Contains(doc, x.want) {
		t.Errorf("got  %s\nwant %s", doc, x.want)
	}
}

// Generic refuses what a client that keeps to the RFC does not send.
func TestGenericRefuses(t *testing.T) {
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	l := generic.Leniency
	for _, doc := range []string{`{"userName":"x"}`, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"x","nope":1}`,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:example:nope"],"userName":"x"}`, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"x","active":"true"}`} {
		if _, err := document.Decode(registry.User(), []byte(doc), l); err == nil {
			t.Error("accepted", doc)
		}
	}
	for _, op := range []string{`{"op":"replace","path":"active","value":"False"}`, `{"op":"replace","value":{"name.nope":"x"}}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"1"}`} {
		if _, err := patch.Parse(registry.User(), []byte(patchHead+op+`]}`), l); err == nil {
			t.Error("accepted", op)
		}
	}
	if _, err := filter.Parse(registry.User(), `userName eq x`, l); err == nil {
		t.Error("accepted a word without quotes")
	}
}

// No profile answers success to a value that it then loses: a name that means an
// attribute is understood by all of them.
func TestEveryProfileUnderstandsNames(t *testing.T) {
	for _, p := range Profiles() {
		for op, want := range map[string]string{
			`{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}`: `"name":{"familyName":"Unua","givenName":"Kkom"},"displayName":"Bjfe"`,
			`{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User:title":"Tour Guide"}}`:                                                                                          `"title":"Tour Guide"`,
			`{"op":"replace","value":{"emails[type eq \"home\"].value":"new@example.com"}}`:                                                                                                       `{"value":"new@example.com","type":"home"}`,
			`{"op":"replace","value":{"department":"Tours"}}`:                                                                                                                                     `"department":"Tours"`,
			`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department","value":"Sales"}`:                                                                         `"department":"Sales"`,
			`{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"title":"Tour Guide"}}}`:                                                                                      `"title":"Tour Guide"`,
			`{"op":"replace","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager.value":"272"}}}`:                                                                     `"manager":{"value":"272"}`,
		} {
			exchange{profile: p.Name, patch: op, want: want}.run(t)
		}
		for member, want := range map[string]string{
			`"name.givenName":"Kkom"`: `"name":{"givenName":"Kkom"}`, `"Department":"Sales"`: `"department":"Sales"`,
			`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"`: `"employeeNumber":"Aklq"`,
			`"urn:ietf:params:scim:schemas:core:2.0:User":{"title":"Tour Guide"}`:                `"title":"Tour Guide"`,
		} {
			exchange{profile: p.Name, post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"x",` + member + `}`, want: want}.run(t)
		}
	}
}

func TestProfiles(t *testing.T) {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
		if got, ok := Lookup(p.Name); !ok || got != p {
			t.Error(p.Name)
		}
		// Whoever is lenient, a remove never takes away more than it names.
		if !p.Leniency.RemoveValues || !p.Leniency.OperationCase {
			t.Error(p.Name, "lacks what is harmless")
		}
		if p.PatchAnswersNoContent != (p.Name == "Entra") {
			t.Error(p.Name)
		}
	}
	if got := strings.Join(names, " "); got != "Entra Okta JumpCloud OneLogin PingOne Authentik Keycloak Generic" {
		t.Error(got)
	}
	if _, ok := Lookup("Nope"); ok {
		t.Error("found")
	}
	Profiles()[0].Name = "changed"
	if _, ok := Lookup("Entra"); !ok {
		t.Error("the list is shared")
	}
}
