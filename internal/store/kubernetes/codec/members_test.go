package codec

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	firstID  = "a0b1c2d3-0000-4000-8000-000000000001"
	secondID = "a0b1c2d3-0000-4000-8000-000000000002"
)

var first, second = index.Member{ID: uuid.MustParse(firstID)}, index.Member{ID: uuid.MustParse(secondID), Group: true}

func TestParseID(t *testing.T) {
	g := NewWithT(t)
	g.Expect(ParseID(firstID)).To(Equal(first.ID))
	for _, none := range []string{
		"", "babs", "A0B1C2D3-0000-4000-8000-000000000001", "{" + firstID + "}", "urn:uuid:" + firstID,
		"a0b1c2d3000040008000000000000001", firstID + "0", "a0b1c2d3-0000-4000-8000-00000000000g",
	} {
		_, err := ParseID(none)
		g.Expect(err).To(HaveOccurred(), none)
	}
}

func TestRevisionOf(t *testing.T) {
	for text, want := range map[string]uint64{"7": 7, "18446744073709551615": 1<<64 - 1, "": 0, "x": 0, "-1": 0, "1.5": 0} {
		NewWithT(t).Expect(RevisionOf(&metav1.ObjectMeta{ResourceVersion: text})).To(Equal(want), text)
	}
}

// The members of an object, and back. What is no id was not written by a server.
func TestMembersOfAnObject(t *testing.T) {
	g := NewWithT(t)
	users, groups := []scimv1alpha1.MemberID{firstID, "babs"}, []scimv1alpha1.MemberID{secondID}
	members := MembersOf(users, groups)
	g.Expect(members).To(Equal([]index.Member{first, second}))
	users, groups = MemberLists(members)
	g.Expect(users).To(Equal([]scimv1alpha1.MemberID{firstID}))
	g.Expect(groups).To(Equal([]scimv1alpha1.MemberID{secondID}))
	g.Expect([]string{MemberType(first), MemberType(second)}).To(Equal([]string{store.MemberUser, store.MemberGroup}))
	g.Expect(Distinct([]index.Member{second, first, second, first})).To(Equal([]index.Member{second, first}))

	group := scim.NewResource(registry.Group(), scim.Complex{"displayName": "x"})
	group.SetMembers(scim.MembersOf([]scim.Reference{store.Member(firstID, store.MemberUser), store.Member("babs", store.MemberUser), store.Member(secondID, store.MemberGroup)}))
	g.Expect(MembersOfResource(group)).To(Equal([]index.Member{first, second}))
}

func TestSliceEntry(t *testing.T) {
	g := NewWithT(t)
	slice := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{Name: "s", Generation: 4, ResourceVersion: "70"}}
	empty := SliceEntry(first.ID, slice)
	g.Expect(empty.Members).To(BeEmpty())
	slice.Spec.Members = []scimv1alpha1.MemberID{firstID}
	slice.Spec.Meta = scimv1alpha1.ResourceMeta{CreatedTime: bygone, LastModifiedTime: bygone}
	entry := SliceEntry(second.ID, slice)
	g.Expect(*entry).To(Equal(index.Slice{
		Name: "s", Group: second.ID, Revision: 70, Generation: 4, Created: bygone.UTC(), Modified: bygone.UTC(),
		Strays: true, Members: []index.Member{first}, Bytes: store.ObjectOverhead + store.MemberSize,
	}))
	slice.Annotations = map[string]string{"note": "four"}
	g.Expect(SliceEntry(second.ID, slice).Bytes-entry.Bytes).To(BeEquivalentTo(len("note")+len("four")), "annotations take room")
}

func TestMarkSliced(t *testing.T) {
	g := NewWithT(t)
	group := &scimv1alpha1.ScimGroup{}
	g.Expect(IsSliced(group)).To(BeFalse())
	MarkSliced(group)
	g.Expect(IsSliced(group)).To(BeTrue())
	group.Labels = map[string]string{"team": "x"}
	MarkSliced(group)
	g.Expect(group.Labels).To(HaveKeyWithValue("team", "x"))
}

func TestSelections(t *testing.T) {
	for name, c := range map[string]struct {
		option client.ListOption
		fields []string
	}{
		"a tenant": {OfTenant("acme"), []string{"spec.tenantRef.name=acme"}},
		"a group":  {OfGroup("acme", firstID), []string{"spec.groupRef.name=" + firstID, "spec.tenantRef.name=acme"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, options := NewWithT(t), &client.ListOptions{}
			c.option.ApplyToList(options)
			g.Expect(strings.Split(options.FieldSelector.String(), ",")).To(ConsistOf(c.fields))
			g.Expect(options.LabelSelector).To(BeNil(), "people lose labels")
		})
	}
}

// A write whose answer got lost is recognised by the id of its request, which is never empty.
func TestWriterOf(t *testing.T) {
	g := NewWithT(t)
	by := WriterOf(store.WithActor(context.Background(), store.Actor{KeyID: "key", RequestID: "request"}))
	g.Expect(by).To(Equal(Writer{Actor: store.Actor{KeyID: "key", RequestID: "request"}, Owner: "scim/key"}))
	one, another := WriterOf(context.Background()), WriterOf(context.Background())
	g.Expect(one.Owner).To(BeEquivalentTo("scim"))
	g.Expect(one.RequestID).NotTo(BeEmpty())
	g.Expect(one.RequestID).NotTo(Equal(another.RequestID))
}
