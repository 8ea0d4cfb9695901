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

var folder []byte // of what is secret, and what is seen

var _ = SynchronizedBeforeSuite(NewFolder, func(ctx SpecContext, common []byte) {
	Connect(ctx, "make e2e")
	InstallPlugin(checkout)
	folder = common
	NoteSecrets(folder)
})

var _ = SynchronizedAfterSuite(func(ctx SpecContext) {
	ExpectNoNamespaceLeft(ctx)
	EndNotes()
}, func() { ExpectNothingShown(folder) })

var _ = JustAfterEach(ReportFailure)
