package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/store"
)

func newUser(userName string) *scim.Resource {
	return scim.NewResource(registry.User(), scim.Complex{"userName": userName, "active": true})
}

func rename(to string) store.Change {
	return func(current *scim.Resource) (*scim.Resource, error) {
		next := current.Clone()
		next.Attributes()["userName"] = to
		return next, nil
	}
}

// find returns the ids of the users with the userName, by its claim and by a scan.
func find(ctx context.Context, s *Store, userName string) []string {
	GinkgoHelper()
	filter, err := filter.Parse(registry.User(), fmt.Sprintf("userName eq %q", userName), scim.Leniency{})
	Expect(err).NotTo(HaveOccurred())
	page, err := s.List(ctx, registry.User(), store.Query{Filter: filter, StartIndex: 1, Count: 10})
	Expect(err).NotTo(HaveOccurred())
	everybody, err := s.live.all(ctx, registry.User(), store.View{}, keepAll)
	Expect(err).NotTo(HaveOccurred())
	var byClaim, byScan []string
	for _, user := range page.Resources {
		byClaim = append(byClaim, user.ID())
	}
	for _, user := range everybody {
		if fold.Key(user.UserName()) == fold.Key(userName) {
			byScan = append(byScan, user.ID())
		}
	}
	Expect(byClaim).To(Equal(byScan), "the claims and the users agree")
	return byClaim
}

// protocols are the writes of which each step is a point to die at.
var protocols = map[string]func(ctx context.Context, s *Store, id string) error{
	"create": func(ctx context.Context, s *Store, _ string) error {
		_, err := s.Create(ctx, newUser("new@example.com"), store.Policy{})
		return err
	},
	"rename": func(ctx context.Context, s *Store, id string) error {
		_, err := s.Update(ctx, registry.User(), id, rename("new@example.com"), store.UpdateOptions{})
		return err
	},
	"delete": func(ctx context.Context, s *Store, id string) error {
		return s.Delete(ctx, registry.User(), id, store.DeleteOptions{})
	},
	"delete and keep, then bring back": func(ctx context.Context, s *Store, id string) error {
		if err := s.Delete(ctx, registry.User(), id, store.DeleteOptions{Policy: store.Policy{KeepDeletedUsers: true}}); err != nil {
			return err
		}
		_, err := s.Create(ctx, newUser("old@example.com"), store.Policy{})
		return err
	},
}

var _ = Describe("A process that dies in the middle of a write", func() {
	for name, protocol := range protocols {
		for point := 1; point <= 4; point++ {
			for _, after := range []bool{false, true} {
				It(fmt.Sprintf("leaves no name lost and none held twice: %s, write %d, arrived %v", name, point, after), func(ctx SpecContext) {
					namespace := newNamespace(ctx)
					healthy := newStore(live, namespace)
					old, err := healthy.Create(ctx, newUser("old@example.com"), store.Policy{})
					Expect(err).NotTo(HaveOccurred())

					bounded, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
					defer cancel()
					if protocol(bounded, newStore(dying(point, after), namespace), old.ID()) == nil {
						return // It has fewer writes than this.
					}

					// The next requests must be able to have both names, once each.
					for _, userName := range []string{"old@example.com", "new@example.com"} {
						holders := find(ctx, healthy, userName)
						Expect(len(holders)).To(BeNumerically("<=", 1))
						_, err := healthy.Create(ctx, newUser(userName), store.Policy{})
						if len(holders) == 1 {
							Expect(err).To(HaveOccurred(), "a user has the name")
						} else {
							Expect(err).NotTo(HaveOccurred(), "nobody has the name")
						}
						Expect(find(ctx, healthy, userName)).To(HaveLen(1))
					}
				})
			}
		}
	}
})

