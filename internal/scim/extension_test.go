package scim

import (
	"strings"
	"testing"
)

const urnSite = "urn:example:params:scim:schemas:extension:site:1.0:User"

// siteType has an extension as tenants define them: lists in the elements of a list, and
// parts that cannot change beside some that can.
var siteType = mustRegistry(&Schema{ID: urnSite, Attributes: []*Attribute{
	{Name: "badges", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{
		{Name: "value", Mutability: Immutable}, {Name: "label"}}},
	{Name: "sites", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{
		{Name: "value"}, {Name: "type"}, {Name: "display"}, {Name: "serial", Mutability: Immutable},
		{Name: "doors", Type: TypeInteger, MultiValued: true}}},
	{Name: "device", Type: TypeComplex, SubAttributes: []*Attribute{{Name: "label"}, {Name: "ports", Type: TypeInteger, MultiValued: true}}},
}}).User()

const (
	siteNow = `{"badges":[{"value":"a","label":"old"},{"value":"b"}],` +
		`"sites":[{"value":"HQ","type":"work","display":"head","serial":"S1","doors":[1,2]},{"value":"lab","doors":[9]}],"device":{"label":"x","ports":[80]}}`
	sitePath = `"path":"` + urnSite + `:`
)

func siteUser(extension string) string {
	return `{"schemas":["` + URNUser + `","` + urnSite + `"],"userName":"bjensen","` + urnSite + `":` + extension + `}`
}

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
			got, _, err := apply(siteType, stored(t, siteType, siteUser(siteNow)), lenient, c.operation)
			if err != nil {
				t.Fatal(err)
			}
			if want := siteUser(strings.Replace(siteNow, c.now, c.then, 1)); text(t, got) != text(t, stored(t, siteType, want)) {
				t.Errorf("got  %s\nwant %s", text(t, got), want)
			}
		})
	}
}

// What would remove more than it names, or change what cannot change, is refused.
func TestPatchOfListsWithinListsRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		operation string
		kind      ErrorType
	}{
		"some values of a part":              {`{"op":"remove",` + sitePath + `device.ports","value":[443]}`, InvalidValue},
		"some values of a part of elements":  {`{"op":"remove",` + sitePath + `sites.doors","value":[1]}`, InvalidValue},
		"some values of a part of one":       {`{"op":"remove",` + sitePath + `sites[value eq \"HQ\"].doors","value":[1]}`, InvalidValue},
		"another value of an immutable part": {`{"op":"add",` + sitePath + `sites","value":[{"value":"HQ","type":"work","serial":"S2"}]}`, Mutability},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := apply(siteType, stored(t, siteType, siteUser(siteNow)), lenient, c.operation)
			if err == nil {
				t.Fatal("accepted:", text(t, got))
			}
			want(t, err, 400, c.kind)
		})
	}
}

// A PUT has the last word about all that can change, also where the value of an element
// cannot.
func TestPutOfElementsWithAnImmutableValue(t *testing.T) {
	doc := siteUser(strings.Replace(siteNow, `"label":"old"`, `"label":"new"`, 1))
	got, err := Replace(siteType, stored(t, siteType, siteUser(siteNow)), []byte(doc), strict)
	if err != nil || text(t, got) != text(t, stored(t, siteType, doc)) {
		t.Errorf("%v: %s", err, text(t, got))
	}
}
