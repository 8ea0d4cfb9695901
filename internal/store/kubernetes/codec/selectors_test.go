package codec

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/userlabels"
)

func titled(title string) func(*scimv1alpha1.ScimUser) {
	return func(user *scimv1alpha1.ScimUser) { user.Spec.Title = &title }
}

func TestLookup(t *testing.T) {
	address := func(value string, primary bool) scimv1alpha1.MultiValue {
		return scimv1alpha1.MultiValue{Value: &value, Primary: &primary}
	}
	for name, c := range map[string]struct {
		userName string
		emails   []scimv1alpha1.MultiValue
		want     scimv1alpha1.UserLookup
	}{
		"no address":             {"Babs@Example.com", nil, scimv1alpha1.UserLookup{UserName: "babs@example.com"}},
		"the primary one":        {"b", []scimv1alpha1.MultiValue{address("A@x", false), address("B@x", true)}, scimv1alpha1.UserLookup{UserName: "b", Email: "b@x"}},
		"else the first":         {"b", []scimv1alpha1.MultiValue{address("A@x", false), address("B@x", false)}, scimv1alpha1.UserLookup{UserName: "b", Email: "a@x"}},
		"a primary one of none":  {"b", []scimv1alpha1.MultiValue{{Primary: ptr.To(true)}, address("B@x", false)}, scimv1alpha1.UserLookup{UserName: "b", Email: "b@x"}},
		"other scripts":          {"ÄÖ@Straße", nil, scimv1alpha1.UserLookup{UserName: "äö@strasse"}},
		"what is far too long":   {strings.Repeat("ß", 600), []scimv1alpha1.MultiValue{address(strings.Repeat("x", 1025), true)}, scimv1alpha1.UserLookup{}},
		"what is just not":       {strings.Repeat("Ä", 1024), nil, scimv1alpha1.UserLookup{UserName: strings.Repeat("ä", 1024)}},
		"another one than there": {"c", nil, scimv1alpha1.UserLookup{UserName: "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			user := userObject(func(u *scimv1alpha1.ScimUser) {
				u.Spec.UserName, u.Spec.Emails = c.userName, c.emails
				u.Spec.Lookup = scimv1alpha1.UserLookup{UserName: "former", Email: "former@x"}
			})
			read, err := Decode("acme", registry.User(), user)
			g.Expect(err).NotTo(HaveOccurred())
			version := read.Resource.Meta().Version
			g.Expect(MendSelectors(user, read.Resource, nil)).To(BeTrue())
			g.Expect(user.Spec.Lookup).To(Equal(c.want))
			user.Generation++ // As the API server does.
			read, err = Decode("acme", registry.User(), user)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(read.Resource.Meta().Version).To(Equal(version))
			g.Expect(MendSelectors(user, read.Resource, nil)).To(BeFalse(), "once is enough")
		})
	}
}

