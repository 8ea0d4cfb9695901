package codec

import (
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec/codectest"
)

var registry = func() *schema.Registry {
	registry, err := schema.NewRegistry()
	if err != nil {
		panic(err)
	}
	return registry
}()

// A spec's field names are the RFC's, so that its JSON tells which attributes it has.
func TestEveryFieldIsAnAttribute(t *testing.T) {
	g := NewWithT(t)
	spec := codectest.EveryField()
	doc, err := json.Marshal(spec)
	g.Expect(err).NotTo(HaveOccurred())
	var want scim.Complex
	g.Expect(json.Unmarshal([]byte(strings.ReplaceAll(string(doc), `"ref":`, `"$ref":`)), &want)).To(Succeed())
	want[schema.URNEnterpriseUser] = want["enterprise"]
	delete(want, "enterprise")

	user := decodeUser(registry.User(), spec)
	g.Expect(user.Attributes()).To(Equal(want))
	written, err := encodeUser(user, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(written).To(Equal(spec))
	g.Expect(user.Attributes()).To(Equal(want), "writing a user changes it not")
}

func TestEveryAttributeHasAField(t *testing.T) {
	g := NewWithT(t)
	user := decodeUser(registry.User(), codectest.EveryField()).Attributes()
	for _, attribute := range registry.User().Schema.Attributes {
		if attribute.Name != "groups" && attribute.Name != "password" {
			g.Expect(user).To(HaveKey(attribute.Name))
		}
	}
}

func TestNoAttributeIsLost(t *testing.T) {
	for name, c := range map[string]struct{ attributes, want string }{
		"unknown":             {`{"userName":"babs","shoeSize":"41"}`, `no field for ["shoeSize"]`},
		"unknown part":        {`{"name":{"shoe":"41","givenName":"Babs"}}`, `in "name": a ScimUser has no field for ["shoe"]`},
		"unknown in a list":   {`{"emails":[{"value":"babs@example.com"},{"shoe":"41"}]}`, `in "emails": a ScimUser has no field for ["shoe"]`},
		"unknown extension":   {`{"urn:example:badge":{"number":"7"}}`, `no field for ["urn:example:badge"]`},
		"unknown in manager":  {`{"` + schema.URNEnterpriseUser + `":{"manager":{"shoe":"41"}}}`, `in "manager": a ScimUser has no field for ["shoe"]`},
		"unknown enterprise":  {`{"` + schema.URNEnterpriseUser + `":{"shoe":"41"}}`, `no field for ["shoe"]`},
		"text that is none":   {`{"title":true}`, `"title" is a bool, where a ScimUser has a string`},
		"flag that is none":   {`{"active":"yes"}`, `"active" is a string, where a ScimUser has a bool`},
		"name that is none":   {`{"userName":7}`, `"userName" is a float64, where a ScimUser has a string`},
		"list that is none":   {`{"roles":"x"}`, `"roles" is a string, where a ScimUser has a []interface {}`},
		"element that is not": {`{"addresses":["x"]}`, `a value of "addresses" is a string and no complex value`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var attributes scim.Complex
			g.Expect(json.Unmarshal([]byte(c.attributes), &attributes)).To(Succeed())
			_, err := encodeUser(scim.NewResource(registry.User(), attributes), nil)
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
		})
	}
}

func TestWhatIsUnassignedIsNotWritten(t *testing.T) {
	g := NewWithT(t)
	written, err := encodeUser(scim.NewResource(registry.User(), scim.Complex{
		"id": "1", "userName": "babs", "title": nil, "shoeSize": nil, "name": nil, "emails": nil, "groups": []any{},
		"roles": []any{scim.Complex{"value": "admin", "display": nil}},
	}), nil)
	g.Expect(err).NotTo(HaveOccurred())
	doc, err := json.Marshal(written)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(doc).To(MatchJSON(`{"userName":"babs","roles":[{"value":"admin"}]}`))
}
