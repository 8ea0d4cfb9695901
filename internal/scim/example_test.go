package scim_test

import (
	"errors"
	"fmt"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// A user is created, changed, and rendered.
func Example() {
	registry, err := schema.NewRegistry()
	if err != nil {
		fmt.Println(err)
		return
	}
	users := registry.User()
	user, err := document.Decode(users, []byte(`{
		"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
		"USERNAME": "bjensen@example.com", "password": "t1meMa$heen"}`), scim.Leniency{})
	if err != nil {
		fmt.Println(err)
		return
	}
	user.SetID("2819c223")
	patch, err := patch.Parse(users, []byte(`{
		"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
		"Operations": [{"op": "add", "path": "name.givenName", "value": "Barbara"}]}`), scim.Leniency{})
	if err != nil {
		fmt.Println(err)
		return
	}
	user, changed, err := patch.Apply(user)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := render.Resource(users, user, nil, "https://scim.example.com/v2")
	fmt.Println(changed, err)
	fmt.Println(string(body))
	// Output:
	// true <nil>
	// {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"2819c223","userName":"bjensen@example.com","name":{"givenName":"Barbara"},"meta":{"resourceType":"User","location":"https://scim.example.com/v2/Users/2819c223"}}
}

// What a client did wrong is an *Error, ready to be the body of an answer.
func ExampleError() {
	registry, _ := schema.NewRegistry()
	_, err := filter.Parse(registry.User(), `userName equals "bjensen"`, scim.Leniency{})
	var e *scim.Error
	if errors.As(err, &e) {
		body, _ := e.MarshalJSON()
		fmt.Println(string(body))
	}
	// Output:
	// {"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"invalidFilter","detail":"filter, position 10: an operator should be here: eq ne co sw ew gt ge lt le pr","status":"400"}
}

// A tenant's own attributes come as a schema.
func ExampleNewRegistry() {
	registry, _ := schema.NewRegistry(&schema.Schema{
		ID:         "urn:example:params:scim:schemas:extension:acme:2.0:User",
		Attributes: []*schema.Attribute{{Name: "badge", Type: schema.TypeInteger}},
	})
	_, err := filter.Parse(registry.User(), `urn:example:params:scim:schemas:extension:acme:2.0:User:badge gt 17`, scim.Leniency{})
	fmt.Println(err)
	// Output: <nil>
}