func TestMadeLabels(t *testing.T) {
	set, err := userlabels.Parse([]userlabels.Definition{{Key: "title", Attribute: "title"}}, registry.User())
	if err != nil {
		t.Fatal(err)
	}
	with := func(labels map[string]string, annotation string, changes ...func(*scimv1alpha1.ScimUser)) *scimv1alpha1.ScimUser {
		return userObject(append(changes, func(u *scimv1alpha1.ScimUser) {
			labels[scimv1alpha1.LabelTenant] = "acme"
			u.Labels = labels
			if annotation != "" {
				u.Annotations = map[string]string{annotationLabels: annotation}
			}
			u.Spec.Lookup = scimv1alpha1.UserLookup{UserName: "babs@example.com"}
			if labels[scimv1alpha1.LabelDeleted] != "" {
				u.Spec.Lookup = scimv1alpha1.UserLookup{}
			}
		})...)
	}
	type labels = map[string]string
	for name, c := range map[string]struct {
		user       *scimv1alpha1.ScimUser
		want       labels
		annotation string
	}{
		"as it should be":            {with(labels{"title": "guide"}, "title", titled("Guide")), labels{"title": "guide"}, "title"},
		"one that is missing":        {with(labels{}, "title", titled("Guide")), labels{"title": "guide"}, "title"},
		"one that is wrong":          {with(labels{"title": "chief"}, "title", titled("Guide")), labels{"title": "guide"}, "title"},
		"one by hand that is right":  {with(labels{"title": "guide"}, "", titled("Guide")), labels{"title": "guide"}, "title"},
		"no value":                   {with(labels{"title": "guide"}, "title"), labels{}, ""},
		"no value, and one by hand":  {with(labels{"title": "mine"}, ""), labels{"title": "mine"}, ""},
		"one that is wanted no more": {with(labels{"team": "x", "other": "y"}, "team", titled("Guide")), labels{"title": "guide", "other": "y"}, "title"},
		"deleted":                    {with(labels{"title": "guide", scimv1alpha1.LabelDeleted: "true"}, "title", titled("Guide")), labels{scimv1alpha1.LabelDeleted: "true"}, ""},
		"an annotation that lies":    {with(labels{scimv1alpha1.LabelDeleted: "true"}, scimv1alpha1.LabelTenant), labels{scimv1alpha1.LabelDeleted: "true"}, scimv1alpha1.LabelTenant},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.want[scimv1alpha1.LabelTenant] = "acme"
			read, err := Decode("acme", registry.User(), c.user)
			g.Expect(err).NotTo(HaveOccurred())
			before := c.user.DeepCopy()
			wanted := LabelDigest(nil)
			if Exists(c.user) {
				wanted = LabelDigest(set.Of(read.Resource))
			}
			asItShould := SelectorDigest("acme", c.user) == wanted
			g.Expect(MendSelectors(c.user, read.Resource, set)).To(Equal(!asItShould), "what memory shows is what is written")
			g.Expect(c.user.Labels).To(Equal(c.want))
			g.Expect(c.user.Annotations[annotationLabels]).To(Equal(c.annotation))
			g.Expect(c.user.Spec).To(Equal(before.Spec))
			g.Expect(SelectorDigest("acme", c.user)).To(Equal(wanted))
		})
	}
}

func TestLostLabelsAreSeen(t *testing.T) {
	g := NewWithT(t)
	user := userObject(func(u *scimv1alpha1.ScimUser) { u.Spec.Lookup.UserName = "babs@example.com" })
	g.Expect(SelectorDigest("acme", user)).To(BeZero(), "it has not the label of its tenant")
	shared := map[string]string{}
	user.Labels = shared
	PutLabels(user, LabelsOf("acme", user))
	g.Expect(SelectorDigest("acme", user)).NotTo(BeZero())
	g.Expect(shared).To(BeEmpty(), "a map that others may read is not written")
	user.Spec.UserName = "other"
	g.Expect(SelectorDigest("acme", user)).To(BeZero(), "it has not the spec.lookup of its userName")
}

func TestLabelDigest(t *testing.T) {
	g := NewWithT(t)
	g.Expect(LabelDigest(map[string]string{"a": "bc"})).NotTo(Equal(LabelDigest(map[string]string{"ab": "c"})))
	g.Expect(LabelDigest(map[string]string{"a": ""})).NotTo(Equal(LabelDigest(nil)))
	g.Expect(LabelDigest(nil)).NotTo(BeZero())
}

func TestVersionCountsWithoutUnversionedWrites(t *testing.T) {
	g := NewWithT(t)
	version := func(annotation string) string {
		user := userObject(func(u *scimv1alpha1.ScimUser) { u.Annotations = map[string]string{annotationUnversioned: annotation} })
		return versionOf(user)
	}
	g.Expect(version("1")).To(HavePrefix(`W/"2-`))
	for _, nonsense := range []string{"", "-1", "x", "99999999999999999999"} {
		g.Expect(version(nonsense)).To(HavePrefix(`W/"3-`), nonsense)
	}
}
