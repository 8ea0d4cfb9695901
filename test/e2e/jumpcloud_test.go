package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("JumpCloud", func() {
	It("activates with a test user and a test group, which it deletes, and makes them again", func(ctx SpecContext) {
		t := Serve(ctx, "jumpcloud", scimv1alpha1.IdentityProviderJumpCloud)
		user := fmt.Sprintf(`{"schemas":[%q],"userName":"jumpcloud.test@example.com","externalId":"jc-1",
			"name":{"givenName":"JumpCloud","familyName":"Test"},"emails":[{"type":"work","primary":true,"value":"jumpcloud.test@example.com"}],
			"active":true}`, URNUser)
		group := fmt.Sprintf(`{"schemas":[%q],"displayName":"JumpCloud Test Group"}`, URNGroup)

		var ids []string
		for _, round := range []string{"activation", "activation again", "provisioning"} {
			By(round)
			r := t.Send(http.MethodPost, Users, user).Has(http.StatusCreated)
			id := r.ID()
			t.Wrote(r, id, Want{"userName": "jumpcloud.test@example.com", "active": true})
			ids = append(ids, id)

			r = t.Send(http.MethodPost, Groups, group).Has(http.StatusCreated)
			groupID := r.ID()
			t.WroteGroup(r, groupID, Want{"displayName": "JumpCloud Test Group"})
			member := fmt.Sprintf(`"path":"members","value":[{"value":%q}]}`, id)
			r = t.Send(http.MethodPatch, Groups+"/"+groupID, Patch(`{"op":"add",`+member)).HasOneOf(http.StatusOK, http.StatusNoContent)
			t.WroteGroup(r, groupID, Want{}, id)
			r = t.Send(http.MethodPatch, Groups+"/"+groupID, Patch(`{"op":"remove",`+member)).HasOneOf(http.StatusOK, http.StatusNoContent)
			t.WroteGroup(r, groupID, Want{})
			r = t.Send(http.MethodPatch, Groups+"/"+groupID, Patch(`{"op":"add",`+member)).HasOneOf(http.StatusOK, http.StatusNoContent)
			t.WroteGroup(r, groupID, Want{}, id)
			t.Found(groupID, Filter(Groups, `displayName eq "JumpCloud Test Group"`))

			if round == "provisioning" {
				break
			}
			t.Deleted(Users, id)
			t.KeptAsDeleted(id)
			t.Deleted(Groups, groupID)
			t.IsMarker(groupID)
			t.Get(Filter(Users, `userName eq "jumpcloud.test@example.com"`)).IsList(0)
		}
		Expect(ids).To(HaveEach(ids[0]), "the id of the user stays, since the deleted user was kept")
		Expect(KubectlList(t.Namespace, "scimusers")).To(HaveLen(1))
	})
})
