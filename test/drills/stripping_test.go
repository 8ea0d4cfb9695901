//go:build drills

package drills

import (
	"maps"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// restTime is for how long nothing is written.
const restTime = 2 * time.Minute

var _ = Describe("A tenant whose objects are stripped of owners, finalizers and labels, and deleted", func() {
	It("has all of them again, and nothing is written for two minutes then", func(ctx SpecContext) {
		t := Serve(ctx, "stripped", scimv1alpha1.IdentityProviderGeneric)
		users := CreateUsers(t.Service, 20)
		t.Send(http.MethodPost, Groups, PlainGroup("Everyone", slices.Collect(maps.Keys(users))...)).Has(http.StatusCreated)
		began := time.Now()
		ExpectRestored(ctx, t, Generated+","+Kept+","+Provisioned)
		AddReportEntry("until all was there again, three times", time.Since(began).Round(time.Second))
		ExpectRest(t.Namespace, Generated+","+Kept+","+Provisioned, restTime)
		AddReportEntry("resource versions that stayed", len(Versions(t.Namespace, Generated+","+Kept+","+Provisioned)))
	})
})
