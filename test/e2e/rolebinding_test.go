package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// roleBinding gives a group of a tenant the role view in its namespace.
const roleBinding = `apiVersion: scim.kubescim.dev/v1alpha1
kind: ScimRoleBinding
metadata: {name: %s, namespace: %s}
spec:
  tenantRef: {name: %s}
  group: {displayName: %q}
  roleRef: {kind: ClusterRole, name: view}
  subject: {attribute: ExternalId, prefix: "okta:"}
`

// mayBindNothing lets somebody write ScimRoleBindings.
const mayBindNothing = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: binder, namespace: %[1]s}
rules: [{apiGroups: [scim.kubescim.dev], resources: [scimrolebindings], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: binder, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: binder}
subjects: [{kind: ServiceAccount, name: binder, namespace: %[1]s}]
`

// expectRolesOfGroups gives members of a group of Okta's a role in Kubernetes, and takes it from one who is deactivated.
func expectRolesOfGroups(ctx SpecContext, t *Tenant) {
	GinkgoHelper()
	var ids, subjects []string
	for range 2 {
		name, external := Unique("viewer")+"@okta.example.com", Unique("00u")
		ids = append(ids, t.Send(http.MethodPost, Users, fmt.Sprintf(oktaUser, name, name, external, Unique("1mz050nq"))).Has(http.StatusCreated).ID())
		subjects = append(subjects, "okta:"+external)
	}
	group := Unique("Viewers")
	t.Send(http.MethodPost, Groups, PlainGroup(group, ids...)).Has(http.StatusCreated)

	By("being somebody who may not bind the role")
	binder := NewPerson(t.Namespace, "binder")
	ApplyText(fmt.Sprintf(mayBindNothing, t.Namespace))
	manifest := func(name, group string) string {
		return fmt.Sprintf(roleBinding, name, t.Namespace, t.Name, group)
	}
	refused := MatchError(ContainSubstring("may not give others ClusterRole view in namespace " + t.Namespace))
	Eventually(func() error {
		_, err := binder.Kubectl(manifest("mine", group), "apply", "-f", "-")
		return err
	}).Should(refused)
	ApplyText(manifest("viewers", group))
	_, err := binder.Kubectl(manifest("viewers", "Another group"), "apply", "-f", "-")
	Expect(err).To(refused)

	WaitFor(t.Namespace, "condition=Ready", "scimrolebinding/viewers")
	// What kubectl says ends with another status than 0 when it is no.
	canI := func(subject string) string {
		answer, _ := RunKubectl("", "auth", "can-i", "get", "pods", "-n", t.Namespace, "--as="+subject)
		return strings.TrimSpace(answer)
	}
	for _, subject := range subjects {
		Eventually(func() string { return canI(subject) }).Should(Equal("yes"), subject)
	}
	t.Send(http.MethodPatch, Users+"/"+ids[0], Patch(`{"op":"replace","value":{"active":false}}`)).HasOneOf(http.StatusOK, http.StatusNoContent)
	began := time.Now()
	Eventually(func() (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: subjects[0], ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: t.Namespace, Verb: "get", Resource: "pods"},
		}}
		err := Cluster.Create(ctx, review)
		return review.Status.Allowed, err
	}).WithPolling(20 * time.Millisecond).Should(BeFalse())
	AddReportEntry(fmt.Sprintf("who was deactivated had the role for %s more", time.Since(began).Round(time.Millisecond)))
	Expect(canI(subjects[0])).NotTo(Equal("yes"))
	Expect(canI(subjects[1])).To(Equal("yes"))
	Kubectl("delete", "scimrolebinding", "-n", t.Namespace, "viewers")
	Eventually(func() string { return canI(subjects[1]) }).ShouldNot(Equal("yes"))
}
