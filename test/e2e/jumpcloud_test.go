package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var _ = Describe("JumpCloud", func() {
	It("activates with a test user and a test group, which it deletes, and makes them again", func(ctx SpecContext) {
		t := serve(ctx, "jumpcloud", scimv1alpha1.IdentityProviderJumpCloud)
		user := fmt.Sprintf(`{"schemas":[%q],"userName":"jumpcloud.test@example.com","externalId":"jc-1",
			"name":{"givenName":"JumpCloud","familyName":"Test"},"emails":[{"type":"work","primary":true,"value":"jumpcloud.test@example.com"}],
			"active":true}`, urnUser)
		group := fmt.Sprintf(`{"schemas":[%q],"displayName":"JumpCloud Test Group"}`, urnGroup)

		var ids []string
		for _, round := range []string{"activation", "activation again", "provisioning"} {
			By(round)
			r := t.send(http.MethodPost, users, user).has(http.StatusCreated)
			id := r.id()
			t.wrote(r, id, want{"userName": "jumpcloud.test@example.com", "active": true})
			ids = append(ids, id)

			r = t.send(http.MethodPost, groups, group).has(http.StatusCreated)
			groupID := r.id()
			t.wroteGroup(r, groupID, want{"displayName": "JumpCloud Test Group"})
			member := fmt.Sprintf(`"path":"members","value":[{"value":%q}]}`, id)
			r = t.send(http.MethodPatch, groups+"/"+groupID, patch(`{"op":"add",`+member)).hasOneOf(http.StatusOK, http.StatusNoContent)
			t.wroteGroup(r, groupID, want{}, id)
			r = t.send(http.MethodPatch, groups+"/"+groupID, patch(`{"op":"remove",`+member)).hasOneOf(http.StatusOK, http.StatusNoContent)
			t.wroteGroup(r, groupID, want{})
			r = t.send(http.MethodPatch, groups+"/"+groupID, patch(`{"op":"add",`+member)).hasOneOf(http.StatusOK, http.StatusNoContent)
			t.wroteGroup(r, groupID, want{}, id)
			t.found(groupID, filter(groups, `displayName eq "JumpCloud Test Group"`))

			if round == "provisioning" {
				break
			}
			t.deleted(users, id)
			t.keptAsDeleted(id)
			t.deleted(groups, groupID)
			Expect(t.group(groupID)).To(BeNil())
			t.get(filter(users, `userName eq "jumpcloud.test@example.com"`)).isList(0)
		}
		Expect(ids).To(HaveEach(ids[0]), "the id of the user stays, since the deleted user was kept")
		Expect(kubectlList(t.namespace, "scimusers")).To(HaveLen(1))
	})
})
