package index_test

import (
	"testing"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/store/index"
)

// changing puts things with revisions into an index.
type changing struct{ *tenant }

func (c changing) user(id uuid.UUID, revision uint64) {
	user := scim.NewResource(c.registry.User(), scim.Complex{"id": id.String(), "userName": id.String(), "active": true})
	c.index.PutUser(&index.Entry{ID: id, Compact: *compact.Of(user), Revision: revision, Name: id.String(), Active: true})
}

func (c changing) group(id uuid.UUID, revision uint64, members ...index.Member) {
	group := scim.NewResource(c.registry.Group(), scim.Complex{"id": id.String(), "displayName": id.String()})
	c.index.PutGroup(&index.Entry{
		ID: id, Compact: *compact.Of(group), Revision: revision, Name: id.String(), Group: &index.Group{Generation: 1, Members: members},
	})
}

// all are the ids of what has changed since a position, in pages of two.
func (c changing) all(since index.Position) (ids []uuid.UUID) {
	for c.index.HasChanged(since) {
		page, _ := c.index.Changes(since, 2)
		if len(page) == 0 {
			return ids
		}
		for _, change := range page {
			ids = append(ids, change.ID)
			since[change.Kind] = change.Revision
		}
	}
	return ids
}

func TestChangesComeInOrderAndOnce(t *testing.T) {
	g := NewWithT(t)
	c := changing{newTenant(t)}
	a, b, gone, group := c.id(), c.id(), c.id(), c.id()
	g.Expect(c.index.HasChanged(index.Position{})).To(BeFalse())
	c.user(a, 5)
	c.user(b, 7)
	c.user(gone, 8)
	c.group(group, 6)
	c.index.PutSlice(&index.Slice{Name: "slice", Group: group, Revision: 9, Members: []index.Member{{ID: a}}})
	c.user(a, 10)
	c.index.PutKept(index.Kept{ID: gone, Revision: 11})
	g.Expect(c.all(index.Position{})).To(Equal([]uuid.UUID{group, b, group, a, gone}))
	g.Expect(c.all(index.Position{index.UserObjects: 10, index.GroupObjects: 6})).To(Equal([]uuid.UUID{group, gone}))
	g.Expect(c.all(index.Position{index.UserObjects: 11, index.GroupObjects: 6, index.SliceObjects: 9})).To(BeEmpty())
	_, all := c.index.Changes(index.Position{index.UserObjects: 9}, 1)
	g.Expect(all).To(Equal(4))
	c.index.RemoveUser(gone)
	g.Expect(c.all(index.Position{index.UserObjects: 10, index.GroupObjects: 6, index.SliceObjects: 9})).To(BeEmpty(), "nothing is left of it")
}

func TestChangesAreTheOldestOfVeryMany(t *testing.T) {
	g := NewWithT(t)
	c := changing{newTenant(t)}
	for i := range uint64(1000) {
		c.user(c.id(), 1+i*7919%1000)
	}
	oldest, all := c.index.Changes(index.Position{index.UserObjects: 100}, 16)
	g.Expect(all).To(Equal(900))
	g.Expect(oldest).To(HaveLen(16))
	for i, change := range oldest {
		g.Expect(change.Revision).To(Equal(uint64(101 + i)))
	}
}

func TestStateOfWhatHasChanged(t *testing.T) {
	g := NewWithT(t)
	c := changing{newTenant(t)}
	user, gone, group := c.id(), c.id(), c.id()
	c.user(user, 5)
	c.index.PutKept(index.Kept{ID: gone, Revision: 6})
	c.group(group, 7, index.Member{ID: user})
	c.index.PutSlice(&index.Slice{Name: "slice", Group: group, Revision: 9, Members: []index.Member{{ID: c.id()}}})
	userType, groupType := c.registry.User(), c.registry.Group()

	state, known := c.index.State(index.Change{ID: user}, userType, 10)
	g.Expect(known && state.Whole && !state.Deleted).To(BeTrue())
	g.Expect(state.Revision).To(Equal(uint64(5)))
	g.Expect(state.Resource.Attributes()).NotTo(HaveKey("groups"))

	state, known = c.index.State(index.Change{ID: gone}, userType, 10)
	g.Expect(known && state.Deleted).To(BeTrue())
	g.Expect(state.Revision).To(Equal(uint64(6)))

	state, known = c.index.State(index.Change{ID: group, Group: true, Revision: 7}, groupType, 10)
	g.Expect(known && state.Whole).To(BeTrue())
	g.Expect(state.Revision).To(Equal(uint64(9)), "that of its slice, so that it never goes back")
	g.Expect(state.Resource.Members().IDs()).To(Equal([]string{user.String()}))

	state, known = c.index.State(index.Change{ID: group, Group: true}, groupType, 1)
	g.Expect(known && !state.Whole).To(BeTrue(), "it has too many members")
	g.Expect(state.Resource.Members().IDs()).To(BeEmpty())

	_, known = c.index.State(index.Change{ID: c.id()}, userType, 10)
	g.Expect(known).To(BeFalse())
}
