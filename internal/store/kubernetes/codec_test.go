package kubernetes

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
)

// fill gives every field a value, and no two of them the same text.
func fill(value reflect.Value, path string) {
	switch value.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(value.Elem(), path)
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		for i := range 2 {
			fill(value.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Struct:
		for i := range value.NumField() {
			fill(value.Field(i), path+"."+value.Type().Field(i).Name)
		}
	case reflect.String:
		value.SetString(path)
	case reflect.Bool:
		value.SetBool(true)
	default:
		panic("a field of a kind that the test does not know: " + path)
	}
}

// everything is a spec with every field but what is not the user's own.
func everything() *v1alpha1.ScimUserSpec {
	spec := v1alpha1.ScimUserSpec{}
	value := reflect.ValueOf(&spec).Elem()
	for i := range value.NumField() {
		switch name := value.Type().Field(i).Name; name {
		case "TenantRef", "Meta", "Extensions":
		default:
			fill(value.Field(i), name)
		}
	}
	return &spec
}

// A spec's field names are the RFC's, so that its JSON tells which attributes it has.
func TestEveryFieldIsAnAttribute(t *testing.T) {
	g := NewWithT(t)
	spec := everything()
	doc, err := json.Marshal(spec)
	g.Expect(err).NotTo(HaveOccurred())
	var want scim.Complex
	g.Expect(json.Unmarshal([]byte(strings.ReplaceAll(string(doc), `"ref":`, `"$ref":`)), &want)).To(Succeed())
	want[scim.URNEnterpriseUser] = want["enterprise"]
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
	user := decodeUser(registry.User(), everything()).Attributes()
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
		"unknown in manager":  {`{"` + scim.URNEnterpriseUser + `":{"manager":{"shoe":"41"}}}`, `in "manager": a ScimUser has no field for ["shoe"]`},
		"unknown enterprise":  {`{"` + scim.URNEnterpriseUser + `":{"shoe":"41"}}`, `no field for ["shoe"]`},
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
