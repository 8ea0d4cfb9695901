// Package e2e tests Kubescim on a real cluster, as its users meet it: a platform
// team with kubectl, and an identity provider with HTTP. `make e2e` brings up the
// cluster, installs the operator and runs it.
package e2e

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

func TestEndToEnd(t *testing.T) { RunSuite(t, "Kubescim end to end") }

var _ = BeforeSuite(func(ctx SpecContext) {
	Connect(ctx, "make e2e")
	InstallPlugin(checkout)
})

var _ = AfterSuite(func(ctx SpecContext) { ExpectNoNamespaceLeft(ctx) })

var _ = JustAfterEach(ReportFailure)
