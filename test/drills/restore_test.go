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

// pause is how long a restore waits after each kind. DRILL_PAUSE changes it.
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
		AddReportEntry("pause after each kind that holds data", wait, ReportEntryVisibilityAlways)
		var restores []*restore
		for i, manner := range backup.Manners() {
			t := Serve(ctx, fmt.Sprintf("restore-%d", i), scimv1alpha1.IdentityProviderGeneric, OneReplica)
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
		archive.PutBack(ctx, kind, r.manner)
		putBack = append(putBack, kind)
		if slices.Contains(backup.Kinds, kind) {
			archive.Keeps(putBack, wait)
		}
	}
	back := backup.Reconnect(ctx, r.tenant)
	r.directory.Same(back)
	r.whole = true
}

func (r *restore) outcome() string {
	if r.whole {
		return "same users, members and ids; a new key was needed"
	}
	return "**not whole**"
}
