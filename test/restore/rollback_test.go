package restore

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/test/internal/history"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// promised is for how long pods go by what others have promised them before these noticed.
const promised = 250 * time.Millisecond

var _ = Describe("Pods of a cluster whose etcd is restored to an older state", Serial, func() {
	It("answer as a single server did up to then, and as one that goes on from that state once a pod has noticed", func(ctx SpecContext) {
		// They are members still when the API server is back, and have not noticed anything.
		c := startCluster(30 * time.Second)
		tenants := []*tenant{
			c.serve(ctx, "keeping", scimv1alpha1.UserDeletionDeactivate),
			c.serve(ctx, "erasing", scimv1alpha1.UserDeletionDelete),
		}
		w := startWorkload(tenants...)
		w.progress(50)
		w.away.Store(true)
		saved, at := c.save()
		w.away.Store(false)
		rollback := history.Rollback{Saved: w.recorder.At(at)}
		c.expectLeasesRenewed(ctx, tenants...)
		w.progress(50)
		for _, t := range tenants {
			t.expectRestarts(0)
		}

		w.away.Store(true)
		// No number is lower any more when they look, but those of their Leases.
		lost := c.revision(ctx)
		rollback.Restored = w.recorder.At(c.putBack(saved, lost))
		w.away.Store(false)
		noticed := map[*tenant]int64{}
		for _, t := range tenants {
			noticed[t] = w.recorder.At(t.expectRestarts(1).Add(promised))
		}
		w.progress(100)
		operations := w.finish()
		expectOneServer(rollback.Lost(operations), "before")
		for _, f := range w.families {
			rollback.Noticed = noticed[f.tenant]
			AddReportEntry("restored until noticed", time.Duration(rollback.Noticed-rollback.Restored).String())
			expectOneServer(rollback.Kept(of(f, operations)), "after at "+f.tenant.Name)
		}
		for _, t := range tenants {
			t.expectRestarts(1)
			t.expectMemory()
		}
	})

	It("show nothing of what is no more, miss nothing that was told since, and read from memory again", func(ctx SpecContext) {
		c := startCluster(contract.ReplicaLeaseDuration)
		t := c.serve(ctx, "acme", scimv1alpha1.UserDeletionDeactivate)
		pods := t.pods
		kept := pods[0].Do(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated).ID()
		saved, _ := c.save()
		t.expectMemory()
		t.expectRestarts(0) // That etcd was away is no reason to read anything anew.

		var lost []string
		for i := range 20 {
			name := fmt.Sprintf("lost%d@example.com", i)
			lost = append(lost, pods[i%podsOfTenant].Do(http.MethodPost, Users, PlainUser(name)).Has(http.StatusCreated).ID())
		}
		renamed := pods[1].Do(http.MethodPatch, Users+"/"+kept, Replace("userName", "barbara@example.com")).Has(http.StatusOK)
		t.expectMemory()

		c.putBack(saved, 0)
		for i := range 20 {
			writer, reader := pods[i%podsOfTenant], pods[(i+1)%podsOfTenant]
			made := insist(writer, http.MethodPost, Users, PlainUser(fmt.Sprintf("new%d@example.com", i))).Has(http.StatusCreated).ID()
			insist(reader, http.MethodGet, Users+"/"+made, "").Has(http.StatusOK)
		}
		t.expectMemory()
		t.expectRestarts(1)
		for _, p := range pods {
			for _, id := range lost {
				p.Get(Users+"/"+id).IsError(http.StatusNotFound, "")
			}
			Expect(p.Get(Users + "/" + kept).Has(http.StatusOK).At("userName")).To(Equal("babs@example.com"))
			Expect(p.cache.Counts().Users).To(Equal(21), "after reads, which wait for what was made last")
		}
		again := pods[0].Do(http.MethodPatch, Users+"/"+kept, Replace("userName", "barb@example.com")).Has(http.StatusOK)
		Expect(again.At("meta/version")).NotTo(Equal(renamed.At("meta/version")), "no version stands for two states")
	})
})

// expectLeasesRenewed waits until every pod has renewed its Lease since it was saved, so
// that none can take the older one for its own.
func (c *cluster) expectLeasesRenewed(ctx SpecContext, tenants ...*tenant) {
	GinkgoHelper()
	renewals := func(g Gomega) map[string]time.Time {
		times := map[string]time.Time{}
		for _, t := range tenants {
			leases := &coordinationv1.LeaseList{}
			g.Expect(c.admin.List(ctx, leases, client.InNamespace(t.Namespace), client.MatchingLabels{
				scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
			})).To(Succeed())
			for _, lease := range leases.Items {
				times[lease.Name] = lease.Spec.RenewTime.Time
			}
		}
		return times
	}
	before := renewals(NewWithT(GinkgoT()))
	Eventually(func(g Gomega) {
		now := renewals(g)
		for name := range before {
			g.Expect(now[name]).To(BeTemporally(">", before[name]), name)
		}
	}).Should(Succeed())
}

// revision is the latest one of etcd.
func (c *cluster) revision(ctx SpecContext) int {
	GinkgoHelper()
	leases := &coordinationv1.LeaseList{}
	Expect(c.admin.List(ctx, leases, client.Limit(1))).To(Succeed())
	revision, err := strconv.Atoi(leases.ResourceVersion)
	Expect(err).NotTo(HaveOccurred())
	return revision
}

// insist sends a request until it gets an answer other than 503.
func insist(p *pod, method, path, body string) (r *Response) {
	GinkgoHelper()
	Eventually(func() (status int) {
		r = p.Do(method, path, body)
		return r.Status
	}).ShouldNot(Equal(http.StatusServiceUnavailable))
	return r
}
