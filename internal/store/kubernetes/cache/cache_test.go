package cache

import (
	"context"
	"log/slog"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
)

// What clients see of a cache is tested with the store that reads from it.
var _ = Describe("A cache", func() {
	It("has caught up before anybody reads when a replica has joined", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		marks := readindex.NewMarks()
		memory := New(watching, client.ObjectKey{Namespace: namespace, Name: "acme"}, marks, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		memory.Follow(registry)
		running, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			memory.Run(running, alone{memory})
		}()
		DeferCleanup(func() {
			stop()
			Eventually(ended).Should(BeClosed())
		})
		createUser(ctx, namespace, "babs@example.com")
		Eventually(func() error { return memory.Current(ctx, registry.User(), alone{memory}) }).Should(Succeed())
		newNamespace(ctx) // So that the latest revision is none of what the watches bring.
		latest, err := memory.Latest(ctx)
		Expect(err).NotTo(HaveOccurred())
		behind := func() []readindex.Kind {
			memory.streams.progress.mu.Lock()
			defer memory.streams.progress.mu.Unlock()
			kinds, _ := memory.streams.progress.behind(latest, readindex.Revisions{})
			return kinds
		}
		Expect(behind()).To(HaveLen(int(readindex.Kinds)))
		marks.RaiseAll(latest)
		// The API server would say it by itself once a minute.
		Eventually(behind).WithTimeout(4 * keepUpPeriod).Should(BeEmpty())
	})
})
