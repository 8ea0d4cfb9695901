package conformance

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// guarded is a policy by which two of ten may go, and no more.
func guarded(keep bool) store.Policy {
	return store.Policy{KeepDeletedUsers: keep, Tombstones: time.Hour, Guard: &guard.Guard{MaxPercent: 20, MinUsers: 1, Window: time.Hour}}
}

// beGuarded matches the error for what the guard has stopped.
func beGuarded() OmegaMatcher { return beFor(http.StatusServiceUnavailable, scim.Guarded) }

// staff creates so many users and returns their ids.
func (s *suite) staff(count int) (ids []string) {
	GinkgoHelper()
	for i := range count {
		ids = append(ids, s.create(s.user(fmt.Sprintf("user-%d@example.com", i))).ID())
	}
	return ids
}

// setActive makes a user active or inactive under the policy, at either replica.
func (s *suite) setActive(id string, active bool, policy store.Policy) error {
	s.one, s.other = s.other, s.one
	_, err := s.one.Update(s.ctx, s.registry.User(), id, set("active", active), store.UpdateOptions{Policy: policy})
	return err
}

// remove deletes a user or group under the policy, at either replica.
func (s *suite) remove(id string, group bool, policy store.Policy) error {
	s.one, s.other = s.other, s.one
	t := s.registry.User()
	if group {
		t = s.registry.Group()
	}
	return s.one.Delete(s.ctx, t, id, store.DeleteOptions{Policy: policy})
}

