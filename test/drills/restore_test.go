//go:build drills

package drills

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/backup"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// pause is how long a restore waits before each kind that holds data. DRILL_PAUSE changes it.
func pause() time.Duration {
	GinkgoHelper()
	text := os.Getenv("DRILL_PAUSE")
	if text == "" {
		return 10 * time.Minute
	}
	duration, err := time.ParseDuration(text)
	Expect(err).NotTo(HaveOccurred(), "DRILL_PAUSE=%q is to be a duration", text)
	return duration
}

var _ = Describe("A restore of a namespace", func() {
	It("keeps users, members and ids in any order of kinds, with and without stale owners and status", func(ctx SpecContext) {
		wait := pause()
		AddReportEntry("users of each tenant, and sizes of its groups", fmt.Sprintf("%d; 5 and %[1]d", backup.UserCount), ReportEntryVisibilityAlways)
		AddReportEntry("pause between kinds that hold data", wait, ReportEntryVisibilityAlways)
		var restores []*restore
		for i, manner := range backup.Manners() {
			t := Serve(ctx, fmt.Sprintf("restore-%d", i), scimv1alpha1.IdentityProviderGeneric, OneReplica, Unlimited)
			restores = append(restores, &restore{manner: manner, tenant: t, directory: backup.Fill(t)})
		}
		var running sync.WaitGroup
		for _, r := range restores {
			running.Go(func() {
				defer GinkgoRecover()
				r.run(ctx, wait)
			})
		}
		running.Wait()
		for _, r := range restores {
			AddReportEntry(r.manner.String(), r.outcome(), ReportEntryVisibilityAlways)
		}
	})
})

// restore is one namespace that is written out, deleted and put back.
type restore struct {
	manner    backup.Manner
	tenant    *Tenant
	directory *backup.Directory
	whole     bool
}

func (r *restore) run(ctx SpecContext, wait time.Duration) {
	GinkgoHelper()
	archive := backup.Take(ctx, r.tenant.Namespace)
	archive.Delete(ctx)
	var putBack []string
	for _, kind := range archive.Order(r.manner) {
		if isData(kind) && slices.ContainsFunc(putBack, isData) {
			archive.Keeps(putBack, wait)
		}
		archive.PutBack(ctx, kind, r.manner)
		putBack = append(putBack, kind)
	}
	back := backup.Reconnect(ctx, r.tenant)
	r.directory.Same(back)
	r.whole = true
}

// isData reports whether objects of the kind hold what nobody can make again.
func isData(kind string) bool { return slices.Contains(backup.Kinds, kind) }

func (r *restore) outcome() string {
	if r.whole {
		return "same users, members, ids and tokens"
	}
	return "**not whole**"
}
