package restore

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/history"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// archive is what a tenant had, written out by hand.
type archive struct {
	cluster               *cluster
	tenant                *tenant
	users, groups, slices []client.Object
	claims                []client.Object
	beacon                *scimv1alpha1.ScimUser
	lit                   int
}

// writeOut reads all users, groups, their slices and claims of a tenant.
func (c *cluster) writeOut(ctx SpecContext, t *tenant) *archive {
	GinkgoHelper()
	a := &archive{cluster: c, tenant: t}
	in := client.InNamespace(t.Namespace)
	users, groups, members, claims := &scimv1alpha1.ScimUserList{}, &scimv1alpha1.ScimGroupList{}, &scimv1alpha1.ScimGroupMembersList{}, &coordinationv1.LeaseList{}
	for _, list := range []client.ObjectList{users, groups, members} {
		Expect(c.admin.List(ctx, list, in)).To(Succeed())
	}
	Expect(c.admin.List(ctx, claims, in, client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim})).To(Succeed())
	for i := range users.Items {
		a.users = append(a.users, &users.Items[i])
	}
	for i := range groups.Items {
		a.groups = append(a.groups, &groups.Items[i])
	}
	for i := range members.Items {
		a.slices = append(a.slices, &members.Items[i])
	}
	for i := range claims.Items {
		a.claims = append(a.claims, &claims.Items[i])
	}
	beacon := slices.IndexFunc(users.Items, func(u scimv1alpha1.ScimUser) bool { return u.Labels[scimv1alpha1.LabelDeleted] == "" })
	Expect(beacon).NotTo(Equal(-1))
	a.beacon = stripped(&users.Items[beacon]).(*scimv1alpha1.ScimUser)
	a.beacon.Name, a.beacon.Spec.UserName = "00000000-0000-4000-8000-000000000000", "beacon@example.com"
	Expect(c.admin.Create(ctx, a.beacon)).To(Succeed())
	return a
}

// stripped is an object as backup tools create it again: without what belonged to the old one
// alone.
func stripped(object client.Object) client.Object {
	fresh := object.DeepCopyObject().(client.Object)
	fresh.SetUID("")
	fresh.SetResourceVersion("")
	fresh.SetGeneration(0)
	fresh.SetCreationTimestamp(metav1.Time{})
	fresh.SetManagedFields(nil)
	return fresh
}

// takeAway deletes objects of a kind.
func (a *archive) takeAway(ctx SpecContext, w *workload, objects []client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		a.byHand(ctx, w, history.TakeAway, object, func() error {
			return client.IgnoreNotFound(a.cluster.admin.Delete(ctx, object.DeepCopyObject().(client.Object)))
		})
	}
}

// putBack creates objects of a kind again.
func (a *archive) putBack(ctx SpecContext, w *workload, objects []client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		a.byHand(ctx, w, history.PutBack, object, func() error {
			return a.cluster.admin.Create(ctx, stripped(object))
		})
	}
}

// byHand does something with an object. If it is a user of the workload, that is a part of
// the history, which lasts until the watches have shown it.
func (a *archive) byHand(ctx SpecContext, w *workload, kind history.Kind, object client.Object, do func() error) {
	GinkgoHelper()
	request := history.Request{Kind: kind, ID: object.GetName()}
	if user, is := object.(*scimv1alpha1.ScimUser); is && user.Labels[scimv1alpha1.LabelDeleted] == "" {
		for _, f := range w.families {
			if f.tenant == a.tenant && slices.Contains(f.Names(), strings.ToLower(user.Spec.UserName)) {
				request.Prefix = f.Prefix
			}
		}
		request.UserName, request.DisplayName = user.Spec.UserName, ptr.Deref(user.Spec.DisplayName, "")
		request.Active = ptr.Deref(user.Spec.Active, true)
	}
	if request.Prefix == "" {
		Expect(do()).To(Succeed())
		return
	}
	w.recorder.NewClient().Do(request, func() (history.Answer, string) {
		Expect(do()).To(Succeed())
		a.expectShown(ctx)
		return history.Answer{Outcome: history.Done}, "by hand"
	})
}

// expectShown waits until a pod shows what was done by hand, after which no other one may
// show what was before: it is a later write that this one is seen to show.
func (a *archive) expectShown(ctx SpecContext) {
	GinkgoHelper()
	a.lit++
	text := fmt.Sprint("Lit ", a.lit)
	a.beacon.Spec.DisplayName = &text
	Expect(a.cluster.admin.Update(ctx, a.beacon)).To(Succeed())
	p := a.tenant.pods[a.lit%len(a.tenant.pods)]
	Eventually(func() any { return p.Get(Users + "/" + a.beacon.Name).At("displayName") }).WithPolling(pace / 4).Should(Equal(text))
}