func (s *suite) describeDepartures() {
	for name, keep := range map[string]bool{"deleted": false, "kept": true} {
		It("lets no more users be deactivated and deleted in a while than the guard says, when these are "+name, func() {
			policy, ids := guarded(keep), s.staff(10)
			Expect(s.setActive(ids[0], false, policy)).To(Succeed())
			Expect(s.remove(ids[0], false, policy)).To(Succeed(), "who is inactive has gone already")
			Expect(s.remove(ids[1], false, policy)).To(Succeed())
			Expect(s.setActive(ids[2], false, policy)).To(beGuarded())
			Expect(s.remove(ids[3], false, policy)).To(beGuarded())
			_, err := s.other.Update(s.ctx, s.registry.User(), ids[2], set("title", "Guide"), store.UpdateOptions{Policy: policy})
			Expect(err).NotTo(HaveOccurred(), "all else goes on")
			Expect(s.setActive(ids[4], false, store.Policy{})).To(Succeed(), "there is no guard")
			Expect(s.setActive(ids[4], true, policy)).To(Succeed())
			Expect(s.setActive(ids[4], true, policy)).To(Succeed())
			Expect(s.setActive(ids[4], false, policy)).To(beGuarded())
			Expect(s.get(s.other, s.registry.User(), ids[4]).Attributes()["active"]).To(BeTrue())

			open := guarded(keep)
			open.Guard.AllowUntil = time.Now().Add(time.Minute)
			Expect(s.setActive(ids[2], false, open)).To(Succeed())
			Expect(s.remove(ids[3], false, open)).To(Succeed())
			shut := guarded(keep)
			shut.Guard.AllowUntil = time.Now()
			Expect(s.setActive(ids[4], false, shut)).To(Succeed(), "what was allowed does not count any more")
			Expect(s.setActive(ids[5], false, shut)).To(beGuarded())
			Expect(s.setActive(ids[4], true, shut)).To(Succeed())
			Expect(s.setActive(ids[5], false, shut)).To(Succeed(), "who is active again has not gone")
		})
	}

	It("counts nobody whose creation is undone, and does not keep them, but for who was kept before", func() {
		policy, ids := guarded(true), s.staff(10)
		undo := func(created *scim.Resource, err error) error {
			GinkgoHelper()
			Expect(err).NotTo(HaveOccurred())
			s.one, s.other = s.other, s.one
			return s.one.Delete(s.ctx, created.Type(), created.ID(), store.DeleteOptions{
				Policy: policy, Undoes: true, Precondition: func(version string) bool { return version == created.Meta().Version },
			})
		}
		Expect(s.remove(ids[0], false, policy)).To(Succeed())
		made, err := s.one.Create(s.ctx, s.user("new@example.com"), policy)
		Expect(undo(made, err)).To(Succeed())
		Expect(s.remove(ids[1], false, policy)).To(Succeed(), "one went before")
		again, err := s.one.Create(s.ctx, s.user("new@example.com"), policy)
		Expect(undo(again, err)).To(Succeed(), "the guard is shut")
		Expect(again.ID()).NotTo(Equal(made.ID()), "nobody was kept")
		Expect(undo(s.one.Create(s.ctx, s.group("New", ids[2:]...), policy))).To(Succeed())

		back, err := s.one.Create(s.ctx, s.user("user-0@example.com"), policy)
		Expect(back.ID()).To(Equal(ids[0]))
		Expect(undo(back, err)).To(Succeed(), "who was kept may go again")
		Expect(s.remove(ids[2], false, policy)).To(beGuarded(), "and counts")
		back, err = s.one.Create(s.ctx, s.user("user-0@example.com"), policy)
		Expect(err).NotTo(HaveOccurred())
		Expect(back.ID()).To(Equal(ids[0]), "and is kept again")
	})

	It("takes no more users out of groups at once than the guard says", func() {
		policy, ids := guarded(true), s.staff(10)
		inactive := s.user("inactive@example.com")
		inactive.SetActive(false)
		ids = append(ids, s.create(inactive).ID())
		inner := s.create(s.group("Inner", ids[0], ids[1], ids[2]))
		outer := s.create(s.group("Outer", inner.ID(), ids[0]))
		large := s.create(s.group("Large", ids[:6]...))
		change := func(id string, change store.Change) error {
			_, err := s.other.Update(s.ctx, s.registry.Group(), id, change, store.UpdateOptions{Policy: policy, ReplacesMembers: true})
			return err
		}
		leave := func(id string, members ...string) error {
			var changes []scim.MemberChange
			for _, member := range members {
				changes = append(changes, scim.MemberChange{ID: member})
			}
			same := func(current *scim.Resource) (*scim.Resource, error) { return current, nil }
			_, err := s.one.Update(s.ctx, s.registry.Group(), id, same, store.UpdateOptions{Policy: policy, Members: changes})
			return err
		}
		emptied := func(current *scim.Resource) (*scim.Resource, error) { return store.WithoutMembers(current), nil }

		Expect(change(large.ID(), emptied)).To(beGuarded())
		Expect(leave(large.ID(), ids[0], ids[1], ids[2])).To(beGuarded())
		Expect(s.remove(large.ID(), true, policy)).To(beGuarded())
		Expect(change(outer.ID(), emptied)).To(beGuarded(), "those of the group in it")
		Expect(leave(outer.ID(), inner.ID())).To(beGuarded())
		Expect(s.get(s.other, s.registry.Group(), large.ID()).Members().IDs()).To(ConsistOf(ids[:6]))

		Expect(leave(large.ID(), ids[4], ids[5], ids[10], ids[9])).To(Succeed(), "others are not in it, or inactive")
		Expect(leave(large.ID(), ids[3])).To(Succeed())
		Expect(leave(outer.ID(), ids[0])).To(Succeed())
		policy.Guard.AllowUntil = time.Now().Add(time.Minute)
		Expect(change(large.ID(), emptied)).To(Succeed())
		Expect(s.remove(inner.ID(), true, policy)).To(Succeed())
	})

	It("lets users go one after the other who are let go at the same time", func() {
		policy, ids := guarded(true), s.staff(10)
		gone := make(chan error)
		for _, id := range ids {
			go func() {
				gone <- s.one.Delete(s.ctx, s.registry.User(), id, store.DeleteOptions{Policy: policy})
			}()
		}
		refused := 0
		for range ids {
			if err := <-gone; err != nil {
				Expect(err).To(beGuarded())
				refused++
			}
		}
		Expect(refused).To(Equal(8))
	})
}
