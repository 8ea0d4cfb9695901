package decode_test

import (
	"reflect"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestExtensionFromJSON(t *testing.T) {
	got, err := decode.ExtensionFromJSON(scimtest.UserType, scimtest.URNTest, []byte(`{"badge":7,"height":1e2,"tags":[],"clearance":"x","sites":[{"name":"North"}]}`))
	want := scim.Complex{"badge": int64(7), "height": 100.0, "clearance": "x", "sites": []any{scim.Complex{"name": "North"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := decode.ExtensionFromJSON(scimtest.UserType, scimtest.URNTest, []byte(`{}`)); err != nil || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for urn, doc := range map[string]string{"urn:example:none": `{}`, schema.URNUser: `{"userName":"b"}`, scimtest.URNTest: `{"badge":"7"}`} {
		if _, err := decode.ExtensionFromJSON(scimtest.UserType, urn, []byte(doc)); err == nil {
			t.Error("accepted", urn, doc)
		}
	}
	for _, doc := range []string{``, `null`, `[]`, `{"nope":1}`, `{"sites":[{"desk":"4"}]}`} {
		if _, err := decode.ExtensionFromJSON(scimtest.UserType, scimtest.URNTest, []byte(doc)); err == nil {
			t.Error("accepted", doc)
		}
	}
}
