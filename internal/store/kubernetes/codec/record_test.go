package codec

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

const someID = "a0b1c2d3-0000-4000-8000-000000000001"

var (
	acme   = client.ObjectKey{Namespace: "team", Name: "acme"}
	bygone = metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC))
)

func userObject(change ...func(*scimv1alpha1.ScimUser)) *scimv1alpha1.ScimUser {
	user := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: someID, Generation: 3}}
	user.Spec.TenantRef.Name, user.Spec.UserName = "acme", "Babs@example.com"
	user.Spec.Meta = scimv1alpha1.ResourceMeta{CreatedTime: bygone, LastModifiedTime: bygone}
	for _, each := range change {
		each(user)
	}
	return user
}

func deleted(user *scimv1alpha1.ScimUser) {
	user.Labels = map[string]string{scimv1alpha1.LabelDeleted: "true"}
}

func terminating(user *scimv1alpha1.ScimUser) {
	user.DeletionTimestamp = &metav1.Time{Time: bygone.Time}
}

// Whom clients are shown, whose name is taken, and who can be brought back.
func TestStandingOfARecord(t *testing.T) {
	released := func(user *scimv1alpha1.ScimUser) { ReleaseName(user, Writer{}) }
	for name, c := range map[string]struct {
		object                  *scimv1alpha1.ScimUser
		known, shown, kept, has bool
	}{
		"a user":                          {userObject(), true, true, false, true},
		"one whose name is no id":         {userObject(func(u *scimv1alpha1.ScimUser) { u.Name = "babs" }), true, false, false, true},
		"one whose id has capitals":       {userObject(func(u *scimv1alpha1.ScimUser) { u.Name = "A0B1C2D3-0000-4000-8000-000000000001" }), true, false, false, true},
		"one who is kept":                 {userObject(deleted), false, false, true, true},
		"one whose name is taken since":   {userObject(deleted, released), false, false, true, false},
		"one who is being deleted":        {userObject(terminating), false, false, false, false},
		"one kept who is being deleted":   {userObject(deleted, terminating), false, false, false, false},
		"one with another name":           {userObject(func(u *scimv1alpha1.ScimUser) { u.Spec.UserName = "babsy@example.com" }), true, true, false, false},
		"one with the name in small":      {userObject(func(u *scimv1alpha1.ScimUser) { u.Spec.UserName = "babs@example.com" }), true, true, false, true},
		"one with an empty deleted label": {userObject(func(u *scimv1alpha1.ScimUser) { u.Labels = map[string]string{scimv1alpha1.LabelDeleted: ""} }), true, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			record, err := Decode("acme", registry.User(), c.object)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(record.Known()).To(Equal(c.known), "known")
			g.Expect(record.Shown()).To(Equal(c.shown), "shown")
			g.Expect(record.Kept()).To(Equal(c.kept), "kept")
			g.Expect(record.Has(registry.User(), "BABS@example.com")).To(Equal(c.has), "has the name")
			g.Expect(record.Has(registry.Group(), "BABS@example.com")).To(BeFalse(), "no user has a group's name")
		})
	}
	g := NewWithT(t)
	nobody := (*Record)(nil)
	g.Expect(nobody.Known() || nobody.Shown() || nobody.Kept() || nobody.Has(registry.User(), "")).To(BeFalse())
}

func TestDecode(t *testing.T) {
	g := NewWithT(t)
	record, err := Decode("acme", registry.User(), userObject())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(record.Resource.ID()).To(Equal(someID))
	g.Expect(record.Resource.UserName()).To(Equal("Babs@example.com"))
	meta := record.Resource.Meta()
	g.Expect(meta.Created).To(Equal(bygone.UTC()))

	later, err := Decode("acme", registry.User(), userObject(func(u *scimv1alpha1.ScimUser) { u.Generation++ }))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(later.Resource.Meta().Version).NotTo(Equal(meta.Version), "a change of the spec is another version")
	labelled, err := Decode("acme", registry.User(), userObject(func(u *scimv1alpha1.ScimUser) { u.ResourceVersion = "77" }))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(labelled.Resource.Meta().Version).To(Equal(meta.Version), "a change of the metadata is not")

	g.Expect(Decode("globex", registry.User(), userObject())).To(BeNil(), "of another tenant")
	_, err = Decode("acme", registry.User(), &scimv1alpha1.ScimTenant{})
	g.Expect(err).To(HaveOccurred())

	group := &scimv1alpha1.ScimGroup{}
	group.Spec.TenantRef.Name, group.Spec.Members, group.Spec.MemberGroups = "acme", []scimv1alpha1.MemberID{"u"}, []scimv1alpha1.MemberID{"g"}
	record, err = Decode("acme", registry.Group(), group)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(store.MemberTypes(record.Resource)).To(Equal(map[string]string{"u": store.MemberUser, "g": store.MemberGroup}))
	record, err = DecodeWithoutMembers("acme", registry.Group(), group)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(record.Resource.Members().Len()).To(BeZero())
}