var _ = Describe("A write that arrives late", func() {
	var (
		namespace string
		healthy   *Store
	)
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		healthy = newStore(live, namespace)
	})

	It("creates no second user of a name that was taken over in the meantime", func(ctx SpecContext) {
		var successor *scim.Resource
		late := newStore(interceptor.NewClient(live, interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				if _, isUser := obj.(*scimv1alpha1.ScimUser); isUser && successor == nil {
					// The claim is made; before the user is, somebody else wants the name.
					var err error
					successor, err = healthy.Create(ctx, newUser("babs@example.com"), store.Policy{})
					Expect(err).NotTo(HaveOccurred())
				}
				return c.Create(ctx, obj, opts...)
			},
		}), namespace)
		_, err := late.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).To(MatchError(ContainSubstring("uniqueness")))
		Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(successor.ID()))
	})

	It("has no say about a name whose claim was made by hand, for nobody", func(ctx SpecContext) {
		for _, holder := range []string{"somebody", ""} {
			claim, err := healthy.claims.Create(ctx, registry.User(), holder+"@example.com", holder)
			Expect(err).NotTo(HaveOccurred())
			created, err := healthy.Create(ctx, newUser(holder+"@example.com"), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			Expect(find(ctx, healthy, holder+"@example.com")).To(ConsistOf(created.ID()))
			Expect(claim.Name).NotTo(BeEmpty())
		}
	})

	It("renames nobody to a name that was taken over in the meantime", func(ctx SpecContext) {
		user, err := healthy.Create(ctx, newUser("old@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		var successor *scim.Resource
		late := newStore(interceptor.NewClient(live, interceptor.Funcs{
			Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
				if _, isUser := obj.(*scimv1alpha1.ScimUser); isUser && successor == nil {
					var err error
					successor, err = healthy.Create(ctx, newUser("babs@example.com"), store.Policy{})
					Expect(err).NotTo(HaveOccurred())
				}
				return c.Update(ctx, obj, opts...)
			},
		}), namespace)
		_, err = late.Update(ctx, registry.User(), user.ID(), rename("babs@example.com"), store.UpdateOptions{})
		Expect(err).To(MatchError(ContainSubstring("uniqueness")))
		Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(successor.ID()))
		Expect(find(ctx, healthy, "old@example.com")).To(ConsistOf(user.ID()))
	})
})

// atUserUpdate returns a client that calls before at its first update of a user.
func atUserUpdate(before func()) client.Client {
	var once sync.Once
	return interceptor.NewClient(live, interceptor.Funcs{
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if _, isUser := obj.(*scimv1alpha1.ScimUser); isUser {
				once.Do(before)
			}
			return c.Update(ctx, obj, opts...)
		},
	})
}

