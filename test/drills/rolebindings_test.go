//go:build drills

package drills

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// addedAtOnce is how many members one request adds to a group.
	addedAtOnce = 1000
	// idleFor is for how long bindings of which nothing changes are looked at.
	idleFor = 30 * time.Second
)

// boundSizes are the numbers of members of the groups that are bound.
var boundSizes = []int{10, 1_000, 10_000}

var _ = Describe("Deactivating one member of a group that is bound", func() {
	It("takes the role within a second and two writes, whether the group has 10 members or 10,000", func(ctx SpecContext) {
		t := serveMany(ctx, "roles", scimv1alpha1.IdentityProviderOkta, Unlimited)
		users := CreateUsers(t.Service, slices.Max(boundSizes))
		var ids []string
		for id := range users {
			ids = append(ids, id)
		}
		for i, size := range boundSizes {
			name, members := fmt.Sprintf("group-of-%d", size), ids[:size]
			group := t.Send(http.MethodPost, Groups, PlainGroup(name, members[:min(size, addedAtOnce)]...)).Has(http.StatusCreated).ID()
			for more := range slices.Chunk(members[min(size, addedAtOnce):], addedAtOnce) {
				t.Send(http.MethodPatch, Groups+"/"+group+withoutMembers, Patch(fmt.Sprintf(`{"op":"add","path":"members","value":[%s]}`, values(more)))).
					HasOneOf(http.StatusOK, http.StatusNoContent)
			}
			began := time.Now()
			binding := &scimv1alpha1.ScimRoleBinding{}
			binding.Namespace, binding.Name = t.Namespace, name
			binding.Spec = scimv1alpha1.ScimRoleBindingSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: t.Name}, Group: scimv1alpha1.GroupSelector{ID: group},
				RoleRef: scimv1alpha1.BoundRoleReference{Kind: scimv1alpha1.BoundClusterRole, Name: "view"},
				Subject: scimv1alpha1.SubjectSpec{Attribute: scimv1alpha1.SubjectID, Prefix: name + ":"},
			}
			Expect(Cluster.Create(ctx, binding)).To(Succeed())
			subject := func(id string) string { return name + ":" + id }
			var bound *rbacv1.RoleBindingList
			Eventually(func() int {
				bound = &rbacv1.RoleBindingList{}
				Expect(Cluster.List(ctx, bound, client.InNamespace(t.Namespace), client.MatchingLabels{scimv1alpha1.LabelRoleBinding: name})).To(Succeed())
				count := 0
				for _, one := range bound.Items {
					count += len(one.Subjects)
				}
				return count
			}).WithTimeout(time.Minute).WithPolling(20 * time.Millisecond).Should(Equal(size))
			AddReportEntry(fmt.Sprintf("a group of %d: RoleBindings, and the time from the ScimRoleBinding until all have the role", size),
				fmt.Sprintf("%d, %s", len(bound.Items), time.Since(began).Round(time.Millisecond)))

			WaitFor(t.Namespace, "condition=Ready", "scimrolebinding/"+name)
			eventuallyMay(ctx, t.Namespace, subject(members[0]), true)
			before := requestsAboutBindings()
			Consistently(requestsAboutBindings).WithTimeout(idleFor/time.Duration(len(boundSizes))).WithPolling(time.Second).Should(Equal(before), "nothing has changed")

			leaver := members[size-1-i]
			t.Send(http.MethodPatch, Users+"/"+leaver, Patch(`{"op":"replace","value":{"active":false}}`)).HasOneOf(http.StatusOK, http.StatusNoContent)
			answered := time.Now()
			eventuallyMay(ctx, t.Namespace, subject(leaver), false)
			took := time.Since(answered)
			Expect(took).To(BeNumerically("<", time.Second))
			Expect(strings.TrimSpace(Shell(fmt.Sprintf("kubectl auth can-i get pods -n %s --as=%s || true", t.Namespace, subject(leaver))))).To(Equal("no"))
			last, after := before, before
			Eventually(func() bool { // Until no more come.
				last, after = after, requestsAboutBindings()
				return after != before && after == last
			}).WithTimeout(time.Minute).WithPolling(time.Second).Should(BeTrue())
			Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(binding), binding)).To(Succeed())
			Expect(binding.Status.Subjects).To(HaveValue(BeEquivalentTo(size - 1)))
			Expect(after.writes - before.writes).To(BeNumerically("<=", 2))
			Expect(after.reads-before.reads).To(BeNumerically("<=", 1), "of the ScimRoleBinding, while the operator's cache is behind what it has written")
			AddReportEntry(fmt.Sprintf("one of %d is deactivated: the time from the answer until the role is gone, and writes and reads at the API server for that", size),
				fmt.Sprintf("%s, %d, %d", took.Round(time.Millisecond), after.writes-before.writes, after.reads-before.reads))
			t.Send(http.MethodPatch, Users+"/"+leaver, Patch(`{"op":"replace","value":{"active":true}}`)).HasOneOf(http.StatusOK, http.StatusNoContent)
			eventuallyMay(ctx, t.Namespace, subject(leaver), true)
		}
	})
})

// values are members in a request.
func values(ids []string) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(`{"value":%q}`, id))
	}
	return strings.Join(all, ",")
}

// eventuallyMay waits until somebody may read pods, or may not.
func eventuallyMay(ctx SpecContext, namespace, subject string, may bool) {
	GinkgoHelper()
	Eventually(func() (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: subject, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "get", Resource: "pods"},
		}}
		err := Cluster.Create(ctx, review)
		return review.Status.Allowed, err
	}).WithTimeout(time.Minute).WithPolling(10 * time.Millisecond).Should(Equal(may))
}

func requestsAboutBindings() requests {
	GinkgoHelper()
	return requestsAbout("scimrolebindings", "rolebindings")
}
