package scimtest

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Wrote checks a write of a user three ways: what was answered, if there was a
// body; what the other replica reads; and what kubectl shows. It returns what
// the other replica reads.
func (t *Tenant) Wrote(r *Response, id string, expected Want) map[string]any {
	GinkgoHelper()
	return t.written(r, Users, id, t.User(id), expected)
}

// WroteGroup is wrote for a group. The members are checked beside the rest.
func (t *Tenant) WroteGroup(r *Response, id string, expected Want, members ...string) map[string]any {
	GinkgoHelper()
	resource := t.Group(id)
	read := t.written(r, Groups, id, resource, expected)
	Expect(Values(Dig(read, "members"))).To(consistOf(members), "members that the other replica reads")
	Expect(Dig(resource, "spec/memberCount")).To(BeEquivalentTo(len(members)), "%v", resource)
	stored, _ := Dig(resource, "spec/members").([]any)
	ids := []string{}
	for _, member := range stored {
		ids = append(ids, member.(string))
	}
	Expect(ids).To(consistOf(members), "members that kubectl shows")
	return read
}

func (t *Tenant) written(r *Response, endpoint, id string, resource map[string]any, expected Want) map[string]any {
	GinkgoHelper()
	if len(r.Body) > 0 {
		Want{"id": id, "meta/version": r.Header.Get("ETag")}.In(r.Document, "the answer "+r.String())
		expected.In(r.Document, "the answer "+r.String())
	}
	read := t.Get(endpoint + "/" + id).Has(http.StatusOK)
	context := fmt.Sprintf("what the other replica reads: %s\nafter %s", read, r)
	Want{"id": id, "meta/version": read.Header.Get("ETag"), "meta/resourceType": strings.TrimSuffix(endpoint[1:], "s")}.In(read.Document, context)
	Expect(read.Header.Get("ETag")).To(MatchRegexp(`^W/"\d+-[0-9a-z]+"$`), context)
	if tag := r.Header.Get("ETag"); tag != "" {
		Expect(read.Header.Get("ETag")).To(Equal(tag), context)
	}
	expected.In(read.Document, context)

	Expect(resource).NotTo(BeNil(), "kubectl shows nothing for %s %s", endpoint, id)
	spec, _ := resource["spec"].(map[string]any)
	context = fmt.Sprintf("what kubectl shows: %v\nafter %s", spec, r)
	expected.In(spec, context)
	Want{
		"tenantRef/name":   t.Name,
		"meta/requestID":   r.Header.Get("X-Request-Id"),
		"meta/keyID":       t.KeyID,
		"meta/deletedTime": nil,
	}.In(spec, context)
	return read.Document
}

// Unchanged checks that a request succeeded and changed nothing.
func (t *Tenant) Unchanged(endpoint, id string, request func() *Response) {
	GinkgoHelper()
	before := t.Get(endpoint + "/" + id).Has(http.StatusOK)
	r := request().HasOneOf(http.StatusOK, http.StatusNoContent)
	after := t.Get(endpoint + "/" + id).Has(http.StatusOK)
	Expect(after.Document).To(Equal(before.Document), "before and after %s", r)
	Expect(after.Header.Get("ETag")).To(Equal(before.Header.Get("ETag")), "before and after %s", r)
}

// Deleted deletes a resource and checks that it is gone for SCIM.
func (t *Tenant) Deleted(endpoint, id string) {
	GinkgoHelper()
	t.Send(http.MethodDelete, endpoint+"/"+id, "").Has(http.StatusNoContent)
	t.Get(endpoint+"/"+id).IsError(http.StatusNotFound, "")
	t.Get(Filter(endpoint, "id eq %q", id)).IsList(0)
	t.Send(http.MethodDelete, endpoint+"/"+id, "").IsError(http.StatusNotFound, "")
	t.Send(http.MethodPatch, endpoint+"/"+id, Patch(`{"op":"replace","path":"displayName","value":"nobody"}`)).
		IsError(http.StatusNotFound, "")
}

// KeptAsDeleted checks what kubectl shows of a user that the identity provider
// deleted.
func (t *Tenant) KeptAsDeleted(id string) {
	GinkgoHelper()
	Want{
		"spec/active":           false,
		"spec/meta/deletedTime": Not(BeEmpty()),
		"metadata/labels":       HaveKeyWithValue("scim.kubescim.dev/deleted", "true"),
	}.In(t.User(id), "the deleted user "+id)
}

// IsMarker checks that a group was deleted for good, and that all that is left of it is a marker.
func (t *Tenant) IsMarker(group string) {
	GinkgoHelper()
	Want{
		"spec/displayName":      "deleted-" + group,
		"spec/memberCount":      0,
		"spec/members":          nil,
		"spec/meta/deletedTime": Not(BeEmpty()),
		"metadata/annotations":  HaveKey(scimv1alpha1.AnnotationMarker),
	}.In(t.Group(group), "the marker "+group)
}

// Found checks that a filter finds the one resource, on the other replica.
func (t *Tenant) Found(id, path string) map[string]any {
	GinkgoHelper()
	r := t.Get(path)
	list := r.IsList(1)
	Expect(list).To(HaveLen(1), r.String())
	Expect(list[0]["id"]).To(Equal(id), r.String())
	return list[0]
}

// Values are the `value`s of a multi-valued attribute.
func Values(attribute any) []string {
	list, _ := attribute.([]any)
	found := []string{}
	for _, element := range list {
		value, _ := Dig(element, "value").(string)
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
