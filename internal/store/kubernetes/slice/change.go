package slice

import (
	"slices"

	"github.com/google/uuid"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// change is one of a member: it comes, or else it goes.
type change struct {
	index.Member

	add bool
}

// changed is what becomes of a slice.
type changed struct {
	members []index.Member
	depth   int
	// listed reports whether the members are others than before, and raised whether the
	// slice is for fewer of them.
	listed, raised bool
	// fenced reports whether the slice must be written in any case, since somebody goes whom
	// it does not list, and who may be on the way to it.
	fenced bool
	// rest are the changes to be made in other slices, by their number.
	rest map[uint32][]change
}

// changeSlice makes changes in a slice which lists members and may be for so many of them.
func changeSlice(place index.Place, members []index.Member, changes []change, full int) changed {
	c := changed{members: slices.Clone(members), rest: map[uint32][]change{}}
	pass := func(one change) {
		number := place.Next(one.ID)
		c.rest[number] = append(c.rest[number], one)
	}
	var coming []change
	for _, one := range changes {
		at := slices.IndexFunc(c.members, func(m index.Member) bool { return m.ID == one.ID })
		switch {
		case !one.add && at >= 0:
			c.members, c.listed = slices.Delete(c.members, at, at+1), true
		case !one.add && place.Covers(one.ID):
			c.fenced = true
		case one.add && at < 0 && place.Covers(one.ID):
			coming = append(coming, one)
		}
		if !place.Covers(one.ID) {
			pass(one)
		}
	}
	before := place.Depth
	for place.Depth < codec.MaxDepth && !c.fits(place, coming, full) {
		place.Depth++
	}
	c.depth, c.raised = place.Depth, place.Depth > before
	for _, one := range coming {
		if !place.Covers(one.ID) {
			pass(one)
			continue
		}
		c.members, c.listed = append(c.members, one.Member), true
	}
	return c
}

// fits reports whether a slice has room at a place for those who come and are for it.
func (c *changed) fits(place index.Place, coming []change, full int) bool {
	covered := 0
	for _, one := range coming {
		if place.Covers(one.ID) {
			covered++
		}
	}
	all := len(c.members) + covered
	if covered == 0 || all <= full {
		return true
	}
	if all > scimv1alpha1.MaxSliceMembers {
		return false
	}
	return all-len(strays(place, c.members)) <= full
}

// strays are those of the members for whom a slice is not.
func strays(place index.Place, members []index.Member) (ids []uuid.UUID) {
	for _, m := range members {
		if !place.Covers(m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
