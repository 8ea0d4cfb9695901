package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

const unknownID = "a0b1c2d3-0000-4000-8000-000000000000"

func (s *suite) describeGroups() {
	It("keeps members that it knows, users and groups, and tells them apart", func() {
		user, inner := s.create(s.user("babs@example.com")), s.create(s.group("Inner"))
		outer := s.create(s.group("Outer", user.ID(), inner.ID(), unknownID, "no id at all"))
		found := s.get(s.other, s.registry.Group(), outer.ID())
		Expect(store.MemberTypes(found)).To(Equal(map[string]string{user.ID(): "User", inner.ID(): "Group"}))
	})

	It("refuses members that it does not know where the policy says so, and changes nothing", func() {
		strict := store.Policy{RejectUnknownMembers: true}
		_, err := s.one.Create(s.ctx, s.group("Tour Guides", unknownID), strict)
		Expect(err).To(beSCIM(http.StatusBadRequest, scim.InvalidValue))
		group := s.create(s.group("Tour Guides"))
		_, err = s.one.Update(s.ctx, s.registry.Group(), group.ID(), addMember(unknownID), store.UpdateOptions{Policy: strict})
		Expect(err).To(beSCIM(http.StatusBadRequest, scim.InvalidValue))
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Meta()).To(Equal(group.Meta()))
	})

	It("knows no deleted user as a member", func() {
		user := s.create(s.user("babs@example.com"))
		s.delete(s.registry.User(), user.ID(), store.Policy{KeepDeletedUsers: true})
		group := s.create(s.group("Tour Guides", user.ID()))
		Expect(group.Members().IDs()).To(BeEmpty())
	})

	It("keeps the members of a user that is inactive", func() {
		user := s.create(s.user("babs@example.com"))
		group := s.create(s.group("Tour Guides", user.ID()))
		s.update(s.one, s.registry.User(), user.ID(), set("active", false))
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(user.ID()))
	})

	It("derives the groups of a user, direct and indirect, even when groups hold each other", func() {
		user := s.create(s.user("babs@example.com"))
		inner := s.create(s.group("Inner", user.ID()))
		outer := s.create(s.group("Outer", inner.ID()))
		s.update(s.one, s.registry.Group(), inner.ID(), addMember(outer.ID()))
		groups := ConsistOf(
			scim.Complex{"value": inner.ID(), "display": "Inner", "type": "direct"},
			scim.Complex{"value": outer.ID(), "display": "Outer", "type": "indirect"},
		)
		Expect(s.get(s.other, s.registry.User(), user.ID()).Attributes()["groups"]).To(groups)
		page := s.list(s.other, s.registry.User(), `groups.value eq "`+outer.ID()+`"`)
		Expect(idsOf(page)).To(ConsistOf(user.ID()))
		Expect(page.Resources[0].Attributes()["groups"]).To(groups)
		updated := s.update(s.other, s.registry.User(), user.ID(), set("title", "Guide"))
		Expect(updated.Attributes()["groups"]).To(groups)
	})

	It("leaves out what the view does not want", func() {
		user := s.create(s.user("babs@example.com"))
		group := s.create(s.group("Tour Guides", user.ID()))
		view := store.View{WithoutGroups: true, WithoutMembers: true}
		found, err := s.one.Get(s.ctx, s.registry.Group(), group.ID(), view)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Members().IDs()).To(BeEmpty())
		updated, err := s.one.Update(s.ctx, s.registry.Group(), group.ID(), set("externalId", "g1"), store.UpdateOptions{View: view})
		Expect(err).NotTo(HaveOccurred())
		Expect(updated.Members().IDs()).To(BeEmpty())
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(user.ID()))
	})

	It("acquires memory for members before it has them, and does nothing without", func() {
		user := s.create(s.user("babs@example.com"))
		group := s.create(s.group("Tour Guides", user.ID()))
		full := errors.New("there is no memory")
		var asked int64
		view := store.View{Memory: func(_ context.Context, bytes int64) error { asked = bytes; return full }}
		_, err := s.other.Get(s.ctx, s.registry.Group(), group.ID(), view)
		Expect(err).To(MatchError(full))
		Expect(asked).To(BeNumerically(">", 100))
		_, err = s.other.List(s.ctx, s.registry.Group(), store.Query{StartIndex: 1, Count: 10, View: view})
		Expect(err).To(MatchError(full))
		_, err = s.other.Update(s.ctx, s.registry.Group(), group.ID(), set("externalId", "g1"), store.UpdateOptions{View: view})
		Expect(err).To(MatchError(full))
		Expect(s.get(s.one, s.registry.Group(), group.ID()).ExternalID()).To(BeEmpty())
		view.WithoutMembers = true
		_, err = s.other.Update(s.ctx, s.registry.Group(), group.ID(), set("externalId", "g1"), store.UpdateOptions{View: view})
		Expect(err).NotTo(HaveOccurred())
	})

	It("loses no member when replicas add to one group at the same time", func() {
		group := s.create(s.group("Tour Guides"))
		var (
			adding sync.WaitGroup
			ids    = make([]string, 0, 10)
		)
		for i := range cap(ids) {
			ids = append(ids, s.create(s.user(fmt.Sprintf("user%d@example.com", i))).ID())
		}
		for i, id := range ids {
			replica := s.one
			if i%2 == 1 {
				replica = s.other
			}
			adding.Go(func() {
				defer GinkgoRecover()
				_, err := replica.Update(s.ctx, s.registry.Group(), group.ID(), addMember(id), store.UpdateOptions{})
				Expect(err).NotTo(HaveOccurred())
			})
		}
		adding.Wait()
		Expect(s.get(s.one, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(ids))
	})
}
