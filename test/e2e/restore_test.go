package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/backup"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It waits for minutes, and begins first, so that the suite need not wait for it in the end.
var _ = Describe("A namespace that is restored from a backup", SpecPriority(1), func() {
	// Longer than the server waits before it repairs what a crash may have left.
	const gap = 150 * time.Second

	It("has the same users, members and ids, though users come minutes after their groups", func(ctx SpecContext) {
		t := Serve(ctx, "restored", scimv1alpha1.IdentityProviderGeneric)
		directory := backup.Fill(t)
		directory.Same(t)
		archive := backup.Take(ctx, t.Namespace)
		archive.Delete(ctx)

		var putBack []string
		for _, kind := range archive.Order(backup.Manner{}) {
			if kind == "ScimUser" {
				archive.Keeps(putBack, gap)
			}
			archive.PutBack(ctx, kind, backup.Manner{})
			putBack = append(putBack, kind)
		}
		back := backup.Reconnect(ctx, t)
		directory.Same(back)
		archive.Keeps(putBack, gap)
		directory.Same(back)
	})
})
