package slice

import (
	"slices"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// Plan is what a request makes of the members of a group with slices.
type Plan struct {
	// Add are members that no object lists.
	Add []index.Member
	// Keep are the members in the group itself that stay; Dropped reports whether
	// some do not.
	Keep    []index.Member
	Dropped bool
	// Leave are the members that go, as far as slices can list them.
	Leave []uuid.UUID
	// Gone are the members that go and that the group lists.
	Gone []uuid.UUID
	// Strays are those of them that slices list which they are not for, by the slice.
	Strays map[string][]uuid.UUID
}

// Changes reports whether anything is to be written.
func (p *Plan) Changes() bool { return len(p.Add) > 0 || p.Dropped || len(p.Leave) > 0 }

// Plan returns what the changes come to, given who is listed where; the last change of a
// member counts. Who is to be added, and no object lists, is a candidate: whether it exists
// is still to be looked up. nobody is how many are to be added whose id is none, if such are
// not refused.
func (g *State) Plan(changes []scim.MemberChange, refuseUnknown bool) (wanted *Plan, candidates []string, nobody int, err error) {
	last := make(map[uuid.UUID]bool, len(changes))
	var order []uuid.UUID
	for _, change := range changes {
		id, err := codec.ParseID(change.ID)
		switch {
		case err == nil:
		case change.Add && refuseUnknown:
			return nil, nil, 0, store.UnknownMember(change.ID)
		default:
			if change.Add {
				nobody++
			}
			continue // It is nobody's.
		}
		if _, again := last[id]; !again {
			order = append(order, id)
		}
		last[id] = change.Add
	}
	wanted = &Plan{Strays: map[string][]uuid.UUID{}}
	wanted.Keep = slices.DeleteFunc(slices.Clone(g.inline), func(m index.Member) bool {
		add, asked := last[m.ID]
		return asked && !add
	})
	wanted.Dropped = len(wanted.Keep) < len(g.inline)
	listed := g.listing(last)
	for _, id := range order {
		if !last[id] && len(listed[id]) > 0 {
			wanted.Gone = append(wanted.Gone, id)
		}
		switch {
		case last[id] && len(listed[id]) == 0:
			candidates = append(candidates, id.String())
		case !last[id] && len(g.Slices) > 0:
			wanted.Leave = append(wanted.Leave, id)
			for _, slice := range listed[id] {
				if slice != nil && !g.covers(slice, id) {
					wanted.Strays[slice.Name] = append(wanted.Strays[slice.Name], id)
				}
			}
		}
	}
	return wanted, candidates, nobody, nil
}
