package restore

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("Pods of a tenant whose objects are deleted by hand and put back", Serial, func() {
	It("answer as a single server, and show whoever they have shown to be back", func(ctx SpecContext) {
		c := startCluster(contract.ReplicaLeaseDuration)
		tenants := []*tenant{
			c.serve(ctx, "keeping", scimv1alpha1.UserDeletionDeactivate),
			c.serve(ctx, "erasing", scimv1alpha1.UserDeletionDelete),
		}
		var crews []*crew
		for _, t := range tenants {
			crews = append(crews, c.hire(ctx, t))
		}
		w := startWorkload(tenants...)
		w.progress(50)
		// A user who is not there would be created again, by an identity provider that takes
		// it for gone, and then there would be two of the name.
		w.keepsNames.Store(true)
		w.progress(2)

		var archives []*archive
		for _, t := range tenants {
			a := c.writeOut(ctx, t)
			a.takeAway(ctx, w, a.claims)
			a.takeAway(ctx, w, a.users)
			a.takeAway(ctx, w, a.groups)
			a.takeAway(ctx, w, a.slices)
			a.expectShown(ctx)
			archives = append(archives, a)
		}
		w.progress(20)
		var watching []*sightings
		for _, crew := range crews {
			watching = append(watching, crew.watch())
		}
		for i := range 4 {
			for _, a := range archives {
				a.putBack(ctx, w, [][]client.Object{a.groups, a.users, a.slices, a.claims}[i])
			}
			w.progress(10)
		}
		for _, s := range watching {
			s.end()
		}
		w.keepsNames.Store(false)
		w.progress(50)
		expectOneServer(w.finish(), "put back")
		for i, t := range tenants {
			Expect(crews[i].membersAt(t.pods[0])).To(ConsistOf(slices.Collect(maps.Keys(crews[i].users))))
		}
	})
})

// hire makes a crew. The members of its group are in two objects, as those of a large one.
func (c *cluster) hire(ctx SpecContext, t *tenant) *crew {
	GinkgoHelper()
	made := &crew{tenant: t, prefix: Unique("crew"), users: map[string]string{}}
	for i := range 6 {
		name := fmt.Sprintf("%s-%d@example.com", made.prefix, i)
		made.users[t.pods[0].Do(http.MethodPost, Users, PlainUser(name)).Has(http.StatusCreated).ID()] = name
	}
	members := slices.Collect(maps.Keys(made.users))
	made.group = t.pods[1].Do(http.MethodPost, Groups, PlainGroup(made.prefix, members...)).Has(http.StatusCreated).ID()

	group := &scimv1alpha1.ScimGroup{}
	Expect(c.admin.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: made.group}, group)).To(Succeed())
	half := group.Spec.Members[3:]
	slice := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{
		Namespace: t.Namespace, Name: made.group + "-half",
		Labels: map[string]string{scimv1alpha1.LabelTenant: t.Name, scimv1alpha1.LabelGroup: made.group},
	}}
	slice.Spec.TenantRef.Name, slice.Spec.GroupRef.Name, slice.Spec.Meta = t.Name, made.group, group.Spec.Meta
	slice.Spec.Members, slice.Spec.MemberCount = half, ptr.To(int32(len(half)))
	Expect(c.admin.Create(ctx, slice)).To(Succeed())
	group.Labels[scimv1alpha1.LabelSliced] = "true"
	group.Spec.Members, group.Spec.MemberCount = group.Spec.Members[:3], ptr.To(int32(3))
	Expect(c.admin.Update(ctx, group)).To(Succeed())
	return made
}

// membersAt are the members of the crew's group, as a pod shows them.
func (c *crew) membersAt(p *pod) []string {
	GinkgoHelper()
	return Values(p.Get(Groups + "/" + c.group).Has(http.StatusOK).At("members"))
}
