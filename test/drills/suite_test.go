//go:build drills

package drills

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"

	"github.com/kubescim/kubescim/test/internal/record"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// document is where the results go, seen from this folder.
const document = "../../docs/drills.md"

func TestDrills(t *testing.T) { RunSuite(t, "Kubescim in drills") }

var _ = BeforeSuite(func(ctx SpecContext) { Connect(ctx, "make drills") })

var _ = AfterSuite(func(ctx SpecContext) { ExpectNoNamespaceLeft(ctx) })

var _ = JustAfterEach(ReportFailure)

var _ = ReportAfterSuite("docs/drills.md", func(report Report) {
	if err := record.Write(document, report); err != nil {
		Fail(err.Error())
	}
})
