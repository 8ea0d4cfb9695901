package restore

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("Pods of a tenant whose objects are deleted by hand and put back", Serial, func() {
	It("answer as a single server, and show whoever they have shown to be back", func(ctx SpecContext) {
		c := startCluster(operand.ReplicaLeaseDuration)
		tenants := []*tenant{
			c.serve(ctx, "keeping", v1alpha1.UserDeletionDeactivate),
			c.serve(ctx, "erasing", v1alpha1.UserDeletionDelete),
		}
		var crews []*crew
		for _, t := range tenants {
			crews = append(crews, t.hire())
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
			a.expectShown(ctx)
			archives = append(archives, a)
		}
		w.progress(20)
		var watching []*sightings
		for _, crew := range crews {
			watching = append(watching, crew.watch())
		}
		for _, a := range archives {
			a.putBack(ctx, w, a.groups)
			w.progress(5)
			a.putBack(ctx, w, a.users)
			w.progress(20)
			a.putBack(ctx, w, a.claims)
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

// hire makes a crew.
func (t *tenant) hire() *crew {
	GinkgoHelper()
	c := &crew{tenant: t, prefix: Unique("crew"), users: map[string]string{}}
	for i := range 6 {
		name := fmt.Sprintf("%s-%d@example.com", c.prefix, i)
		c.users[t.pods[0].Do(http.MethodPost, Users, PlainUser(name)).Has(http.StatusCreated).ID()] = name
	}
	members := slices.Collect(maps.Keys(c.users))
	c.group = t.pods[1].Do(http.MethodPost, Groups, PlainGroup(c.prefix, members...)).Has(http.StatusCreated).ID()
	return c
}

// membersAt are the members of the crew's group, as a pod shows them.
func (c *crew) membersAt(p *pod) []string {
	GinkgoHelper()
	return Values(p.Get(Groups + "/" + c.group).Has(http.StatusOK).At("members"))
}
