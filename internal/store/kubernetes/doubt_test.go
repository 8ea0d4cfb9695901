package kubernetes

import (
	"context"
	"errors"
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
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// Refusals that say nothing about a try before.
var refusals = map[string]error{
	"a full quota": apierrors.NewForbidden(scimv1alpha1.GroupVersion.WithResource("scimusers").GroupResource(), "x", errors.New("exceeded quota")),
	"a webhook": &apierrors.StatusError{ErrStatus: apierrors.NewBadRequest(
		`admission webhook "no.example.com" denied the request: no`).ErrStatus},
	"an API server that knows no roles yet": apierrors.NewForbidden(
		scimv1alpha1.GroupVersion.WithResource("scimusers").GroupResource(), "x", errors.New("RBAC: not yet")),
	"an API server that knows no accounts yet": apierrors.NewUnauthorized("not yet"),
	"throttling": apierrors.NewTooManyRequests("slow down", 1),
}

// scripted returns a client whose writes of users with the verb are answered by the
// script: for each call a function that gets the write to make, or not, and answers.
// Calls after the script are made as they are.
func scripted(verb string, script ...func(write func() error) error) client.Client {
	var mu sync.Mutex
	play := func(does string, obj client.Object, write func() error) error {
		_, isUser := obj.(*scimv1alpha1.ScimUser)
		mu.Lock()
		if !isUser || does != verb || len(script) == 0 {
			mu.Unlock()
			return write()
		}
		next := script[0]
		script = script[1:]
		mu.Unlock()
		return next(write)
	}
	return interceptor.NewClient(live, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return play("create", obj, func() error { return c.Create(context.WithoutCancel(ctx), obj, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return play("update", obj, func() error { return c.Update(context.WithoutCancel(ctx), obj, opts...) })
		},
	})
}

var errLost = errors.New("connection reset by peer")

// arrives makes a write whose answer gets lost, and hangs one that is still on its way.
func arrives(write func() error) error {
	Expect(write()).To(Succeed())
	return errLost
}

func hangs(late *func() error) func(write func() error) error {
	return func(write func() error) error {
		*late = write
		return errLost
	}
}

func answers(err error) func(write func() error) error {
	return func(func() error) error { return err }
}

var _ = Describe("A write that may have happened", func() {
	var (
		namespace string
		healthy   *Store
	)
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		healthy = newStore(live, namespace)
	})
	create := func(ctx context.Context, userName string) *scim.Resource {
		GinkgoHelper()
		created, err := healthy.Create(ctx, newUser(userName), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		return created
	}
	// soon bounds a request, so that it does not try for long what never works.
	soon := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		DeferCleanup(cancel)
		return ctx
	}

	for name, refusal := range refusals {
		It("is a user who was created, whatever the next try is answered: "+name, func(ctx SpecContext) {
			s := newStore(scripted("create", arrives, answers(refusal)), namespace)
			created, err := s.Create(ctx, newUser("babs@example.com"), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			_, err = healthy.Create(ctx, newUser("BABS@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict), "the name has its holder")
			Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(created.ID()))
		})

		It("is a user who comes late, and only if nobody has got the name meanwhile: "+name, func(ctx SpecContext) {
			var late func() error
			s := newStore(scripted("create", hangs(&late), answers(refusal)), namespace)
			_, err := s.Create(soon(ctx), newUser("babs@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "it may be created yet")
			Expect(err).To(MatchError(ContainSubstring("may have been made")))
			successor := create(ctx, "Babs@example.com")
			Expect(late()).NotTo(Succeed())
			Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(successor.ID()))
		})

		It("is a rename, whatever the next try is answered: "+name, func(ctx SpecContext) {
			user := create(ctx, "old@example.com")
			var late func() error
			s := newStore(scripted("update", hangs(&late), answers(refusal)), namespace)
			_, err := s.Update(soon(ctx), registry.User(), user.ID(), rename("new@example.com"), store.UpdateOptions{})
			Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
			Expect(err).To(MatchError(ContainSubstring("may have been made")))
			Expect(late()).To(Succeed())
			_, err = healthy.Create(ctx, newUser("NEW@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict))
			Expect(find(ctx, healthy, "new@example.com")).To(ConsistOf(user.ID()))
		})
	}

	It("is no reason to tell a client who sent If-Match that it has failed", func(ctx SpecContext) {
		user := create(ctx, "babs@example.com")
		first := func(version string) bool { return version == user.Meta().Version }
		overtaken := func(write func() error) error {
			Expect(write()).To(Succeed())
			_, err := healthy.Update(ctx, registry.User(), user.ID(), titled("of somebody else"), store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			return errLost
		}
		s := newStore(scripted("update", overtaken), namespace)
		_, err := s.Update(soon(ctx), registry.User(), user.ID(), titled("mine"), store.UpdateOptions{Precondition: first})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "it was written")
		Expect(err).To(MatchError(ContainSubstring("may have been made")))
	})

	It("is among what the update has changed, and a try that lost a race is not", func(ctx SpecContext) {
		user := create(ctx, "babs@example.com")
		overtaken := func(func() error) error {
			_, err := healthy.Update(ctx, registry.User(), user.ID(), titled("mine"), store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			return apierrors.NewConflict(scimv1alpha1.GroupVersion.WithResource("scimusers").GroupResource(), user.ID(), errors.New("modified"))
		}
		s := newStore(scripted("update", overtaken, arrives), namespace)
		var changed []string
		_, err := s.Update(ctx, registry.User(), user.ID(), func(current *scim.Resource) (*scim.Resource, error) {
			next, err := titled("mine")(current)
			if err == nil {
				next.Attributes()["nickName"] = "Babs"
			}
			return next, err
		}, store.UpdateOptions{Changed: func(names []string) { changed = names }})
		Expect(err).NotTo(HaveOccurred())
		Expect(changed).To(ConsistOf("nickName"))
	})

	It("is not made a second time after somebody else has written", func(ctx SpecContext) {
		user := create(ctx, "babs@example.com")
		overtaken := func(write func() error) error {
			Expect(write()).To(Succeed())
			_, err := healthy.Update(ctx, registry.User(), user.ID(), titled("of somebody else"), store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			return errLost
		}
		s := newStore(scripted("update", overtaken), namespace)
		_, err := s.Update(soon(ctx), registry.User(), user.ID(), titled("mine"), store.UpdateOptions{})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
		found, err := healthy.Get(ctx, registry.User(), user.ID(), store.View{})
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Attributes()["title"]).To(Equal("of somebody else"))
	})

	It("is not taken for another one of the same request", func(ctx SpecContext) {
		// The operations of a bulk request have one id.
		ctx2 := store.WithActor(ctx, store.Actor{RequestID: "7a0f8a52-2b8b-4f0e-9d3c-0f6f0b1f7c11"})
		user := create(ctx, "babs@example.com")
		_, err := healthy.Update(ctx2, registry.User(), user.ID(), titled("first"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s := newStore(scripted("update", answers(errLost)), namespace)
		updated, err := s.Update(ctx2, registry.User(), user.ID(), titled("second"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(updated.Attributes()["title"]).To(Equal("second"))
	})

	It("is a deletion, although the user has been brought back since", func(ctx SpecContext) {
		keep := store.Policy{KeepDeletedUsers: true}
		user := create(ctx, "babs@example.com")
		first := func(version string) bool { return version == user.Meta().Version }
		overtaken := func(write func() error) error {
			Expect(write()).To(Succeed())
			_, err := healthy.Create(ctx, newUser("babs@example.com"), keep)
			Expect(err).NotTo(HaveOccurred())
			return errLost
		}
		s := newStore(scripted("update", overtaken), namespace)
		err := s.Delete(soon(ctx), registry.User(), user.ID(), store.DeleteOptions{Policy: keep, Precondition: first})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "it was deleted once")
		Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(user.ID()), "and is not deleted again")
	})

	for name, failing := range map[string]interceptor.Funcs{
		"the groups of the user cannot be read": {
			List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return errLost },
		},
		"the claim of the old name cannot be released": {
			Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error { return errLost },
		},
	} {
		It("is one after which something else fails: "+name, func(ctx SpecContext) {
			user := create(ctx, "old@example.com")
			s := newStore(interceptor.NewClient(live, failing), namespace)
			_, err := s.Update(soon(ctx), registry.User(), user.ID(), rename("new@example.com"), store.UpdateOptions{})
			Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
			Expect(err).To(MatchError(ContainSubstring("may have been made")))
			found, err := healthy.Get(ctx, registry.User(), user.ID(), store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.UserName()).To(Equal("new@example.com"), "it was made")
		})
	}

	It("is one of the members of a group that somebody deletes before it is answered", func(ctx SpecContext) {
		small := sizes{inline: 1, slice: 3}
		first, second, third := create(ctx, "a@example.com"), create(ctx, "b@example.com"), create(ctx, "c@example.com")
		group, err := sized(healthy, small).Create(ctx, newGroup("Tour Guides", first.ID(), second.ID()), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		s := sized(newStore(interceptor.NewClient(live, interceptor.Funcs{
			Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
				err := c.Update(ctx, obj, opts...)
				if _, slice := obj.(*scimv1alpha1.ScimGroupMembers); slice {
					Expect(healthy.Delete(ctx, registry.Group(), group.ID(), store.DeleteOptions{})).To(Succeed())
				}
				return err
			},
		}), namespace), small)
		_, err = s.Update(ctx, registry.Group(), group.ID(), unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: third.ID(), Add: true}}})
		Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "404 would say that nothing was done")
	})

	It("leaves the name of a user free who was deleted, though a group cannot be written", func(ctx SpecContext) {
		user := create(ctx, "babs@example.com")
		_, err := healthy.Create(ctx, newGroup("Tour Guides", user.ID()), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		s := newStore(interceptor.NewClient(live, interceptor.Funcs{
			Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
				if _, group := obj.(*scimv1alpha1.ScimGroup); group {
					return refusals["a webhook"]
				}
				return c.Update(ctx, obj, opts...)
			},
		}), namespace)
		Expect(s.Delete(ctx, registry.User(), user.ID(), store.DeleteOptions{})).To(Succeed())
		Expect(healthy.claims.Get(ctx, registry.User(), "babs@example.com")).To(BeNil())
	})

	It("brings back a kept user, whatever the next try is answered", func(ctx SpecContext) {
		keep := store.Policy{KeepDeletedUsers: true}
		user := create(ctx, "babs@example.com")
		Expect(healthy.Delete(ctx, registry.User(), user.ID(), store.DeleteOptions{Policy: keep})).To(Succeed())
		s := newStore(scripted("update", arrives), namespace)
		back, err := s.Create(ctx, newUser("babs@example.com"), keep)
		Expect(err).NotTo(HaveOccurred())
		Expect(back.ID()).To(Equal(user.ID()))
	})

	Describe("and is found and deleted by somebody else", func() {
		var successor *scim.Resource
		// succeed deletes the user, and creates another one of the name.
		succeed := func(ctx context.Context) {
			GinkgoHelper()
			for _, id := range find(ctx, healthy, "babs@example.com") {
				Expect(healthy.Delete(ctx, registry.User(), id, store.DeleteOptions{})).To(Succeed())
			}
			successor = create(ctx, "BABS@example.com")
		}

		It("is not made again", func(ctx SpecContext) {
			s := newStore(scripted("create", func(write func() error) error {
				Expect(write()).To(Succeed())
				succeed(ctx)
				return errLost
			}), namespace)
			_, err := s.Create(soon(ctx), newUser("babs@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
			Expect(err).To(MatchError(ContainSubstring("may have been made")))
			Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(successor.ID()))
		})

		It("is not made again by a try that is under way", func(ctx SpecContext) {
			s := newStore(scripted("create", arrives, func(write func() error) error {
				succeed(ctx)
				return write()
			}), namespace)
			created, err := s.Create(ctx, newUser("babs@example.com"), store.Policy{})
			Expect(err).NotTo(HaveOccurred(), "it was, before it was deleted")
			Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(successor.ID()))
			_, err = healthy.Get(ctx, registry.User(), created.ID(), store.View{})
			Expect(failure.IsNotFound(err)).To(BeTrue())
		})

		It("leaves a marker if another try begins while it is deleted", func(ctx SpecContext) {
			user := create(ctx, "babs@example.com")
			deleter := newStore(scripted("update", func(write func() error) error {
				claim, err := healthy.claims.Repeat(ctx, registry.User(), "babs@example.com", user.ID(), codec.WriterOf(ctx))
				Expect(err).NotTo(HaveOccurred())
				Expect(claim).NotTo(BeNil())
				return write()
			}), namespace)
			Expect(deleter.Delete(ctx, registry.User(), user.ID(), store.DeleteOptions{})).To(Succeed())
			left, err := healthy.objects.Read(ctx, registry.User(), user.ID())
			Expect(err).NotTo(HaveOccurred())
			Expect(left).NotTo(BeNil())
			Expect(codec.IsMarker(left.Object)).To(BeTrue())
			create(ctx, "babs@example.com")
		})
	})

	It("resurrects nobody who was deleted meanwhile, if it comes very late", func(ctx SpecContext) {
		var late func() error
		s := newStore(scripted("create", hangs(&late)), namespace)
		user, err := s.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(healthy.Delete(ctx, registry.User(), user.ID(), store.DeleteOptions{})).To(Succeed())
		Expect(late()).NotTo(Succeed())
		_, err = healthy.Get(ctx, registry.User(), user.ID(), store.View{})
		Expect(failure.Status(err)).To(Equal(http.StatusNotFound))
		successor := create(ctx, "babs@example.com")
		Expect(find(ctx, healthy, "babs@example.com")).To(ConsistOf(successor.ID()))
	})
})

func titled(title string) store.Change {
	return func(current *scim.Resource) (*scim.Resource, error) {
		next := current.Clone()
		next.Attributes()["title"] = title
		return next, nil
	}
}
