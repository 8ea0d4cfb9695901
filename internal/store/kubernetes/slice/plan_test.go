package slice

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

func idOf(number int) string { return fmt.Sprintf("a0b1c2d3-0000-4000-8000-%012d", number) }

func members(numbers ...int) (list []index.Member) {
	for _, number := range numbers {
		list = append(list, index.Member{ID: uuid.MustParse(idOf(number))})
	}
	return list
}

func group(t *testing.T, numbers ...int) *scim.Resource {
	t.Helper()
	registry, err := schema.NewRegistry()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	group := scim.NewResource(registry.Group(), scim.Complex{"displayName": "Everybody"})
	var values []scim.Reference
	for _, number := range numbers {
		values = append(values, store.Member(idOf(number), store.MemberUser))
	}
	group.SetMembers(scim.MembersOf(values))
	return group
}

// A group that lists 1 and 2 itself, 3 and 4 in one slice, and 4 and 5 in another.
func TestPlan(t *testing.T) {
	state := &State{inline: members(1, 2), Slices: []*index.Slice{
		{Name: "one", Members: members(3, 4)}, {Name: "two", Members: members(4, 5)},
	}}
	add := func(id string) scim.MemberChange { return scim.MemberChange{ID: id, Add: true} }
	remove := func(number int) scim.MemberChange { return scim.MemberChange{ID: idOf(number)} }
	for name, c := range map[string]struct {
		changes    []scim.MemberChange
		want       Plan
		candidates []string
		nobody     int
	}{
		"nothing":                           {nil, Plan{Keep: members(1, 2)}, nil, 0},
		"one that is listed already":        {[]scim.MemberChange{add(idOf(1)), add(idOf(4))}, Plan{Keep: members(1, 2)}, nil, 0},
		"one that nothing lists":            {[]scim.MemberChange{add(idOf(6))}, Plan{Keep: members(1, 2)}, []string{idOf(6)}, 0},
		"one in the group itself goes":      {[]scim.MemberChange{remove(1)}, Plan{Keep: members(2), Dropped: true}, nil, 0},
		"one in two slices goes from both":  {[]scim.MemberChange{remove(4)}, Plan{Keep: members(1, 2), Remove: map[string][]index.Member{"one": members(4), "two": members(4)}}, nil, 0},
		"one that nothing lists goes":       {[]scim.MemberChange{remove(6)}, Plan{Keep: members(1, 2)}, nil, 0},
		"the last change of a member":       {[]scim.MemberChange{remove(3), add(idOf(3)), add(idOf(6)), remove(6)}, Plan{Keep: members(1, 2)}, nil, 0},
		"one whose id is none is left out":  {[]scim.MemberChange{add("babs")}, Plan{Keep: members(1, 2)}, nil, 1},
		"one whose id is none goes nowhere": {[]scim.MemberChange{{ID: "babs"}}, Plan{Keep: members(1, 2)}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			plan, candidates, nobody, err := state.Plan(c.changes, false)
			g.Expect(err).NotTo(HaveOccurred())
			if c.want.Remove == nil {
				c.want.Remove = map[string][]index.Member{}
			}
			g.Expect(*plan).To(Equal(c.want))
			g.Expect(candidates).To(Equal(c.candidates))
			g.Expect(nobody).To(Equal(c.nobody))
			g.Expect(plan.Changes()).To(Equal(c.want.Dropped || len(c.want.Remove) > 0))
		})
	}
	_, _, _, err := state.Plan([]scim.MemberChange{add("babs")}, true)
	NewWithT(t).Expect(failure.Status(err)).To(Equal(http.StatusBadRequest))
}

// Who is in the group itself stays there when the group becomes too large for one object.
func TestSplit(t *testing.T) {
	g := NewWithT(t)
	grown, current := group(t, 3, 1, 4, 2), group(t, 1, 2)
	first, others, err := Split(Staying(grown, current), 2)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(first.Members().IDs()).To(Equal([]string{idOf(1), idOf(2)}))
	g.Expect(others).To(Equal(members(3, 4)))
	g.Expect(grown.Members().IDs()).To(HaveLen(4), "the group that was given is as it was")

	first, others, err = Split(current, 2)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(others).To(BeEmpty())
	g.Expect(first).To(Equal(current))

	g.Expect(CheckCount(MaxMembers)).To(Succeed())
	g.Expect(failure.Status(CheckCount(MaxMembers + 1))).To(Equal(http.StatusBadRequest))
}
