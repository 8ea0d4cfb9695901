package conformance

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

func (s *suite) describeDeletion() {
	for name, policy := range map[string]store.Policy{
		"deleted": {},
		"kept":    {KeepDeletedUsers: true},
	} {
		It("knows nothing of a user that was deleted, when it is "+name, func() {
			user := s.create(s.user("babs@example.com"))
			s.delete(s.registry.User(), user.ID(), policy)
			_, err := s.other.Get(s.ctx, s.registry.User(), user.ID(), store.View{})
			Expect(err).To(beNotFound())
			_, err = s.other.Update(s.ctx, s.registry.User(), user.ID(), set("title", "x"), store.UpdateOptions{})
			Expect(err).To(beNotFound())
			Expect(s.other.Delete(s.ctx, s.registry.User(), user.ID(), store.DeleteOptions{Policy: policy})).To(beNotFound())
			Expect(s.list(s.other, s.registry.User(), "").TotalResults).To(BeZero())
			Expect(s.list(s.other, s.registry.User(), `userName eq "babs@example.com"`).TotalResults).To(BeZero())
			Expect(s.list(s.other, s.registry.User(), `id eq "`+user.ID()+`"`).TotalResults).To(BeZero())
		})

		It("takes a user that is deleted out of its groups, when it is "+name, func() {
			user, colleague := s.create(s.user("babs@example.com")), s.create(s.user("colleague@example.com"))
			group := s.create(s.group("Tour Guides", user.ID(), colleague.ID()))
			s.delete(s.registry.User(), user.ID(), policy)
			Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(colleague.ID()))
		})
	}

	It("deletes a group at the version that it has, with all of its members, and at no other", func() {
		group := s.create(s.group("Tour Guides", s.staff(8)...))
		at := func(version string) store.DeleteOptions {
			return store.DeleteOptions{Precondition: func(now string) bool { return now == version }}
		}
		members := s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()
		same := func(current *scim.Resource) (*scim.Resource, error) { return current, nil }
		changed, err := s.other.Update(s.ctx, s.registry.Group(), group.ID(), same, store.UpdateOptions{Members: []scim.MemberChange{{ID: members[7]}}})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.one.Delete(s.ctx, s.registry.Group(), group.ID(), at(group.Meta().Version))).To(beSCIM(http.StatusPreconditionFailed, ""))
		Expect(s.one.Delete(s.ctx, s.registry.Group(), group.ID(), at(changed.Meta().Version))).To(Succeed())
		_, err = s.other.Get(s.ctx, s.registry.Group(), group.ID(), store.View{})
		Expect(err).To(beNotFound())
	})

	It("frees the name of a user that was deleted, and never uses its id again", func() {
		user := s.create(s.user("babs@example.com"))
		s.delete(s.registry.User(), user.ID(), store.Policy{})
		successor, err := s.other.Create(s.ctx, s.user("BABS@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(successor.ID()).NotTo(Equal(user.ID()))
	})

	It("brings a kept user back with its id, its time of creation and the new content, and into no group", func() {
		user := s.create(s.user("babs@example.com"))
		group := s.create(s.group("Tour Guides", user.ID()))
		s.delete(s.registry.User(), user.ID(), store.Policy{KeepDeletedUsers: true})

		again := scim.NewResource(s.registry.User(), scim.Complex{"userName": "Babs@example.com", "active": true, "title": "Tour Guide"})
		back, err := s.other.Create(s.ctx, again, store.Policy{KeepDeletedUsers: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(back.ID()).To(Equal(user.ID()))
		Expect(back.Meta().Created).To(Equal(user.Meta().Created))
		Expect(back.Meta().Version).NotTo(Equal(user.Meta().Version))
		Expect(back.Equal(again)).To(BeTrue())
		Expect(s.get(s.one, s.registry.Group(), group.ID()).Members().IDs()).To(BeEmpty())
		Expect(s.get(s.one, s.registry.User(), user.ID()).Equal(again)).To(BeTrue())
		_, err = s.one.Create(s.ctx, s.user("babs@example.com"), store.Policy{})
		Expect(err).To(beTaken())
	})

	It("refuses to bring a kept user back where the policy says so", func() {
		user := s.create(s.user("babs@example.com"))
		s.delete(s.registry.User(), user.ID(), store.Policy{KeepDeletedUsers: true})
		_, err := s.other.Create(s.ctx, s.user("babs@example.com"), store.Policy{KeepDeletedUsers: true, RefuseRecreation: true})
		Expect(err).To(beTaken())
	})

	It("gives the name of a kept user to another who is renamed to it", func() {
		kept := s.create(s.user("babs@example.com"))
		s.delete(s.registry.User(), kept.ID(), store.Policy{KeepDeletedUsers: true})
		heir := s.create(s.user("heir@example.com"))
		s.update(s.one, s.registry.User(), heir.ID(), set("userName", "babs@example.com"))
		_, err := s.other.Create(s.ctx, s.user("babs@example.com"), store.Policy{KeepDeletedUsers: true})
		Expect(err).To(beTaken())
		Expect(idsOf(s.list(s.other, s.registry.User(), `userName eq "babs@example.com"`))).To(ConsistOf(heir.ID()))
	})

	It("deletes a group for good, and frees its name", func() {
		group := s.create(s.group("Tour Guides"))
		s.delete(s.registry.Group(), group.ID(), store.Policy{KeepDeletedUsers: true})
		_, err := s.other.Get(s.ctx, s.registry.Group(), group.ID(), store.View{})
		Expect(err).To(beNotFound())
		Expect(s.create(s.group("Tour Guides")).ID()).NotTo(Equal(group.ID()))
	})
}
