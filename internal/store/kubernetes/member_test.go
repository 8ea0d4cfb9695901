package kubernetes

import (
	"context"
	"net/http"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// doubtful is a replica that may be no member.
type doubtful struct {
	Members
	member func() bool
}

// Member implements Members.
func (d doubtful) Member() bool { return d.member() }

// hiding is a replica that others count on to let them know before it tells a client of anything.
type hiding struct {
	Members
	disclose func() error
}

// Disclose implements Members.
func (h hiding) Disclose(context.Context, readindex.Tenant) error { return h.disclose() }

var _ = Describe("A replica of which others count on to know what it tells", func() {
	var at *scene
	BeforeEach(func(ctx SpecContext) { at = newScene(ctx) })

	It("lets them know what each answer rests on before the answer is given", func(ctx SpecContext) {
		disclosed := []readindex.Revisions{}
		at.reader.members = hiding{at.reader.members, func() error {
			disclosed = append(disclosed, at.reader.cache.Revisions())
			return nil
		}}
		created, err := at.reader.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		object := &scimv1alpha1.ScimUser{}
		is := func() uint64 {
			GinkgoHelper()
			Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: created.ID()}, object)).To(Succeed())
			return codec.RevisionOf(object)
		}
		Expect(disclosed).To(HaveExactElements(HaveExactElements(BeNumerically(">=", is()), BeNumerically(">=", 0), BeNumerically(">=", 0))))
		_, err = at.writer.Update(ctx, registry.User(), created.ID(), titled("Tour Guide"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		_, err = at.get(ctx, created.ID())
		Expect(err).NotTo(HaveOccurred())
		Expect(disclosed).To(HaveLen(2))
		Expect(disclosed[1][readindex.Users]).To(BeNumerically(">=", is()))
		Expect(at.reader.Delete(ctx, registry.User(), created.ID(), store.DeleteOptions{})).To(Succeed())
		_, err = at.get(ctx, created.ID())
		Expect(failure.IsNotFound(err)).To(BeTrue())
		Expect(disclosed).To(HaveLen(4), "that somebody is unknown is told as well")
		Expect(disclosed[2][readindex.Users]).To(BeNumerically(">", disclosed[1][readindex.Users]))
	})

	It("tells nothing if it cannot let them know in time, and of a write that it may have been made", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		at.reader.members = hiding{at.reader.members, func() error { return context.DeadlineExceeded }}
		_, err := at.get(ctx, id)
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = at.reader.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = at.reader.Update(ctx, registry.User(), id, titled("Tour Guide"), store.UpdateOptions{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		Expect(err).To(MatchError(ContainSubstring("may have been made")))
		_, err = at.reader.Create(ctx, newUser("BABS@example.com"), store.Policy{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "not even that a name is taken")
		Expect(err).NotTo(MatchError(ContainSubstring("may have been made")))
	})
})

var _ = Describe("A replica that is no member", func() {
	var at *scene
	BeforeEach(func(ctx SpecContext) { at = newScene(ctx) })

	It("tells nothing", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		at.reader.members = doubtful{at.reader.members, func() bool { return false }}
		_, err := at.get(ctx, id)
		Expect(err).To(HaveOccurred())
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = at.reader.Create(ctx, newUser("BABS@example.com"), store.Policy{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "not even that a name is taken")
	})

	It("does nothing, so that trying again is no conflict", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		before := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, before)).To(Succeed())
		var calls atomic.Int64
		at.reader.members = doubtful{at.reader.members, func() bool { return false }}
		at.reader.use(interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				calls.Add(1)
				return c.List(ctx, list, opts...)
			},
		}))
		_, err := at.reader.Create(ctx, newUser("jim@example.com"), store.Policy{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = at.reader.Update(ctx, registry.User(), id, rename("barbara@example.com"), store.UpdateOptions{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		err = at.reader.Delete(ctx, registry.User(), id, store.DeleteOptions{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = at.reader.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		Expect(calls.Load()).To(BeZero(), "nothing is read for an answer that may not be given")

		after := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKeyFromObject(before), after)).To(Succeed())
		Expect(after.ResourceVersion).To(Equal(before.ResourceVersion))
		at.create(ctx, "jim@example.com")
	})

	It("says of what was done just before that it may have been, and tells of nothing else", func(ctx SpecContext) {
		id, taken := at.create(ctx, "babs@example.com"), "mandy@example.com"
		at.create(ctx, taken)
		requests := map[string]func() error{
			"create": func() error {
				_, err := at.reader.Create(ctx, newUser("jim@example.com"), store.Policy{})
				return err
			},
			"update": func() error {
				_, err := at.reader.Update(ctx, registry.User(), id, titled("Tour Guide"), store.UpdateOptions{})
				return err
			},
			"delete": func() error { return at.reader.Delete(ctx, registry.User(), id, store.DeleteOptions{}) },
			"refused create": func() error {
				_, err := at.reader.Create(ctx, newUser(taken), store.Policy{})
				return err
			},
		}
		for _, name := range []string{"create", "update", "delete", "refused create"} {
			asked := 0
			at.reader.members = doubtful{at.reader.members, func() bool { asked++; return asked == 1 }}
			err := requests[name]()
			Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), name)
			if name == "refused create" {
				Expect(err).NotTo(MatchError(ContainSubstring("may have been made")))
			} else {
				Expect(err).To(MatchError(ContainSubstring("may have been made")), name)
			}
		}
	})
})
