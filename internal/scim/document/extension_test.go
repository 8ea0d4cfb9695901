package document_test

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// siteType has an extension as tenants define them: lists in the elements of a list, and
// parts that cannot change beside some that can.
var siteType = scimtest.MustRegistry(&schema.Schema{ID: scimtest.URNSite, Attributes: []*schema.Attribute{
	{Name: "badges", Type: schema.TypeComplex, MultiValued: true, SubAttributes: []*schema.Attribute{
		{Name: "value", Mutability: schema.Immutable}, {Name: "label"}}},
	{Name: "sites", Type: schema.TypeComplex, MultiValued: true, SubAttributes: []*schema.Attribute{
		{Name: "value"}, {Name: "type"}, {Name: "display"}, {Name: "serial", Mutability: schema.Immutable},
		{Name: "doors", Type: schema.TypeInteger, MultiValued: true}}},
	{Name: "device", Type: schema.TypeComplex, SubAttributes: []*schema.Attribute{{Name: "label"}, {Name: "ports", Type: schema.TypeInteger, MultiValued: true}}},
}}).User()

const (
	siteNow = `{"badges":[{"value":"a","label":"old"},{"value":"b"}],` +
		`"sites":[{"value":"HQ","type":"work","display":"head","serial":"S1","doors":[1,2]},{"value":"lab","doors":[9]}],"device":{"label":"x","ports":[80]}}`
	sitePath = `"path":"` + scimtest.URNSite + `:`
)

// Nothing of what an operation adds to is lost, and nothing that it adds.
func TestPatchOfListsWithinLists(t *testing.T) {
	for name, c := range map[string]struct{ operation, now, then string }{
		"a text in another case":        {`{"op":"add",` + sitePath + `sites","value":[{"value":"hq","type":"WORK","display":"Head"}]}`, `"display":"head"`, `"display":"Head"`},
		"more values of a part":         {`{"op":"add",` + sitePath + `sites","value":[{"value":"HQ","type":"work","doors":[2,3]}]}`, `"doors":[1,2]`, `"doors":[1,2,3]`},
		"what is there already":         {`{"op":"add",` + sitePath + `sites","value":[{"value":"HQ","type":"work","serial":"S1","doors":[1]}]}`, ``, ``},
		"a part of what cannot change":  {`{"op":"add",` + sitePath + `badges","value":[{"value":"a","label":"new"}]}`, `"label":"old"`, `"label":"new"`},
		"to a part with several values": {`{"op":"add",` + sitePath + `device.ports","value":[443]}`, `"ports":[80]`, `"ports":[80,443]`},
		"replaces a part":               {`{"op":"replace",` + sitePath + `device.ports","value":[443]}`, `"ports":[80]`, `"ports":[443]`},
		"removes a part":                {`{"op":"remove",` + sitePath + `device.ports"}`, `,"ports":[80]`, ``},
		"removes what has all parts":    {`{"op":"remove",` + sitePath + `sites","value":[{"value":"lab","doors":[9]}]}`, `,{"value":"lab","doors":[9]}`, ``},
		"and not what has other parts":  {`{"op":"remove",` + sitePath + `sites","value":[{"value":"lab","doors":[8]}]}`, ``, ``},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := scimtest.Apply(siteType, scimtest.Stored(t, siteType, scimtest.SiteUser(siteNow)), scimtest.Lenient, c.operation)
			if err != nil {
				t.Fatal(err)
			}
			if want := scimtest.SiteUser(strings.Replace(siteNow, c.now, c.then, 1)); scimtest.Text(t, got) != scimtest.Text(t, scimtest.Stored(t, siteType, want)) {
				t.Errorf("got  %s\nwant %s", scimtest.Text(t, got), want)
			}
		})
	}
}

// What would remove more than it names, or change what cannot change, is refused.
func TestPatchOfListsWithinListsRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		operation string
		kind      scim.ErrorType
	}{
		"some values of a part":              {`{"op":"remove",` + sitePath + `device.ports","value":[443]}`, scim.InvalidValue},
		"some values of a part of elements":  {`{"op":"remove",` + sitePath + `sites.doors","value":[1]}`, scim.InvalidValue},
		"some values of a part of one":       {`{"op":"remove",` + sitePath + `sites[value eq \"HQ\"].doors","value":[1]}`, scim.InvalidValue},
		"another value of an immutable part": {`{"op":"add",` + sitePath + `sites","value":[{"value":"HQ","type":"work","serial":"S2"}]}`, scim.Mutability},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := scimtest.Apply(siteType, scimtest.Stored(t, siteType, scimtest.SiteUser(siteNow)), scimtest.Lenient, c.operation)
			if err == nil {
				t.Fatal("accepted:", scimtest.Text(t, got))
			}
			scimtest.Want(t, err, 400, c.kind)
		})
	}
}

// A PUT has the last word about all that can change, also where the value of an element
// cannot.
func TestPutOfElementsWithAnImmutableValue(t *testing.T) {
	doc := scimtest.SiteUser(strings.Replace(siteNow, `"label":"old"`, `"label":"new"`, 1))
	got, err := document.Replace(siteType, scimtest.Stored(t, siteType, scimtest.SiteUser(siteNow)), []byte(doc), scimtest.Strict)
	if err != nil || scimtest.Text(t, got) != scimtest.Text(t, scimtest.Stored(t, siteType, doc)) {
		t.Errorf("%v: %s", err, scimtest.Text(t, got))
	}
}
