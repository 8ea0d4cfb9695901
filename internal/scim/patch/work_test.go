package patch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
)

// To read twice as much costs about twice as much, however many objects are inside of others.
func TestPatchOfNestedObjects(t *testing.T) {
	var urns []string
	for _, authority := range []string{"urn:ietf:params:scim:schemas:core:", "urn:scim:schemas:core:"} {
		for _, version := range []string{"2.0", "1.0"} {
			urns = append(urns, authority+version+":User", authority+version+"User", authority+version)
		}
	}
	cost := func(n int) float64 {
		var members, inner []string
		for _, urn := range urns {
			inner = append(inner, `"`+urn+`":{}`)
		}
		for i := range 100 * n {
			members = append(members, fmt.Sprintf(`"emails[value eq \"%d\"].display":"x"`, i))
		}
		for _, urn := range urns[:n] {
			members = append(members, `"`+urn+`":{`+strings.Join(inner, ",")+`}`)
		}
		doc := scimtest.PatchOp(`{"op":"add","value":{` + strings.Join(members, ",") + `}}`)
		return testing.AllocsPerRun(1, func() {
			if _, err := patch.Parse(scimtest.UserType, doc, scimtest.Lenient); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := cost(len(urns)/2), cost(len(urns)); large > 3*small {
		t.Errorf("half as much takes %.0f allocations, and all %.0f", small, large)
	}
}

// Operations that would keep a server busy for long are refused before they do.
func TestPatchWork(t *testing.T) {
	emails := func(n, from int, member string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`{"value":"%x@example.com"%s}`, from+i, member)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	repeat := func(n int, operation func(i int) string) []string {
		operations := make([]string, n)
		for i := range operations {
			operations[i] = operation(i)
		}
		return operations
	}
	terms := strings.TrimSuffix(strings.Repeat(`value eq \"x\" or `, filter.MaxTerms-60), " or ")
	filtered := func(int) string { return `{"op":"remove","path":"emails[` + terms + `]"}` }
	long := `[{"value":"` + strings.Repeat("é", decode.MaxText/2) + `"}]`
	for name, c := range map[string]struct {
		operations []string
		kind       scim.ErrorType
	}{
		"a primary value in each of many long lists": {repeat(1000, func(i int) string {
			return `{"op":"add","path":"emails","value":` + strings.Replace(emails(40, 40*i, ""), `com"`, `com","primary":true`, 1) + `}`
		}), scim.TooMany},
		"many filters of many terms over many values": {append([]string{`{"op":"add","path":"emails","value":` + emails(900, 0, "") + `}`}, repeat(20, filtered)...), scim.TooMany},
		"filters over a long text":                    {append([]string{`{"op":"add","path":"emails","value":` + long + `}`}, repeat(5, filtered)...), scim.TooMany},
		"filters over a long text of one value": {append([]string{`{"op":"replace","path":"name.formatted","value":"` + strings.Repeat("é", decode.MaxText/2) + `"}`},
			repeat(50, func(int) string { return `{"op":"remove","path":"name[formatted eq \"x\"].givenName"}` })...), scim.TooMany},
		"a long text added again and again": {repeat(50, func(int) string { return `{"op":"add","path":"emails","value":` + long + `}` }), scim.TooMany},
		"a change of all of many values": {append([]string{`{"op":"add","path":"emails","value":` + emails(900, 0, "") + `}`},
			repeat(500, func(i int) string {
				return fmt.Sprintf(`{"op":"replace","path":"emails.display","value":"%d"}`, i)
			})...), scim.TooMany},
		"values looked for and changed in turn": {repeat(5000, func(i int) string {
			if i%2 == 0 {
				return `{"op":"add","path":"emails","value":` + emails(1, i, `,"type":"work"`) + `}`
			}
			return fmt.Sprintf(`{"op":"replace","path":"emails[value eq \"%x@example.com\"].type","value":"t%d"}`, i-1, i)
		}), scim.TooMany},
		"many values to remove from many": {append([]string{`{"op":"add","path":"emails","value":` + emails(900, 0, "") + `}`},
			repeat(10, func(i int) string {
				return `{"op":"remove","path":"emails","value":` + emails(1000, 1000*(i+1), "") + `}`
			})...), scim.TooMany},
		"more and more values of one part": {repeat(5000, func(i int) string {
			return fmt.Sprintf(`{"op":"add","path":"`+scimtest.URNTest+`:device","value":{"ports":[%d]}}`, i)
		}), scim.InvalidValue},
		"a text that is too long": {[]string{`{"op":"add","path":"title","value":"` + strings.Repeat("x", decode.MaxText+1) + `"}`}, scim.InvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := scimtest.Apply(scimtest.UserType, scimtest.Stored(t, scimtest.UserType, scimtest.RichUser), scimtest.Lenient, c.operations...)
			scimtest.Want(t, err, 400, c.kind)
		})
	}
	// What provisioning takes is far from all that.
	_, _, err := scimtest.Apply(scimtest.UserType, scimtest.Stored(t, scimtest.UserType, scimtest.RichUser), scimtest.Lenient, append(repeat(900, func(i int) string {
		return `{"op":"add","path":"emails","value":` + emails(1, i, `,"type":"work"`) + `}`
	}), repeat(900, func(i int) string {
		return fmt.Sprintf(`{"op":"replace","path":"emails[value eq \"%x@example.com\" and type eq \"work\"].display","value":"%d"}`, i, i)
	})...)...)
	if err != nil {
		t.Error(err)
	}
}
