package idp

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

const patchSchemas = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`

// The whole bodies of clients whose source is public, in every form that it has had, under
// their own profiles. Nothing is added that they do not send.
func TestLiteralBodies(t *testing.T) {
	for name, x := range map[string]struct {
		profile     string
		group       bool
		post, patch string
		want        string // a part of the resource that comes of it
	}{
		"authentik creates a user": {profile: "Authentik", post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jensen","name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},"displayName":"Barbara Jensen","locale":null,"active":true,
			"emails":[{"value":"jensen@example.com","type":"other","primary":true}],"photos":null,"externalId":"7d5a04b0"}`,
			want: `"active":true,"emails":[{"value":"jensen@example.com","type":"other","primary":true}]`},
		// Up to 2023.10, and for the PATCH of a group still, members with their default value were left out.
		"authentik creates a user without schemas": {profile: "Authentik", post: `{"userName":"jensen","name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},"active":true,
			"emails":[{"value":"jensen@example.com","type":"other","primary":true}],"externalId":"7d5a04b0"}`, want: `"active":true,"emails":[{"value":"jensen@example.com","type":"other","primary":true}]`},
		"authentik creates a group without schemas": {profile: "Authentik", group: true, post: `{"externalId":"5f2b","displayName":"New"}`, want: `"externalId":"5f2b","displayName":"New"`},
		"authentik renames a group":                 {profile: "Authentik", group: true, patch: `{"Operations":[{"op":"replace","value":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g","externalId":"5f2b","displayName":"New"}}]}`, want: `"id":"g","externalId":"5f2b","displayName":"New"`},
		"authentik renames a group, path null":      {profile: "Authentik", group: true, patch: `{"Operations":[{"op":"replace","path":null,"value":{"id":"g","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"New"}}]}`, want: `"id":"g","displayName":"New"`},
		"authentik creates a group":                 {profile: "Authentik", group: true, post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"5f2b","displayName":"New"}`, want: `"externalId":"5f2b","displayName":"New"`},
		"authentik adds members":                    {profile: "Authentik", group: true, patch: `{` + patchSchemas + `,"Operations":[{"op":"add","path":"members","value":[{"value":"c"}]},{"op":"add","path":"members","value":[{"value":"d"}]}]}`, want: `"members":[{"value":"a"},{"value":"b"},{"value":"c"},{"value":"d"}]`},
		"authentik removes members":                 {profile: "Authentik", group: true, patch: `{` + patchSchemas + `,"Operations":[{"op":"remove","path":"members","value":[{"value":"a"}]}]}`, want: `"members":[{"value":"b"}]`},
		"authentik removes members by a filter": {profile: "Authentik", group: true, patch: `{` + patchSchemas + `,"Operations":[{"op":"remove","path":"members[value eq \"a\"]","value":null}]}`,
			want: `"members":[{"value":"b"}]`},
		"authentik in its mode for AWS": {profile: "Authentik", group: true, patch: `{` + patchSchemas + `,"Operations":[{"op":"replace","path":"displayName","value":"New"},{"op":"replace","path":"externalId","value":"5f2b"}]}`, want: `"id":"g","externalId":"5f2b","displayName":"New"`},
		"Keycloak creates a user": {profile: "Keycloak", post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"f1c4","userName":"jensen","name":{"familyName":"Jensen","givenName":"Barbara"},"displayName":"Barbara Jensen","active":true,
			"emails":[{"value":"jensen@example.com"}],"roles":[]}`, want: `"active":true,"emails":[{"value":"jensen@example.com"}]`},
		"Keycloak replaces a user": {profile: "Keycloak", post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u","externalId":"f1c4","userName":"jensen","active":true,"emails":[{"value":"jensen@example.com"}],
			"roles":[{"value":"guide"}],"meta":{"location":"Users/u"}}`, want: `"roles":[{"value":"guide"}]`},
		"Keycloak replaces a group": {profile: "Keycloak", group: true, post: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g","externalId":"9a1e","displayName":"Old",
			"members":[{"value":"a","type":"User","$ref":"Users/a"}],"meta":{"location":"Groups/g"}}`, want: `"members":[{"value":"a","type":"User"}]`},
		"Keycloak patches a user":         {profile: "Keycloak", patch: `{` + patchSchemas + `,"Operations":[{"path":"active","op":"replace","value":"false"},{"path":"userName","op":"replace","value":"rob"},{"path":"displayName","op":"replace","value":"Rob"}]}`, want: `"userName":"rob","displayName":"Rob","active":false`},
		"Keycloak, values in arrays":      {profile: "Keycloak", patch: `{` + patchSchemas + `,"Operations":[{"path":"active","op":"replace","value":["false"]},{"path":"userName","op":"replace","value":["rob"]},{"path":"displayName","op":"replace","value":["Rob"]}]}`, want: `"userName":"rob","displayName":"Rob","active":false`},
		"Keycloak patches a group":        {profile: "Keycloak", group: true, patch: `{` + patchSchemas + `,"Operations":[{"path":"members","op":"replace","value":[{"value":"c","type":"User"}]},{"path":"displayName","op":"replace","value":"New"},{"path":"externalId","op":"replace","value":"9a1e"}]}`, want: `"externalId":"9a1e","displayName":"New","members":[{"value":"c","type":"User"}]`},
		"Keycloak patches an empty group": {profile: "Keycloak", group: true, patch: `{` + patchSchemas + `,"Operations":[{"path":"members","op":"remove"},{"path":"displayName","op":"replace","value":"New"},{"path":"externalId","op":"replace","value":"9a1e"}]}`, want: `"externalId":"9a1e","displayName":"New","meta"`},
	} {
		t.Run(name, func(t *testing.T) {
			profile, known := Lookup(x.profile)
			registry, err := schema.NewRegistry()
			if err != nil || !known {
				t.Fatal(x.profile, err)
			}
			kind, now := registry.User(), userNow
			if x.group {
				kind, now = registry.Group(), groupNow
			}
			got, err := takes(kind, now, x.post, x.patch, profile.Leniency)
			if err != nil {
				t.Fatal(err)
			}
			if doc := string(render.JSON(got)); !strings.Contains(doc, x.want) {
				t.Errorf("got  %s\nwant %s", doc, x.want)
			}
		})
	}
}

// takes returns what comes of the body of a POST or PUT, or else of a PATCH of what is
// there now.
func takes(kind *schema.ResourceType, now, post, change string, l scim.Leniency) (*scim.Resource, error) {
	if post != "" {
		return document.Decode(kind, []byte(post), l)
	}
	current, err := decode.FromJSON(kind, []byte(now))
	if err != nil {
		return nil, err
	}
	operations, err := patch.Parse(kind, []byte(change), l)
	if err != nil {
		return nil, err
	}
	changed, _, err := operations.Apply(current)
	return changed, err
}
