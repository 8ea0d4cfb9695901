package userlabels

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

const (
	enterprise = schema.URNEnterpriseUser + ":"
	badge      = "urn:example:params:scim:schemas:extension:badge:2.0:User"
)

func registry(t *testing.T) *schema.Registry {
	t.Helper()
	registry, err := schema.NewRegistry(&schema.Schema{ID: badge, Attributes: []*schema.Attribute{
		{Name: "colour", CaseExact: true},
		{Name: "number", Type: schema.TypeInteger},
		{Name: "doors", MultiValued: true},
		{Name: "pin", Returned: schema.ReturnedNever},
		{Name: "desk", Type: schema.TypeComplex, SubAttributes: []*schema.Attribute{{Name: "room"}, {Name: "tags", MultiValued: true}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func TestAttributes(t *testing.T) {
	user := registry(t).User()
	for path, want := range map[string]string{
		"userType":                       "",
		"active":                         "",
		"externalId":                     "",
		"name.familyName":                "",
		enterprise + "department":        "",
		enterprise + "manager.value":     "",
		badge + ":colour":                "",
		badge + ":desk.room":             "",
		"department":                     `has to be written "` + enterprise + `department"`,
		"USERTYPE":                       `has to be written "userType"`,
		"colour":                         `has to be written "` + badge + `:colour"`,
		"departement":                    "no attribute",
		"name.nick":                      "no sub-attribute",
		"name":                           "is a complex",
		"emails":                         "several values",
		"emails.value":                   "several values",
		"groups":                         "nothing that an identity provider writes",
		"meta.version":                   "nothing that an identity provider writes",
		"id":                             "nothing that an identity provider writes",
		"profileUrl":                     "is a reference",
		"password":                       "is a secret",
		badge:                            "a whole schema",
		badge + ":number":                "is a integer",
		badge + ":doors":                 "several values",
		badge + ":pin":                   "is a secret",
		badge + ":desk.tags":             "several values",
		"urn:example:other:2.0:User:x":   "begins with no schema",
		enterprise + "manager.$ref":      "is a reference",
		enterprise + "manager.shoe":      "no sub-attribute",
		"":                               "no attribute",
		`emails[type eq "work"].value`:   "no attribute",
		schema.URNUser + ":title":        `has to be written "title"`,
		schema.URNGroup + ":displayName": "this is about a User",
	} {
		t.Run(path, func(t *testing.T) {
			g := NewWithT(t)
			set, err := Parse([]Definition{{Key: "team", Attribute: path}}, user)
			if want == "" {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(set.Digest()).NotTo(BeEmpty())
				return
			}
			g.Expect(err).To(MatchError(And(ContainSubstring(`the label "team": `), ContainSubstring(want))))
			g.Expect(set.Digest()).To(BeEmpty(), "it is left out")
		})
	}
}

func TestReserved(t *testing.T) {
	g := NewWithT(t)
	for key, want := range map[string]bool{
		"team": false, "example.com/team": false, "kubernetes.io": false, "notkubernetes.io/team": false, "k8s.io.example.com/team": false,
		"kubernetes.io/team": true, "app.kubernetes.io/name": true, "k8s.io/team": true, "x.k8s.io/team": true,
		"scim.kubescim.dev/tenant": true, "kubescim.dev/x": true, "argocd.argoproj.io/instance": true,
		"kustomize.toolkit.fluxcd.io/name": true, "velero.io/exclude-from-backup": true, "helm.sh/chart": true,
	} {
		g.Expect(Reserved(key)).To(Equal(want), key)
	}
	set, err := Parse([]Definition{{Key: "velero.io/exclude-from-backup", Attribute: "active"}, {Key: "team", Attribute: "userType"}}, registry(t).User())
	g.Expect(err).To(MatchError(ContainSubstring("velero.io/exclude-from-backup")))
	g.Expect(set.Of(scim.NewResource(registry(t).User(), scim.Complex{"active": true, "userType": "Staff"}))).
		To(Equal(map[string]string{"team": "staff"}), "what is right is used")
}

func TestLabelsOfAUser(t *testing.T) {
	g := NewWithT(t)
	user := registry(t).User()
	set, err := Parse([]Definition{
		{Key: "team", Attribute: enterprise + "department"}, {Key: "active", Attribute: "active"},
		{Key: "family", Attribute: "name.familyName"}, {Key: "colour", Attribute: badge + ":colour"}, {Key: "room", Attribute: badge + ":desk.room"},
	}, user)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(set.Of(scim.NewResource(user, scim.Complex{
		"active": false, "name": scim.Complex{"familyName": "Müller"},
		schema.URNEnterpriseUser: scim.Complex{"department": "R&D / PAYMENTS"},
		badge:                    scim.Complex{"colour": "Red", "desk": scim.Complex{"room": "B 12"}},
	}))).To(Equal(map[string]string{"team": "r-d-payments", "active": "false", "family": "muller", "colour": "Red", "room": "b-12"}))
	g.Expect(set.Of(scim.NewResource(user, scim.Complex{schema.URNEnterpriseUser: scim.Complex{"department": "営業部"}}))).To(BeEmpty())
	g.Expect((*Set)(nil).Of(scim.NewResource(user, nil))).To(BeEmpty())
}

func TestDigest(t *testing.T) {
	g := NewWithT(t)
	user := registry(t).User()
	digest := func(definitions ...Definition) string {
		set, err := Parse(definitions, user)
		g.Expect(err).NotTo(HaveOccurred())
		return set.Digest()
	}
	one, other := Definition{"team", "userType"}, Definition{"title", "title"}
	g.Expect(digest(one, other)).To(Equal(digest(other, one)), "the order does not matter")
	g.Expect(digest(one)).NotTo(Equal(digest(Definition{"team", "title"})))
	g.Expect(digest(one)).NotTo(Equal(digest(one, other)))
	g.Expect(digest()).To(Equal((*Set)(nil).Digest()))
}
