package scim_test

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
)

// No error text ever has a value that the client sent.
func TestErrorsKeepSecrets(t *testing.T) {
	for _, doc := range []string{
		scimtest.User(`"password":["hunter2"]`), scimtest.User(`"password":{"hunter2":1}`), scimtest.User(`"password":"hunter2","PASSWORD":"hunter2"`),
		scimtest.User(`"password":"hunter2\u0000"`), scimtest.User(`"password":"hunter2`), scimtest.User(`"active":"hunter2"`),
	} {
		_, err := document.Decode(scimtest.UserType, []byte(doc), scimtest.Strict)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", doc, err)
		}
	}
	_, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(`{"op":"replace","path":"password","value":["hunter2"]}`), scimtest.Strict)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestErrorBody(t *testing.T) {
	if got, wanted := scimtest.Marshalled(t, scim.Errorf(409, scim.Uniqueness, "%q is taken", "userName")),
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","detail":"\"userName\" is taken","status":"409"}`; got != wanted {
		t.Error(got)
	}
	if got, wanted := scimtest.Marshalled(t, scim.Errorf(404, "", "")), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404"}`; got != wanted {
		t.Error(got)
	}
	if got, wanted := scimtest.Marshalled(t, scim.Forbidden(scim.SeatsTaken, "all are taken")),
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"all are taken","status":"403"}`; got != wanted {
		t.Error("the reason is for logs alone:", got)
	}
	if s := scim.Errorf(404, "", "x").Error(); s != "404: x" {
		t.Error(s)
	}
	if s := scim.Errorf(400, scim.NoTarget, "x").Error(); s != "400 noTarget: x" {
		t.Error(s)
	}
}
