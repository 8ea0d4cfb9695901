package kubernetes

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"k8s.io/utils/ptr"

	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

var _ = Describe("A name whose claim somebody has changed by hand", func() {
	var (
		at        *scene
		id, other string
	)
	keep := store.Policy{KeepDeletedUsers: true}
	BeforeEach(func(ctx SpecContext) {
		at = newScene(ctx)
		id, other = at.create(ctx, "babs@example.com"), at.create(ctx, "jim@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
	})
	// changes are what somebody has done to the claim.
	changes := map[string]func(context.Context){
		"deleted": func(ctx context.Context) {
			lease, err := at.reader.claims.Get(ctx, registry.User(), "babs@example.com")
			Expect(err).NotTo(HaveOccurred())
			Expect(live.Delete(ctx, lease)).To(Succeed())
		},
		"given to somebody else": func(ctx context.Context) {
			lease, err := at.reader.claims.Get(ctx, registry.User(), "babs@example.com")
			Expect(err).NotTo(HaveOccurred())
			lease.Spec.HolderIdentity = ptr.To(other)
			Expect(live.Update(ctx, lease)).To(Succeed())
		},
	}
	for what, change := range changes {
		It("stays the name of who has it: "+what, func(ctx SpecContext) {
			third := at.create(ctx, "mandy@example.com")
			change(ctx)
			_, err := at.reader.Update(ctx, registry.User(), other, rename("Babs@example.com"), store.UpdateOptions{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict))
			change(ctx)
			_, err = at.reader.Create(ctx, newUser("BABS@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict))
			change(ctx)
			_, err = at.reader.Update(ctx, registry.User(), third, rename("Babs@example.com"), store.UpdateOptions{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict))
			Expect(find(ctx, at.reader, "babs@example.com")).To(ConsistOf(id))
		})

		It("brings the kept user back who has it: "+what, func(ctx SpecContext) {
			Expect(at.reader.Delete(ctx, registry.User(), id, store.DeleteOptions{Policy: keep})).To(Succeed())
			Eventually(func() int { return at.reader.cache.Counts().Kept }).Should(Equal(1))
			change(ctx)
			refuse := keep
			refuse.RefuseRecreation = true
			_, err := at.reader.Create(ctx, newUser("BABS@example.com"), refuse)
			Expect(failure.Status(err)).To(Equal(http.StatusConflict))
			change(ctx)
			back, err := at.reader.Create(ctx, newUser("BABS@example.com"), keep)
			Expect(err).NotTo(HaveOccurred())
			Expect(back.ID()).To(Equal(id))
			lease, err := at.reader.claims.Get(ctx, registry.User(), "babs@example.com")
			Expect(err).NotTo(HaveOccurred())
			Expect(claim.HolderOf(lease)).To(Equal(id))
		})

		It("is taken from the kept user who has it by who is renamed: "+what, func(ctx SpecContext) {
			Expect(at.reader.Delete(ctx, registry.User(), id, store.DeleteOptions{Policy: keep})).To(Succeed())
			Eventually(func() int { return at.reader.cache.Counts().Kept }).Should(Equal(1))
			change(ctx)
			_, err := at.reader.Update(ctx, registry.User(), other, rename("babs@example.com"), store.UpdateOptions{Policy: keep})
			Expect(err).NotTo(HaveOccurred())
			Expect(find(ctx, at.reader, "babs@example.com")).To(ConsistOf(other))
			_, err = at.reader.Create(ctx, newUser("babs@example.com"), keep)
			Expect(failure.Status(err)).To(Equal(http.StatusConflict), "the kept one does not come back under it")
		})
	}
})
