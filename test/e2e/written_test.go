package e2e

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
)

const (
	users  = "/Users"
	groups = "/Groups"
)

// patch is the body of a PATCH.
func patch(operations ...string) string {
	return fmt.Sprintf(`{"schemas":[%q],"Operations":[%s]}`, urnPatch, strings.Join(operations, ","))
}

// wrote checks a write of a user three ways: what was answered, if there was a
// body; what the other replica reads; and what kubectl shows. It returns what
// the other replica reads.
func (t *tenant) wrote(r *response, id string, expected want) map[string]any {
	GinkgoHelper()
	return t.written(r, users, id, t.user(id), expected)
}

// wroteGroup is wrote for a group. The members are checked beside the rest.
func (t *tenant) wroteGroup(r *response, id string, expected want, members ...string) map[string]any {
	GinkgoHelper()
	resource := t.group(id)
	read := t.written(r, groups, id, resource, expected)
	Expect(values(dig(read, "members"))).To(consistOf(members), "members that the other replica reads")
	Expect(dig(resource, "spec/memberCount")).To(BeEquivalentTo(len(members)), "%v", resource)
	stored, _ := dig(resource, "spec/members").([]any)
	ids := []string{}
	for _, member := range stored {
		ids = append(ids, member.(string))
	}
	Expect(ids).To(consistOf(members), "members that kubectl shows")
	return read
}

func (t *tenant) written(r *response, endpoint, id string, resource map[string]any, expected want) map[string]any {
	GinkgoHelper()
	if len(r.body) > 0 {
		want{"id": id, "meta/version": r.header.Get("ETag")}.in(r.document, "the answer "+r.String())
		expected.in(r.document, "the answer "+r.String())
	}
	read := t.get(endpoint + "/" + id).has(http.StatusOK)
	context := fmt.Sprintf("what the other replica reads: %s\nafter %s", read, r)
	want{"id": id, "meta/version": read.header.Get("ETag"), "meta/resourceType": strings.TrimSuffix(endpoint[1:], "s")}.in(read.document, context)
	Expect(read.header.Get("ETag")).To(MatchRegexp(`^W/"\d+"$`), context)
	if tag := r.header.Get("ETag"); tag != "" {
		Expect(read.header.Get("ETag")).To(Equal(tag), context)
	}
	expected.in(read.document, context)

	Expect(resource).NotTo(BeNil(), "kubectl shows nothing for %s %s", endpoint, id)
	spec, _ := resource["spec"].(map[string]any)
	context = fmt.Sprintf("what kubectl shows: %v\nafter %s", spec, r)
	expected.in(spec, context)
	want{
		"tenantRef/name":   t.name,
		"meta/requestID":   r.header.Get("X-Request-Id"),
		"meta/keyID":       t.keyID,
		"meta/deletedTime": nil,
	}.in(spec, context)
	return read.document
}

// unchanged checks that a request succeeded and changed nothing.
func (t *tenant) unchanged(endpoint, id string, request func() *response) {
	GinkgoHelper()
	before := t.get(endpoint + "/" + id).has(http.StatusOK)
	r := request().hasOneOf(http.StatusOK, http.StatusNoContent)
	after := t.get(endpoint + "/" + id).has(http.StatusOK)
	Expect(after.document).To(Equal(before.document), "before and after %s", r)
	Expect(after.header.Get("ETag")).To(Equal(before.header.Get("ETag")), "before and after %s", r)
}

// deleted deletes a resource and checks that it is gone for SCIM.
func (t *tenant) deleted(endpoint, id string) {
	GinkgoHelper()
	t.send(http.MethodDelete, endpoint+"/"+id, "").has(http.StatusNoContent)
	t.get(endpoint+"/"+id).isError(http.StatusNotFound, "")
	t.get(filter(endpoint, "id eq %q", id)).isList(0)
	t.send(http.MethodDelete, endpoint+"/"+id, "").isError(http.StatusNotFound, "")
	t.send(http.MethodPatch, endpoint+"/"+id, patch(`{"op":"replace","path":"displayName","value":"nobody"}`)).
		isError(http.StatusNotFound, "")
}

// keptAsDeleted checks what kubectl shows of a user that the identity provider
// deleted.
func (t *tenant) keptAsDeleted(id string) {
	GinkgoHelper()
	want{
		"spec/active":           false,
		"spec/meta/deletedTime": Not(BeEmpty()),
		"metadata/labels":       HaveKeyWithValue("scim.kubescim.dev/deleted", "true"),
	}.in(t.user(id), "the deleted user "+id)
}

// found checks that a filter finds the one resource, on the other replica.
func (t *tenant) found(id, path string) map[string]any {
	GinkgoHelper()
	r := t.get(path)
	list := r.isList(1)
	Expect(list).To(HaveLen(1), r.String())
	Expect(list[0]["id"]).To(Equal(id), r.String())
	return list[0]
}

// values are the `value`s of a multi-valued attribute.
func values(attribute any) []string {
	list, _ := attribute.([]any)
	found := []string{}
	for _, element := range list {
		value, _ := dig(element, "value").(string)
		found = append(found, value)
	}
	return found
}

// consistOf is ConsistOf for strings, of which there may be none.
func consistOf(expected []string) types.GomegaMatcher {
	if len(expected) == 0 {
		return BeEmpty()
	}
	return ConsistOf(expected)
}
