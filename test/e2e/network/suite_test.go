// Package network tests the NetworkPolicies of the operator and of servers on a cluster that enforces them. `make
// e2e-network` has kube-router do that on the local cluster while the suite runs, and on no other.
package network

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"

	"github.com/kubescim/kubescim/test/internal/record"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// document is where the results go, and chart what is installed, seen from this folder.
	document = "../../../docs/drills.md"
	chart    = "../../../charts/kubescim"
)

func TestNetworkPolicies(t *testing.T) { RunSuite(t, "NetworkPolicies") }

var _ = BeforeSuite(func(ctx SpecContext) { Connect(ctx, "make e2e-network") })

var _ = AfterSuite(func(ctx SpecContext) { ExpectNoNamespaceLeft(ctx) })

var _ = JustAfterEach(ReportFailure)

var _ = ReportAfterSuite("docs/drills.md", func(report Report) {
	if err := record.Write(document, report); err != nil {
		Fail(err.Error())
	}
})