func TestEncode(t *testing.T) {
	g := NewWithT(t)
	base := userObject(deleted, func(u *scimv1alpha1.ScimUser) { u.Labels["team"], u.ResourceVersion = "x", "7" })
	resource := scim.NewResource(registry.User(), scim.Complex{"userName": "babsy", "title": "Guide"})
	stamp := Stamp(bygone, metav1.NewMicroTime(bygone.Add(time.Hour)), Writer{Actor: store.Actor{KeyID: "key", RequestID: "request"}})
	object, err := Encode(acme, base, resource, stamp, nil)
	g.Expect(err).NotTo(HaveOccurred())
	user := object.(*scimv1alpha1.ScimUser)
	g.Expect(user.Labels).To(Equal(map[string]string{"team": "x", scimv1alpha1.LabelTenant: "acme"}), "who is written is deleted no more")
	g.Expect(user.ResourceVersion).To(Equal("7"), "the write is one at the revision that was read")
	g.Expect(user.Spec.TenantRef.Name).To(Equal("acme"))
	g.Expect(user.Spec.UserName).To(Equal("babsy"))
	g.Expect(user.Spec.Meta).To(Equal(scimv1alpha1.ResourceMeta{
		CreatedTime: bygone, LastModifiedTime: metav1.NewMicroTime(bygone.Add(time.Hour)),
		ActiveTransitionTime: metav1.NewMicroTime(bygone.Add(time.Hour)), KeyID: "key", RequestID: "request"}))
	g.Expect(base.Labels).To(HaveKey(scimv1alpha1.LabelDeleted), "what was read is as it was")
	g.Expect(base.Spec.UserName).To(Equal("Babs@example.com"))

	stamp.DeletedTime = stamp.LastModifiedTime
	object, err = Encode(acme, userObject(), resource, stamp, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(object.GetLabels()).To(HaveKeyWithValue(scimv1alpha1.LabelDeleted, "true"))
	_, err = Encode(acme, userObject(), scim.NewResource(registry.User(), scim.Complex{"shoeSize": "41"}), stamp, nil)
	g.Expect(err).To(HaveOccurred(), "what cannot be stored is not lost")
}

// Since when a user is active, or is not, follows from each write.
func TestActiveTransition(t *testing.T) {
	before, now := metav1.NewMicroTime(bygone.Add(time.Hour)), metav1.NewMicroTime(bygone.Add(2*time.Hour))
	inactive := func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(false) }
	since := func(u *scimv1alpha1.ScimUser) { u.Spec.Meta.ActiveTransitionTime = before }
	none := metav1.MicroTime{}
	for name, c := range map[string]struct {
		base    *scimv1alpha1.ScimUser
		active  bool
		deleted bool
		want    metav1.MicroTime
	}{
		"one who is created":             {&scimv1alpha1.ScimUser{}, false, false, none},
		"one who stays active":           {userObject(), true, false, none},
		"one who stays active, again":    {userObject(since), true, false, before},
		"one who is deactivated":         {userObject(since), false, false, now},
		"one who stays inactive":         {userObject(inactive, since), false, false, before},
		"one who is made active":         {userObject(inactive, since), true, false, now},
		"an active one who is deleted":   {userObject(since), false, true, now},
		"an inactive one who is deleted": {userObject(inactive, since), false, true, before},
		"one who comes back":             {userObject(deleted, inactive, since), true, false, now},
		"one who comes back, inactive":   {userObject(deleted, inactive, since), false, false, before},
		"one who is deleted by hand":     {userObject(deleted, since), false, false, before},
	} {
		t.Run(name, func(t *testing.T) {
			g, stamp := NewWithT(t), Stamp(bygone, now, Writer{})
			if c.deleted {
				stamp.DeletedTime = now
			}
			user := scim.NewResource(registry.User(), scim.Complex{"userName": "babs", "active": c.active})
			object, err := Encode(acme, c.base, user, stamp, nil)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(MetaOf(object).ActiveTransitionTime).To(Equal(c.want))
			left := int64(0)
			if !c.active && !c.want.IsZero() {
				left = c.want.UnixMicro()
			}
			g.Expect(LeftAt(object, c.active)).To(Equal(left))
		})
	}
}

// A marker has an id and no name, and nothing of whom it comes after.
func TestMarker(t *testing.T) {
	g := NewWithT(t)
	base := userObject(func(u *scimv1alpha1.ScimUser) {
		u.Spec.Title = ptr.To("Guide")
		u.Spec.Extensions = []scimv1alpha1.ExtensionData{{Schema: "urn:example:former"}}
	})
	writer := Writer{Actor: store.Actor{RequestID: "request"}}
	object, err := Marker(acme, base, registry.User(), someID, Stamp(bygone, bygone, writer), writer)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(IsMarker(object)).To(BeTrue())
	g.Expect(IsMarker(base)).To(BeFalse())
	user := object.(*scimv1alpha1.ScimUser)
	g.Expect(user.Spec.UserName).To(Equal("deleted-" + someID))
	g.Expect(user.Spec.Active).To(HaveValue(BeFalse()))
	g.Expect(user.Spec.Title).To(BeNil())
	g.Expect(user.Spec.Extensions).To(BeEmpty())
	record, err := Decode("acme", registry.User(), object)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(record.Known()).To(BeFalse())
	g.Expect(record.Has(registry.User(), "deleted-"+someID)).To(BeFalse(), "it holds no name")

	group, err := Marker(acme, &scimv1alpha1.ScimGroup{}, registry.Group(), someID, Stamp(bygone, bygone, writer), writer)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(group.GetName()).To(Equal(someID))
	g.Expect(group.(*scimv1alpha1.ScimGroup).Spec.MemberCount).To(HaveValue(BeZero()))
}

func TestAnnotate(t *testing.T) {
	g := NewWithT(t)
	read := userObject(func(u *scimv1alpha1.ScimUser) { u.Annotations = map[string]string{"note": "x"} })
	shared := read.Annotations
	g.Expect(IsRepeated(read)).To(BeFalse())
	Annotate(read, AnnotationRepeated, Writer{Actor: store.Actor{RequestID: "request"}})
	g.Expect(read.Annotations).To(Equal(map[string]string{"note": "x", AnnotationRepeated: "request"}))
	g.Expect(IsRepeated(read)).To(BeTrue())
	g.Expect(shared).To(HaveLen(1), "a map that others may read is not written")
}
