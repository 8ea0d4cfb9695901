package scim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
)

// FuzzMembers applies operations on the members of a group, and beside them on a set:
// nobody is lost or left over whom the operations do not name.
func FuzzMembers(f *testing.F) {
	f.Add([]byte{0, 0x18, 1, 0x09, 2, 0x06, 3, 0x81, 4, 0, 0, 0xff, 5, 0x10})
	f.Add([]byte{2, 0x07, 0, 0x07, 2, 0x01, 0, 0x01, 1, 0xff, 0, 0x80})
	f.Fuzz(func(t *testing.T, code []byte) {
		before := map[string]bool{"m0": true, "m1": true, "m2": true}
		var operations []string
		want := maps.Clone(before)
		for len(code) > 1 && len(operations) < 100 {
			operations = append(operations, memberOperation(code[0], code[1], want))
			code = code[2:]
		}
		if len(operations) == 0 {
			return
		}
		group := membersDoc(t, before)
		got, changed, err := scimtest.Apply(scimtest.GroupType, group, scimtest.Lenient, operations...)
		if err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(operations, "\n"))
		}
		if ids := slices.Sorted(slices.Values(got.Members().IDs())); !slices.Equal(ids, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("got %v, want %v\n%s", ids, slices.Sorted(maps.Keys(want)), strings.Join(operations, "\n"))
		}
		if changed == maps.Equal(before, want) {
			t.Fatalf("changed is %v for %v", changed, slices.Sorted(maps.Keys(want)))
		}
	})
}

// memberOperation is one of the ways to change members, for those whose bits are set,
// and does the same to the set.
func memberOperation(kind, bits byte, set map[string]bool) string {
	var values []string
	terms := []string{`value eq \"nobody\"`}
	named := map[string]bool{}
	for i := range 8 {
		if id := fmt.Sprintf("m%d", i); bits&(1<<i) != 0 {
			named[id] = true
			values = append(values, fmt.Sprintf(`{"value":%q}`, id))
			terms = append(terms, fmt.Sprintf(`value eq \"%s\"`, id))
		}
	}
	list := "[" + strings.Join(values, ",") + "]"
	remove := func(id string, _ bool) bool { return named[id] }
	switch kind % 6 {
	case 0:
		maps.Copy(set, named)
		return `{"op":"add","path":"members","value":` + list + `}`
	case 1:
		maps.DeleteFunc(set, remove)
		return `{"op":"remove","path":"members","value":` + list + `}`
	case 2:
		maps.DeleteFunc(set, remove)
		return `{"op":"remove","path":"members[` + strings.Join(terms, " or ") + `]"}`
	case 3:
		clear(set)
		maps.Copy(set, named)
		return `{"op":"replace","path":"members","value":` + list + `}`
	case 4:
		maps.Copy(set, named)
		return `{"op":"add","value":{"members":` + list + `}}`
	}
	clear(set)
	return `{"op":"remove","path":"members"}`
}

func membersDoc(t *testing.T, set map[string]bool) *scim.Resource {
	t.Helper()
	var members []any
	for _, id := range slices.Sorted(maps.Keys(set)) {
		members = append(members, scim.Complex{"value": id})
	}
	return scim.NewResource(scimtest.GroupType, scim.Complex{"id": "g", "displayName": "Guides", "members": members})
}
