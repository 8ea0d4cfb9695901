package slice

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

var (
	noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	one  = time.Date(2026, 1, 1, 13, 0, 0, 0, time.UTC)
)

// stateOf is a group that lists 1 and 2 itself, 3 and 4 in an older slice, and 4 and 5 in another.
func stateOf(t *testing.T) *State {
	t.Helper()
	object := &scimv1alpha1.ScimGroup{ObjectMeta: metav1.ObjectMeta{Name: idOf(99), Generation: 2, ResourceVersion: "70"}}
	codec.MarkSliced(object)
	object.Spec.TenantRef.Name, object.Spec.DisplayName = "acme", "Everybody"
	object.Spec.Meta = scimv1alpha1.ResourceMeta{CreatedTime: metav1.NewMicroTime(noon), LastModifiedTime: metav1.NewMicroTime(noon)}
	object.Spec.Members = []scimv1alpha1.MemberID{scimv1alpha1.MemberID(idOf(1)), scimv1alpha1.MemberID(idOf(2))}
	read, err := codec.Decode("acme", group(t).Type(), object)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return StateOf(read, object, []*index.Slice{
		{Name: "two", Created: one, Modified: one, Generation: 5, Members: members(4, 5)},
		{Name: "one", Created: noon, Modified: noon, Generation: 1, Members: members(3, 4)},
	})
}

func TestStateOf(t *testing.T) {
	g := NewWithT(t)
	state := stateOf(t)
	g.Expect([]string{state.Slices[0].Name, state.Slices[1].Name}).To(Equal([]string{"one", "two"}), "in the order of their making")
	g.Expect(state.Size()).To(Equal(6), "what is listed twice takes room twice")
	g.Expect(state.Marked).To(BeTrue())
	g.Expect(state.Revision).To(BeEquivalentTo(70))
	g.Expect(state.Current.Members().Len()).To(BeZero())
	g.Expect(state.Current.Meta().LastModified).To(Equal(one), "a group was modified when a slice was")
	g.Expect(state.Current.Meta().Version).To(Equal(index.VersionWithSlices(2, 6, one)))

	whole := group(t)
	state.Complete(whole, store.View{})
	g.Expect(whole.Members().IDs()).To(Equal([]string{idOf(1), idOf(2), idOf(3), idOf(4), idOf(5)}), "each once")
	g.Expect(whole.Meta()).To(Equal(state.Current.Meta()))
	without := group(t)
	state.Complete(without, store.View{WithoutMembers: true})
	g.Expect(without.Members().Len()).To(BeZero())
}

// The version of a group with slices changes with each of their changes, and is the one that
// a read shows afterwards.
func TestAfter(t *testing.T) {
	g := NewWithT(t)
	state := stateOf(t)
	two := one.Add(time.Hour)
	next := state.After(2, two)
	g.Expect(next.Meta().LastModified).To(Equal(two))
	g.Expect(next.Meta().Version).To(Equal(index.VersionWithSlices(2, 8, two)))
	state.Slices[0].Generation += 2
	state.Slices[0].Modified = two
	g.Expect(next.Meta()).To(Equal(index.MetaWithSlices(state.Current.Meta(), 2, state.Slices)))

	g.Expect(stateOf(t).After(1, noon).Meta().LastModified).To(Equal(one), "time does not go back when a clock is behind")
	g.Expect(stateOf(t).After(1, noon).Meta().Version).NotTo(Equal(stateOf(t).Current.Meta().Version))
}

// What a PUT of a group comes to.
func TestChangesTo(t *testing.T) {
	add := func(id string) scim.MemberChange { return scim.MemberChange{ID: id, Add: true} }
	remove := func(number int) scim.MemberChange { return scim.MemberChange{ID: idOf(number)} }
	for name, c := range map[string]struct {
		next []int
		want []scim.MemberChange
	}{
		"the same in another order": {[]int{5, 4, 3, 2, 1}, []scim.MemberChange{}},
		"one more":                  {[]int{1, 2, 3, 4, 5, 6}, []scim.MemberChange{add(idOf(6))}},
		"one less in the group":     {[]int{2, 3, 4, 5}, []scim.MemberChange{remove(1)}},
		"one for another":           {[]int{1, 2, 4, 5, 7}, []scim.MemberChange{remove(3), add(idOf(7))}},
		"one who is in two slices":  {[]int{1, 2, 3, 5}, []scim.MemberChange{remove(4), remove(4)}},
		"nobody":                    {nil, []scim.MemberChange{remove(1), remove(2), remove(3), remove(4), remove(4), remove(5)}},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(stateOf(t).ChangesTo(group(t, c.next...))).To(Equal(c.want))
		})
	}
	next := group(t, 1, 2, 3, 4, 5)
	next.SetMembers(next.Members().And(scim.MembersOf([]scim.Reference{{Value: "babs"}})))
	NewWithT(t).Expect(stateOf(t).ChangesTo(next)).To(Equal([]scim.MemberChange{add("babs")}), "the one who carries it out refuses it")
}
