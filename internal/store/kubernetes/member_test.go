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
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// doubtful is a replica that may be no member.
type doubtful struct {
	Members
	member func() bool
}

// Member implements Members.
func (d doubtful) Member() bool { return d.member() }

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
