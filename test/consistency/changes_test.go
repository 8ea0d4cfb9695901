package consistency

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// describeChanges has the specs of tenants that change: under a server of many, while it goes on
// serving others.
func describeChanges(f *fleet) {
	if f.server == "" {
		It("are answered as by one server while their schemas change", f.repeated, func(ctx SpecContext) {
			w := f.startWorkload(&workload{way: directly, disturbed: f.tenants})
			w.progress(30)
			for i := range 4 {
				for _, t := range f.tenants {
					changeSchemas(t.Tenant, i%2 == 0)
				}
				w.progress(30)
			}
			w.finish(ctx, "schemas")
		})
		return
	}

	It("are answered as by one server while one is deleted and made again, one changes its schemas, others come and go, and the rest notices nothing", func(ctx SpecContext) {
		remade, changed := f.tenants[0], f.tenants[1]
		w := f.startWorkload(&workload{way: directly, disturbed: []*tenant{remade}, absent: remade})
		w.progress(60)
		quiet := w.slowest()
		for round := range 2 {
			guest := f.add(ctx, fmt.Sprint("guest-", round))
			id := guest.Replicas[0].Do(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated).ID()
			guest.EveryReplica(func(c *Client) { c.Get(Users + "/" + id).Has(http.StatusOK) })

			f.remove(remade.Name)
			if round == 0 { // In the second, pods may hear of both at the same time.
				remade.EveryReplica(func(c *Client) {
					Eventually(func() int { return c.Get(Users + "?count=0").Status }).Should(Equal(http.StatusUnauthorized))
				})
			}
			Apply(f.manifest(remade.Name, remade.keeps))
			changeSchemas(changed.Tenant, round%2 == 0)
			f.recovered(ctx)
			f.remove(guest.Name)
			w.progress(30)
		}
		disturbed := w.slowest()
		w.finish(ctx, "attachment")
		for _, t := range f.tenants[1:] {
			AddReportEntry("99 of 100 requests of "+t.Name+" took less than", fmt.Sprintf("%s before, and %s while others came and went", quiet[t], disturbed[t]))
			Expect(disturbed[t]).To(BeNumerically("<", max(5*quiet[t], time.Second)), t.Name)
		}
	})
}

// changeSchemas gives a tenant a schema extension, or takes it away.
func changeSchemas(t *Tenant, extended bool) {
	GinkgoHelper()
	extensions := "null"
	if extended {
		extensions = `[{"id":"urn:example:badge:User","attributes":[{"name":"number","type":"String"}]}]`
	}
	Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "--patch", `{"spec":{"schemaExtensions":`+extensions+`}}`)
}

// slowest is, for each tenant, what 99 of 100 answers took less than since it was last asked.
func (w *workload) slowest() map[*tenant]time.Duration {
	w.lock.Lock()
	defer w.lock.Unlock()
	slowest := map[*tenant]time.Duration{}
	for t, took := range w.took {
		sorted := slices.Sorted(slices.Values(took))
		slowest[t] = sorted[len(sorted)*99/100].Round(time.Millisecond)
	}
	clear(w.took)
	return slowest
}
