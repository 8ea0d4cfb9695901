package conformance

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// describeMembers has what must hold of groups of any size. A backend that spreads
// members over several objects runs it with so few in each that eight take several.
func (s *suite) describeMembers() {
	var ids []string
	BeforeEach(func() {
		ids = nil
		for i := range 10 {
			ids = append(ids, s.create(s.user(fmt.Sprintf("user%d@example.com", i))).ID())
		}
	})

	It("holds many members, in whole lists and one by one", func() {
		group := s.create(s.group("Tour Guides", ids[:8]...))
		Expect(group.Members().IDs()).To(ConsistOf(ids[:8]))
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(ids[:8]))

		changed := s.change(s.other, group.ID(), add(ids[8]), remove(ids[0]), add(ids[0]), remove(ids[1]))
		Expect(changed.Members().IDs()).To(ConsistOf(append([]string{ids[0]}, ids[2:9]...)))
		Expect(s.get(s.one, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(changed.Members().IDs()))

		replaced := s.update(s.one, s.registry.Group(), group.ID(), func(current *scim.Resource) (*scim.Resource, error) {
			next := s.group("Renamed", append([]string{ids[9]}, ids[4:9]...)...)
			next.SetID(current.ID())
			return next, nil
		})
		Expect(replaced.Members().IDs()).To(ConsistOf(ids[4:]))
		Expect(replaced.DisplayName()).To(Equal("Renamed"))
		Expect(idsOf(s.list(s.other, s.registry.Group(), `displayName eq "renamed" and members.value eq "`+ids[9]+`"`))).To(ConsistOf(group.ID()))
		Expect(idsOf(s.list(s.other, s.registry.Group(), `members.value eq "`+ids[0]+`"`))).To(BeEmpty())

		emptied := s.update(s.other, s.registry.Group(), group.ID(), func(current *scim.Resource) (*scim.Resource, error) {
			return store.WithoutMembers(current), nil
		})
		Expect(emptied.Members().IDs()).To(BeEmpty())
		Expect(s.change(s.one, group.ID(), add(ids[3])).Members().IDs()).To(ConsistOf(ids[3]))
	})

	It("says whether members have changed", func() {
		group := s.create(s.group("Tour Guides", ids[:8]...))
		for _, step := range []struct {
			change  store.Change
			members []scim.MemberChange
			want    []string
		}{
			{unchanged, []scim.MemberChange{add(ids[8])}, []string{"members"}},
			{unchanged, []scim.MemberChange{add(ids[8]), remove(ids[9])}, nil},
			{unchanged, []scim.MemberChange{remove(ids[8])}, []string{"members"}},
			{unchanged, []scim.MemberChange{remove(ids[0]), add(ids[9])}, []string{"members"}},
			{set("displayName", "Guides"), []scim.MemberChange{}, []string{"displayName"}},
			{set("displayName", "Tour Guides"), []scim.MemberChange{add(ids[0])}, []string{"displayName", "members"}},
			{func(current *scim.Resource) (*scim.Resource, error) { return store.WithoutMembers(current), nil }, nil, []string{"members"}},
		} {
			var changed []string
			_, err := s.other.Update(s.ctx, s.registry.Group(), group.ID(), step.change, store.UpdateOptions{
				Members: step.members, Changed: func(names []string) { changed = names },
			})
			Expect(err).NotTo(HaveOccurred())
			Expect(changed).To(ConsistOf(step.want), "%v", step.members)
		}
	})

	It("changes the version and the time with the members, and with nothing else", func() {
		group := s.create(s.group("Tour Guides", ids[:8]...))
		seen := map[string]bool{group.Meta().Version: true}
		for _, change := range []scim.MemberChange{add(ids[8]), remove(ids[0]), remove(ids[8]), add(ids[0])} {
			changed := s.change(s.one, group.ID(), change)
			Expect(seen).NotTo(HaveKey(changed.Meta().Version), "a version is used once")
			Expect(changed.Meta().LastModified).To(BeTemporally(">", group.Meta().LastModified))
			Expect(changed.Meta().Created).To(Equal(group.Meta().Created))
			seen[changed.Meta().Version] = true
			group = changed
		}
		nothing := []scim.MemberChange{add(ids[0]), remove(ids[9]), remove(unknownID), add(unknownID), add("no id")}
		for range 20 { // Some of them are for slices that are not there.
			nothing = append(nothing, remove(uuid.NewString()))
		}
		for _, change := range nothing {
			Expect(s.change(s.other, group.ID(), change).Meta()).To(Equal(group.Meta()))
		}
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Meta()).To(Equal(group.Meta()))

		_, err := s.other.Update(s.ctx, s.registry.Group(), group.ID(), unchanged, store.UpdateOptions{
			Members:      []scim.MemberChange{add(ids[9])},
			Precondition: func(version string) bool { return version != group.Meta().Version },
		})
		Expect(err).To(beSCIM(http.StatusPreconditionFailed, ""))
		_, err = s.other.Update(s.ctx, s.registry.Group(), group.ID(), unchanged, store.UpdateOptions{
			Members: []scim.MemberChange{add(ids[9]), add(unknownID)}, Policy: store.Policy{RejectUnknownMembers: true},
		})
		Expect(err).To(beSCIM(http.StatusBadRequest, scim.InvalidValue))
		Expect(s.get(s.one, s.registry.Group(), group.ID()).Meta()).To(Equal(group.Meta()))
	})

	It("takes a deleted user out of groups of any size, and a deleted group from its users", func() {
		group := s.create(s.group("Tour Guides", ids[:8]...))
		s.delete(s.registry.User(), ids[0], store.Policy{})
		s.delete(s.registry.User(), ids[7], store.Policy{KeepDeletedUsers: true})
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(ids[1:7]))
		revived := s.create(s.user("user7@example.com"))
		Expect(revived.ID()).To(Equal(ids[7]))
		Expect(revived.Attributes()).NotTo(HaveKey("groups"))
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(ids[1:7]))

		s.delete(s.registry.Group(), group.ID(), store.Policy{})
		Expect(s.get(s.other, s.registry.User(), ids[3]).Attributes()).NotTo(HaveKey("groups"))
		Expect(s.create(s.group("Tour Guides")).Members().IDs()).To(BeEmpty())
	})

	It("has exactly the members that changes from several replicas at the same time leave", func() {
		group := s.create(s.group("Tour Guides", ids[:5]...))
		var changing sync.WaitGroup
		for i, id := range ids {
			replica, change := s.one, remove(id)
			if i%2 == 1 {
				replica = s.other
			}
			if i >= 5 {
				change = add(id)
			}
			changing.Go(func() {
				defer GinkgoRecover()
				s.change(replica, group.ID(), change)
			})
		}
		changing.Wait()
		Expect(s.get(s.one, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(ids[5:]))
		Expect(s.get(s.other, s.registry.Group(), group.ID()).Members().IDs()).To(ConsistOf(ids[5:]))
	})
}

func add(id string) scim.MemberChange    { return scim.MemberChange{ID: id, Add: true} }
func remove(id string) scim.MemberChange { return scim.MemberChange{ID: id} }

// unchanged is a change of nothing but the members.
func unchanged(current *scim.Resource) (*scim.Resource, error) { return current, nil }

// change changes members of a group one by one.
func (s *suite) change(in store.Store, id string, changes ...scim.MemberChange) *scim.Resource {
	GinkgoHelper()
	updated, err := in.Update(s.ctx, s.registry.Group(), id, unchanged, store.UpdateOptions{Members: changes})
	Expect(err).NotTo(HaveOccurred())
	return updated
}