var _ = Describe("Two writers of one user", func() {
	It("who give it the same name leave it the claim, whoever fails", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		healthy := newStore(live, namespace)
		user, err := healthy.Create(ctx, newUser("old@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())

		// The second has rewritten the claim of the first when the first writes the
		// user; then the second's write fails.
		claimed, written, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		second := newStore(atUserUpdate(func() { close(claimed); <-written }), namespace)
		first := newStore(atUserUpdate(func() {
			go func() {
				_, err := second.Update(ctx, registry.User(), user.ID(), rename("new@example.com"), store.UpdateOptions{})
				ended <- err
			}()
			<-claimed
		}), namespace)
		_, err = first.Update(ctx, registry.User(), user.ID(), rename("new@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		close(written)
		Expect(<-ended).To(Succeed())

		_, err = healthy.Create(ctx, newUser("NEW@example.com"), store.Policy{})
		Expect(err).To(MatchError(ContainSubstring("uniqueness")))
		Expect(find(ctx, healthy, "new@example.com")).To(ConsistOf(user.ID()))
		_, err = healthy.Create(ctx, newUser("old@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred(), "the old name is free")
	})
})

// losing returns a client to which the answer to its first write of a user with
// the verb gets lost: the write happens.
func losing(verb string) client.Client {
	lost := false
	lose := func(does string, obj client.Object, err error) error {
		if _, isUser := obj.(*scimv1alpha1.ScimUser); !isUser || does != verb || lost {
			return err
		}
		lost = true
		return errors.New("connection reset by peer")
	}
	return interceptor.NewClient(live, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return lose("create", obj, c.Create(ctx, obj, opts...))
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return lose("update", obj, c.Update(ctx, obj, opts...))
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return lose("delete", obj, c.Delete(ctx, obj, opts...))
		},
	})
}

var _ = Describe("An answer of the API server that gets lost", func() {
	It("does not make a create fail on itself", func(ctx SpecContext) {
		s := newStore(losing("create"), newNamespace(ctx))
		created, err := s.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(find(ctx, s, "babs@example.com")).To(ConsistOf(created.ID()))
	})

	It("does not make an update happen twice, and the old name is free all the same", func(ctx SpecContext) {
		s := newStore(losing("update"), newNamespace(ctx))
		created, err := s.Create(ctx, newUser("old@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		updated, err := s.Update(ctx, registry.User(), created.ID(), rename("new@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(updated.Meta().Version).To(HavePrefix(`W/"2-`))
		Expect(s.claims.Get(ctx, registry.User(), "old@example.com")).To(BeNil())
	})

	It("does not make a delete answer 404", func(ctx SpecContext) {
		s := newStore(losing("delete"), newNamespace(ctx))
		created, err := s.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Delete(ctx, registry.User(), created.ID(), store.DeleteOptions{})).To(Succeed())
	})
})

var _ = Describe("An API server in trouble", func() {
	DescribeTable("is told to the client as an error to act on",
		func(ctx SpecContext, trouble error, status int) {
			s := newStore(interceptor.NewClient(live, interceptor.Funcs{
				Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
					return trouble
				},
				List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
					return trouble
				},
				Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
					return trouble
				},
			}), "default")
			bounded, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			defer cancel()
			_, getErr := s.Get(bounded, registry.User(), "a0b1c2d3-0000-4000-8000-000000000000", store.View{})
			_, listErr := s.List(bounded, registry.User(), store.Query{StartIndex: 1, Count: 1})
			_, createErr := s.Create(bounded, newUser("babs@example.com"), store.Policy{})
			for _, err := range []error{getErr, listErr, createErr} {
				var protocol *scim.Error
				Expect(errors.As(err, &protocol)).To(BeTrue(), "%v", err)
				Expect(protocol.Status).To(Equal(status))
				Expect(protocol.Detail).NotTo(ContainSubstring("babs"))
			}
		},
		Entry("unreachable", errors.New("dial tcp: connection refused"), http.StatusServiceUnavailable),
		Entry("throttling", apierrors.NewTooManyRequests("slow down", 1), http.StatusTooManyRequests),
		Entry("failing", apierrors.NewInternalError(errors.New("etcdserver: no space")), http.StatusServiceUnavailable),
		Entry("refusing", apierrors.NewForbidden(scimv1alpha1.GroupVersion.WithResource("scimusers").GroupResource(), "babs", errors.New("no")), http.StatusServiceUnavailable),
	)

	It("refuses what it cannot keep with the attribute's name", func(ctx SpecContext) {
		s := newStore(live, newNamespace(ctx))
		long := newUser("babs@example.com")
		long.Attributes()["title"] = fmt.Sprintf("%01500d", 0)
		_, err := s.Create(ctx, long, store.Policy{})
		var protocol *scim.Error
		Expect(errors.As(err, &protocol)).To(BeTrue(), "%v", err)
		Expect(protocol.Status).To(Equal(http.StatusBadRequest))
		Expect(protocol.Detail).To(Equal("title is longer than the 1024 characters that it may have; shorten it"))
		Expect(find(ctx, s, "babs@example.com")).To(BeEmpty())
		_, err = s.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred(), "the name was freed")
	})
})
