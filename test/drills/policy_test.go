//go:build drills

package drills

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// policyRounds is how often is measured with the policies and without, by turns.
	policyRounds = 7
	// policyWriters write at the same time, and each writes so many users in a round, twice.
	policyWriters, policyUsers = 8, 50
)

// dataPolicies are the bindings of the policies about who may write users and claims.
var dataPolicies = []string{"kubescim-users", "kubescim-leases"}

var _ = Describe("The policies about who may write users and claims", func() {
	It("refuse nobody who may, and are measured by what they cost them", func(ctx SpecContext) {
		t := Serve(ctx, "policy", scimv1alpha1.IdentityProviderGeneric, Unlimited)
		probe := t.Send(http.MethodPost, Users, PlainUser("probe@example.com")).Has(http.StatusCreated).ID()
		writeUsers(t)
		DeferCleanup(func(ctx SpecContext) { bindPolicies(ctx, t, probe) })
		rates := map[bool][]float64{}
		for range policyRounds {
			bindPolicies(ctx, t, probe)
			rates[true] = append(rates[true], writeUsers(t))
			unbindPolicies(ctx, t, probe)
			rates[false] = append(rates[false], writeUsers(t))
		}
		median := func(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }
		with, without := median(rates[true]), median(rates[false])
		AddReportEntry("users created and changed in a second: with the policies, without, and their ratio",
			fmt.Sprintf("%.0f, %.0f, %.2f", with, without, with/without))
		AddReportEntry("the slowest and the fastest round of each", fmt.Sprintf("%.0f to %.0f, %.0f to %.0f",
			slices.Min(rates[true]), slices.Max(rates[true]), slices.Min(rates[false]), slices.Max(rates[false])))
	})
})

// writeUsers creates users and changes each, and returns how many requests were answered in a second.
func writeUsers(t *Tenant) float64 {
	GinkgoHelper()
	var writing sync.WaitGroup
	began := time.Now()
	for range policyWriters {
		writing.Go(func() {
			defer GinkgoRecover()
			c, closeIdle := t.Service.Lasting()
			defer closeIdle()
			for range policyUsers {
				id := c.Do(http.MethodPost, Users, PlainUser(Unique("user")+"@example.com")).Has(http.StatusCreated).ID()
				c.Do(http.MethodPatch, Users+"/"+id, Patch(`{"op":"replace","path":"displayName","value":"Somebody"}`)).Has(http.StatusOK)
			}
		})
	}
	writing.Wait()
	return 2 * policyWriters * policyUsers / time.Since(began).Seconds()
}

// bound are the bindings as they were before they were taken away.
var bound []*admissionregistrationv1.ValidatingAdmissionPolicyBinding

// unbindPolicies takes the policies out of force.
func unbindPolicies(ctx SpecContext, t *Tenant, user string) {
	GinkgoHelper()
	for _, name := range dataPolicies {
		binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
		Expect(Cluster.Get(ctx, client.ObjectKey{Name: name}, binding)).To(Succeed())
		Expect(Cluster.Delete(ctx, binding)).To(Succeed())
		bound = append(bound, binding)
	}
	Eventually(writesByHand).WithArguments(ctx, t, user).Should(Succeed())
}

// bindPolicies puts them into force again, if they are not.
func bindPolicies(ctx SpecContext, t *Tenant, user string) {
	GinkgoHelper()
	for _, binding := range bound {
		binding.ResourceVersion, binding.UID = "", ""
		Expect(Cluster.Create(ctx, binding)).To(Succeed())
	}
	bound = nil
	Eventually(writesByHand).WithArguments(ctx, t, user).ShouldNot(Succeed())
}

// writesByHand tries to write a user past the server.
func writesByHand(ctx SpecContext, t *Tenant, user string) error {
	object := &scimv1alpha1.ScimUser{}
	object.Namespace, object.Name = t.Namespace, user
	return Cluster.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"active":false}}`)), client.DryRunAll)
}
