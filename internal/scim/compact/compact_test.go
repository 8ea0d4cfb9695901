package compact_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

const compactUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:example:badge"],
"externalId":"E-1","userName":"Älice \"A\" \u2028","active":true,"name":{"givenName":"Älice","familyName":"<&>"},
"emails":[{"value":"a@example.com","type":"work","primary":true},{"value":"b@example.com"}],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":{"value":"m-1"}},
"urn:example:badge":{"number":12,"weight":3,"issued":"2026-01-02T03:04:05Z"}}`

func badgeSchema(returned schema.AttributeReturned) *schema.Schema {
	return &schema.Schema{ID: "urn:example:badge", Attributes: []*schema.Attribute{
		{Name: "number", Type: schema.TypeInteger, Returned: returned},
		{Name: "weight", Type: schema.TypeDecimal},
		{Name: "issued", Type: schema.TypeDateTime},
	}}
}

// A compact resource must be the resource that it was made of, in every view of it.
func TestCompact(t *testing.T) {
	for name, returned := range map[string]schema.AttributeReturned{"all by default": "", "some on request": schema.ReturnedRequest} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			registry, err := schema.NewRegistry(badgeSchema(returned))
			g.Expect(err).NotTo(HaveOccurred())
			user := registry.User()
			original, err := document.Decode(user, []byte(compactUser), scim.Leniency{})
			g.Expect(err).NotTo(HaveOccurred())
			original.SetID("6b18e2d4-2639-4b61-bd3c-eb77a6b6d39b")
			created := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
			original.SetMeta(scim.Meta{Created: created, LastModified: created.Add(time.Second), Version: `W/"3"`})
			form := compact.Of(original)
			references := []scim.Reference{{Value: "g-1", Type: "direct", Display: "One \"1\""}, {Value: "g/2", Type: "indirect"}}

			for _, derived := range [][]scim.Reference{nil, references} {
				complete := original.Clone()
				if derived != nil {
					complete.Attributes()["groups"] = []any{
						scim.Complex{"value": "g-1", "type": "direct", "display": "One \"1\""}, scim.Complex{"value": "g/2", "type": "indirect"}}
				}
				g.Expect(form.Expand(derived).Attributes()).To(Equal(complete.Attributes()))
				g.Expect(form.Expand(derived).ID()).To(Equal(complete.ID()))
				g.Expect(form.Expand(derived).Meta()).To(Equal(complete.Meta()))
				g.Expect(form.Expand(derived).Equal(complete)).To(BeTrue())
				for _, text := range []string{
					`userName co "\"A\""`, `userName pr and name.givenName eq "älice"`, `emails[type eq "work"].value eq "a@example.com"`,
					`emails.value ew "b@example.com"`, `groups.display eq "One \"1\""`, `groups[type eq "indirect"]`, `not (groups pr)`,
					`urn:example:badge:number gt 11`, `urn:example:badge:weight eq 3.0`, `urn:example:badge:issued lt "2027-01-01T00:00:00Z"`,
					`schemas eq "urn:example:badge"`, `meta.lastModified gt "2026-01-02T03:04:05Z"`, `meta.resourceType eq "User"`,
					`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m-1"`, `title pr or externalId eq "E-1"`,
					`id eq "nobody"`, `active eq true`, `name.familyName eq "<&>"`,
				} {
					query, err := filter.Parse(user, text, scim.Leniency{})
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(query.MatchCompact(form, derived)).To(Equal(query.Match(complete)), text)
				}
				for _, names := range [][2]string{
					{"", ""}, {"", "groups"}, {"", "groups,emails"}, {"", "groups.display"}, {"", "nothing"}, {"", "meta.location"},
					{"userName", ""}, {"groups", ""}, {"urn:example:badge:number", ""}, {"", "id"},
				} {
					projection, err := render.ParseProjection(user, names[0], names[1])
					g.Expect(err).NotTo(HaveOccurred())
					for _, projection := range []*render.Projection{projection, projection.WithoutDerived(user)} {
						for _, base := range []string{"https://acme.example.com/scim/v2", "http://a\"b/scim/"} {
							want, err := render.Resource(user, complete, projection, base)
							g.Expect(err).NotTo(HaveOccurred())
							got, err := render.Resource(user, form.Expand(derived), projection, base)
							g.Expect(err).NotTo(HaveOccurred())
							g.Expect(string(got)).To(Equal(string(want)), "%v", names)
						}
					}
				}
			}
		})
	}
}

// What is kept is read back whatever stands beside the place of the derived attribute.
func TestCompactUsersOfEveryShape(t *testing.T) {
	registry, err := schema.NewRegistry(badgeSchema(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`"active":true`, `"active":false`, `"urn:example:badge":{"weight":-1.5e-7}`, `"active":true,"urn:example:badge":{"number":0}`,
		`"userType":"\\"`, `"userType":"\"]},{["`, `"x509Certificates":[{"value":"YQ=="}]`, `"emails":[{"value":"\u0001"}]`, `"title":"\u0000x"`,
	} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			doc := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:example:badge"],"userName":"x",` + text + `}`
			user, err := document.Decode(registry.User(), []byte(doc), scim.Leniency{})
			if err != nil {
				g.Expect(text).To(ContainSubstring("u0000"), "NUL is refused")
				return
			}
			user.SetID("u-1")
			for _, derived := range [][]scim.Reference{nil, {{Value: "g-1", Type: "direct"}}} {
				want := user.Clone()
				want.SetDerived(derived)
				g.Expect(compact.Of(user).Expand(derived).Attributes()).To(Equal(want.Attributes()))
				for _, query := range []string{`active eq false`, `active eq true`, `groups pr`, `urn:example:badge:weight lt 0`} {
					parsed, err := filter.Parse(registry.User(), query, scim.Leniency{})
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(parsed.MatchCompact(compact.Of(user), derived)).To(Equal(parsed.Match(want)), query)
				}
			}
		})
	}
}

func TestCompactGroup(t *testing.T) {
	g := NewWithT(t)
	registry, err := schema.NewRegistry()
	g.Expect(err).NotTo(HaveOccurred())
	group := scim.NewResource(registry.Group(), scim.Complex{"id": "g-1", "displayName": "Engineering"})
	form := compact.Of(group)
	group.Attributes()["members"] = []any{scim.Complex{"value": "u-1", "type": "User"}, scim.Complex{"value": "g-2", "type": "Group"}}
	want, err := render.Resource(registry.Group(), group, nil, "https://acme.example.com")
	g.Expect(err).NotTo(HaveOccurred())
	got, err := render.Resource(registry.Group(), form.Expand([]scim.Reference{{Value: "u-1", Type: "User"}, {Value: "g-2", Type: "Group"}}), nil, "https://acme.example.com")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(got)).To(Equal(string(want)))
	g.Expect(string(got)).To(ContainSubstring(`"$ref":"https://acme.example.com/Groups/g-2"`))
}
