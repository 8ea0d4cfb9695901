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

func ids(numbers ...int) (list []uuid.UUID) {
	for _, number := range numbers {
		list = append(list, uuid.MustParse(idOf(number)))
	}
	return list
}

func members(numbers ...int) (list []index.Member) {
	for _, id := range ids(numbers...) {
		list = append(list, index.Member{ID: id})
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

// A group that lists 1 and 2 itself, 3 and 4 in a slice which is for all, and 4 and 5 in one
// of the release before, which is for nobody.
func TestPlan(t *testing.T) {
	state := &State{inline: members(1, 2), Tag: "tag", Slices: []*index.Slice{
		{Name: "one", Place: index.NewPlace("tag", 0), Members: members(3, 4)}, {Name: "two", Members: members(4, 5), Strays: true},
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
		"one in the group itself goes":      {[]scim.MemberChange{remove(1)}, Plan{Keep: members(2), Dropped: true, Leave: ids(1), Gone: ids(1)}, nil, 0},
		"one in its slice goes":             {[]scim.MemberChange{remove(3)}, Plan{Keep: members(1, 2), Leave: ids(3), Gone: ids(3)}, nil, 0},
		"one in two slices goes from both":  {[]scim.MemberChange{remove(4)}, Plan{Keep: members(1, 2), Leave: ids(4), Gone: ids(4), Strays: map[string][]uuid.UUID{"two": ids(4)}}, nil, 0},
		"a stray goes":                      {[]scim.MemberChange{remove(5)}, Plan{Keep: members(1, 2), Leave: ids(5), Gone: ids(5), Strays: map[string][]uuid.UUID{"two": ids(5)}}, nil, 0},
		"one that nothing lists goes":       {[]scim.MemberChange{remove(6)}, Plan{Keep: members(1, 2), Leave: ids(6)}, nil, 0},
		"the last change of a member":       {[]scim.MemberChange{remove(3), add(idOf(3)), add(idOf(6)), remove(6)}, Plan{Keep: members(1, 2), Leave: ids(6)}, nil, 0},
		"one whose id is none is left out":  {[]scim.MemberChange{add("babs")}, Plan{Keep: members(1, 2)}, nil, 1},
		"one whose id is none goes nowhere": {[]scim.MemberChange{{ID: "babs"}}, Plan{Keep: members(1, 2)}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			plan, candidates, nobody, err := state.Plan(c.changes, false)
			g.Expect(err).NotTo(HaveOccurred())
			if c.want.Strays == nil {
				c.want.Strays = map[string][]uuid.UUID{}
			}
			g.Expect(*plan).To(Equal(c.want))
			g.Expect(candidates).To(Equal(c.candidates))
			g.Expect(nobody).To(Equal(c.nobody))
			g.Expect(plan.Changes()).To(Equal(c.want.Dropped || len(c.want.Leave) > 0))
		})
	}
	_, _, _, err := state.Plan([]scim.MemberChange{add("babs")}, true)
	NewWithT(t).Expect(failure.Status(err)).To(Equal(http.StatusBadRequest))
}

// Who is in the group itself stays there when the group becomes too large for one object.
func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		next, current, itself, others []int
	}{
		"a small group":                   {[]int{1, 2}, nil, []int{1, 2}, nil},
		"one that is new":                 {[]int{3, 1, 2}, nil, nil, []int{3, 1, 2}},
		"one that grows":                  {[]int{3, 1, 4, 2}, []int{1, 2}, []int{1, 2}, []int{3, 4}},
		"one of which somebody goes, too": {[]int{3, 4, 2}, []int{1, 2}, []int{2}, []int{3, 4}},
		"one of the release before":       {[]int{1, 2, 3}, []int{1, 2, 3, 4}, []int{1, 2, 3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			next, current := group(t, c.next...), group(t, c.current...)
			if c.current == nil {
				current = nil
			}
			itself, others, err := Split(next, current, 2)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(itself.Members()).To(Equal(group(t, c.itself...).Members()))
			g.Expect(others).To(Equal(members(c.others...)))
			g.Expect(next.Members().IDs()).To(HaveLen(len(c.next)), "the group that was given is as it was")
		})
	}
	g := NewWithT(t)
	g.Expect(CheckCount(MaxMembers)).To(Succeed())
	g.Expect(failure.Status(CheckCount(MaxMembers + 1))).To(Equal(http.StatusBadRequest))
}
