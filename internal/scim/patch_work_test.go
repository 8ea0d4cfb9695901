package scim

import (
	"fmt"
	"strings"
	"testing"
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
		doc := patchOp(`{"op":"add","value":{` + strings.Join(members, ",") + `}}`)
		return testing.AllocsPerRun(1, func() {
			if _, err := ParsePatch(userType, doc, lenient); err != nil {
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
	terms := strings.TrimSuffix(strings.Repeat(`value eq \"x\" or `, MaxFilterTerms-60), " or ")
	filtered := func(int) string { return `{"op":"remove","path":"emails[` + terms + `]"}` }
	long := `[{"value":"` + strings.Repeat("é", MaxText/2) + `"}]`
	for name, c := range map[string]struct {
		operations []string
		kind       ErrorType
	}{
		"a primary value in each of many long lists": {repeat(1000, func(i int) string {
			return `{"op":"add","path":"emails","value":` + strings.Replace(emails(40, 40*i, ""), `com"`, `com","primary":true`, 1) + `}`
		}), TooMany},
		"many filters of many terms over many values": {append([]string{`{"op":"add","path":"emails","value":` + emails(900, 0, "") + `}`}, repeat(20, filtered)...), TooMany},
		"filters over a long text":                    {append([]string{`{"op":"add","path":"emails","value":` + long + `}`}, repeat(5, filtered)...), TooMany},
		"filters over a long text of one value": {append([]string{`{"op":"replace","path":"name.formatted","value":"` + strings.Repeat("é", MaxText/2) + `"}`},
			repeat(50, func(int) string { return `{"op":"remove","path":"name[formatted eq \"x\"].givenName"}` })...), TooMany},
		"a long text added again and again": {repeat(50, func(int) string { return `{"op":"add","path":"emails","value":` + long + `}` }), TooMany},
		"a change of all of many values": {append([]string{`{"op":"add","path":"emails","value":` + emails(900, 0, "") + `}`},
			repeat(500, func(i int) string {
				return fmt.Sprintf(`{"op":"replace","path":"emails.display","value":"%d"}`, i)
			})...), TooMany},
		"values looked for and changed in turn": {repeat(5000, func(i int) string {
			if i%2 == 0 {
				return `{"op":"add","path":"emails","value":` + emails(1, i, `,"type":"work"`) + `}`
			}
			return fmt.Sprintf(`{"op":"replace","path":"emails[value eq \"%x@example.com\"].type","value":"t%d"}`, i-1, i)
		}), TooMany},
		"many values to remove from many": {append([]string{`{"op":"add","path":"emails","value":` + emails(900, 0, "") + `}`},
			repeat(10, func(i int) string {
				return `{"op":"remove","path":"emails","value":` + emails(1000, 1000*(i+1), "") + `}`
			})...), TooMany},
		"more and more values of one part": {repeat(5000, func(i int) string {
			return fmt.Sprintf(`{"op":"add","path":"`+urnTest+`:device","value":{"ports":[%d]}}`, i)
		}), InvalidValue},
		"a text that is too long": {[]string{`{"op":"add","path":"title","value":"` + strings.Repeat("x", MaxText+1) + `"}`}, InvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := apply(userType, stored(t, userType, richUser), lenient, c.operations...)
			want(t, err, 400, c.kind)
		})
	}
	// What provisioning takes is far from all that.
	_, _, err := apply(userType, stored(t, userType, richUser), lenient, append(repeat(900, func(i int) string {
		return `{"op":"add","path":"emails","value":` + emails(1, i, `,"type":"work"`) + `}`
	}), repeat(900, func(i int) string {
		return fmt.Sprintf(`{"op":"replace","path":"emails[value eq \"%x@example.com\" and type eq \"work\"].display","value":"%d"}`, i, i)
	})...)...)
	if err != nil {
		t.Error(err)
	}
}
