// Package session is `kubectl scim test`: it sends to a tenant what an identity provider sends, and
// reports how that was answered.
package session

import (
	"errors"
	"fmt"
	"strings"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// step is one request of a session, and what its answer must be. In its path and body stand
// placeholders, such as USERNAME and USER, for what is of this session alone.
type step struct {
	// what the identity provider does, for people.
	what string
	// method and path, which is below the base URL.
	method, path string
	// body is JSON; empty for none.
	body string
	// want are the statuses that it takes for success.
	want []int
	// keep is the placeholder that stands for the id in the answer from then on.
	keep string
	// check says what is wrong with the answer; nil for nothing to check.
	check func(answer map[string]any) error
}

// Placeholders.
const (
	// userName and groupName are the names of the user and the group of the session.
	userName  = "USERNAME"
	groupName = "GROUPNAME"
	// user and group are the ids that the server gives.
	user  = "USERID"
	group = "GROUPID"
)

const (
	coreUser   = `"urn:ietf:params:scim:schemas:core:2.0:User"`
	enterprise = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	coreGroup  = `"urn:ietf:params:scim:schemas:core:2.0:Group"`
)

// patch is the body of a PATCH with operations.
func patch(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// finds looks for something by a filter, as it stands in the URL, and must find so many.
func finds(what, path string, count int) step {
	return step{what: what, method: "GET", path: path, want: []int{200}, check: func(answer map[string]any) error {
		if total, _ := answer["totalResults"].(float64); int(total) != count {
			return fmt.Errorf("totalResults is %v, and must be %d", answer["totalResults"], count)
		}
		return nil
	}}
}

// reads reads the user, of whom an attribute must have a value.
func reads(what, attribute string, value any) step {
	return step{what: what, method: "GET", path: "/Users/" + user, want: []int{200}, check: func(answer map[string]any) error {
		if answer[attribute] != value {
			return fmt.Errorf("%s is %v, and must be %v", attribute, answer[attribute], value)
		}
		return nil
	}}
}

// lists reads something, whatever there is.
func lists(what, path string) step {
	return step{what: what, method: "GET", path: path, want: []int{200}}
}

// hasMembers reads the group, which must have so many members.
func hasMembers(count int) step {
	return step{what: "reads the group's members", method: "GET", path: "/Groups/" + group, want: []int{200}, check: func(answer map[string]any) error {
		if members, _ := answer["members"].([]any); len(members) != count {
			return fmt.Errorf("the group has %d members, and must have %d", len(members), count)
		}
		return nil
	}}
}

func creates(what, endpoint, body, keep string) step {
	return step{what: what, method: "POST", path: endpoint, body: body, want: []int{201}, keep: keep, check: hasID}
}

func hasID(answer map[string]any) error {
	if id, _ := answer["id"].(string); id == "" {
		return errors.New("the answer has no id")
	}
	return nil
}

func changes(what, path string, operations ...string) step {
	return step{what: what, method: "PATCH", path: path, body: patch(operations...), want: []int{200, 204}}
}

// replaces sends a whole document of the user.
func replaces(body string) step {
	return step{what: "replaces the user", method: "PUT", path: "/Users/" + user, body: body, want: []int{200}}
}

func deletes(what, path string) step {
	return step{what: what, method: "DELETE", path: path, want: []int{204}}
}

// cleanup is what is sent at the end, whatever has failed before: a session leaves nobody behind
// but a user whom the tenant keeps.
func cleanup() []step {
	return []step{deletes("takes the group away again", "/Groups/"+group), deletes("takes the user away again", "/Users/"+user)}
}

// leftovers look for what a session before has left behind, by the placeholders of its ids. That a client
// may not see groups, or is not let in, the session finds out.
func leftovers() map[string]step {
	return map[string]step{
		user:  {method: "GET", path: `/Users?filter=userName%20eq%20%22USERNAME%22`},
		group: {method: "GET", path: `/Groups?excludedAttributes=members&filter=displayName%20eq%20%22GROUPNAME%22`},
	}
}

// sessions are those of the identity providers, as they are known from their documents and sources.
// docs/identity-providers says what is known of each.
var sessions = map[scimv1alpha1.IdentityProvider]func() []step{
	scimv1alpha1.IdentityProviderEntra:     entra,
	scimv1alpha1.IdentityProviderOkta:      okta,
	scimv1alpha1.IdentityProviderJumpCloud: jumpCloud,
	scimv1alpha1.IdentityProviderOneLogin:  oneLogin,
	scimv1alpha1.IdentityProviderPingOne:   pingOne,
	scimv1alpha1.IdentityProviderAuthentik: authentik,
	scimv1alpha1.IdentityProviderKeycloak:  keycloak,
	scimv1alpha1.IdentityProviderGeneric:   generic,
}
