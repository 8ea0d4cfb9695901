package patch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
)

func TestPatchMembers(t *testing.T) {
	const a, b, c = `{"value":"a","display":"A","type":"User"}`, `{"value":"b","type":"User"}`, `{"value":"c","type":"Group"}`
	group := func(members ...string) string {
		if len(members) == 0 {
			return `"displayName":"Tour Guides"`
		}
		return `"displayName":"Tour Guides","members":[` + strings.Join(members, ",") + `]`
	}
	entra := scim.Leniency{OperationCase: true, RemoveValues: true, CreateMissing: true, ArrayForSingle: true, SingleForArray: true, ScalarForComplex: true}
	for name, x := range map[string]struct {
		l   scim.Leniency
		ops string
		out string
	}{
		"adds":                      {scimtest.Strict, `{"op":"add","path":"members","value":[{"value":"d"}]}`, group(a, b, c, `{"value":"d"}`)},
		"a member, other display":   {scimtest.Strict, `{"op":"add","path":"members","value":[{"value":"a","display":"Z","type":"Group"},{"value":"A"}]}`, `=`},
		"only the new one":          {scimtest.Strict, `{"op":"add","path":"members","value":[{"value":"a"},{"value":"d"},{"value":"d"}]}`, group(a, b, c, `{"value":"d"}`)},
		"replace keeps who stays":   {scimtest.Strict, `{"op":"replace","path":"members","value":[{"value":"d"},{"value":"a"}]}`, group(`{"value":"d"}`, a)},
		"replace with the same":     {scimtest.Strict, `{"op":"replace","path":"members","value":[{"value":"c"},{"value":"b","display":"x"},{"value":"a"}]}`, `=`},
		"replace with none":         {scimtest.Strict, `{"op":"replace","path":"members","value":[]}`, group()},
		"remove all":                {scimtest.Strict, `{"op":"remove","path":"members"}`, group()},
		"remove by filter":          {scimtest.Strict, `{"op":"remove","path":"members[value eq \"b\"]"}`, group(a, c)},
		"remove two by filter":      {scimtest.Strict, `{"op":"remove","path":"members[value eq \"b\" or value eq \"a\"]"}`, group(c)},
		"remove by another filter":  {scimtest.Strict, `{"op":"remove","path":"members[type eq \"User\"]"}`, group(c)},
		"filter with value and not": {scimtest.Strict, `{"op":"remove","path":"members[value eq \"b\" and type eq \"Group\"]"}`, `=`},
		"remove an absent one":      {scimtest.Strict, `{"op":"remove","path":"members[value eq \"z\"]"}`, `=`},
		"remove, then add again":    {scimtest.Strict, `{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"a","type":"User"}]}`, `=`},
		"type where there is none":  {scimtest.Strict, `{"op":"add","path":"members","value":[{"value":"d"}]},{"op":"add","path":"members[value eq \"d\"].type","value":"User"}`, group(a, b, c, `{"value":"d","type":"User"}`)},
		"value on remove":           {entra, `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"b"}]}`, group(a, c)},
		"values on remove":          {entra, `{"op":"remove","path":"members","value":[{"value":"b"},{"value":"c"},{"value":"z"}]}`, group(a)},
		"an object on remove":       {entra, `{"op":"remove","path":"members","value":{"value":"b"}}`, group(a, c)},
		"a string on remove":        {entra, `{"op":"remove","path":"members","value":["b"]}`, group(a, c)},
		"an absent value on remove": {entra, `{"op":"remove","path":"members","value":[{"value":"z"}]}`, `=`},
		"no value on remove":        {entra, `{"op":"remove","path":"members","value":[]}`, `=`},
		"filter beats value":        {entra, `{"op":"remove","path":"members[value eq \"b\"]","value":[{"value":"a"}]}`, group(a, c)},
		"an object to add":          {entra, `{"op":"add","path":"members","value":{"value":"d"}}`, group(a, b, c, `{"value":"d"}`)},
		"every remove, one by one":  {entra, `{"op":"remove","path":"members","value":[{"value":"a"}]},{"op":"remove","path":"members","value":[{"value":"b"}]},{"op":"remove","path":"members[value eq \"c\"]"}`, group()},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scimtest.Patched(t, scimtest.GroupType, scimtest.GroupDoc, x.l, x.ops)
			got = strings.TrimPrefix(got, `"id":"g1",`)
			if err != nil || got != x.out {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, x.out)
			}
		})
	}
	for op, kind := range map[string]scim.ErrorType{
		`{"op":"replace","path":"members[value eq \"a\"].value","value":"x"}`:     scim.Mutability,
		`{"op":"add","path":"members[value eq \"a\"].value","value":"x"}`:         scim.Mutability,
		`{"op":"remove","path":"members[value eq \"a\"].value"}`:                  scim.Mutability,
		`{"op":"remove","path":"members.value"}`:                                  scim.Mutability,
		`{"op":"replace","path":"members[value eq \"a\"].type","value":"Group"}`:  scim.Mutability,
		`{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"x"}}`: scim.Mutability,
		`{"op":"replace","path":"members[value eq \"a\"].display","value":"x"}`:   scim.Mutability,
		`{"op":"replace","path":"members[value eq \"a\"].$ref","value":"x"}`:      scim.Mutability,
		`{"op":"remove","path":"displayName"}`:                                    scim.Mutability,
		`{"op":"replace","path":"members[value eq \"z\"].type","value":"User"}`:   scim.NoTarget,
		`{"op":"add","path":"members","value":[{"display":"x"}]}`:                 scim.InvalidValue,
		`{"op":"remove","path":"members","value":[{"value":"a"}]}`:                scim.InvalidValue,
		`{"op":"remove","path":"members[$ref eq \"x\"]"}`:                         scim.InvalidFilter,
	} {
		_, err := scimtest.Patched(t, scimtest.GroupType, scimtest.GroupDoc, scimtest.Strict, op)
		if err == nil {
			t.Errorf("%s: accepted", op)
			continue
		}
		scimtest.Want(t, err, 400, kind)
	}
	// Lenient or not, a value without an id never empties a group.
	for _, v := range []string{`[{"display":"A"}]`, `{"type":"User"}`, `[{}]`, `{}`, `""`, `[""]`, `false`, `0`} {
		got, err := scimtest.Patched(t, scimtest.GroupType, scimtest.GroupDoc, scimtest.Lenient, `{"op":"remove","path":"members","value":`+v+`}`)
		if err == nil && got != "=" {
			t.Errorf("%s removed members: %s", v, got)
		}
	}
}

// A thousand changes of a group of 100,000 members do not scan it a thousand times.
func TestPatchOfALargeGroup(t *testing.T) {
	r := scimtest.BigGroup(100_000)
	var ops []string
	for i := range 1000 {
		ops = append(ops,
			fmt.Sprintf(`{"op":"remove","path":"members[value eq \"member-%06d\"]"}`, i*7),
			fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":"new-%d"},{"value":"member-%06d"}]}`, i, i*11+1),
			fmt.Sprintf(`{"op":"Remove","path":"members","value":[{"value":"new-%d"}]}`, i-1))
	}
	start := time.Now()
	got, changed, err := scimtest.Apply(scimtest.GroupType, r, scimtest.Lenient, ops...)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	// An add may bring back a member that an earlier operation removed.
	ids := map[string]bool{}
	for _, id := range got.Members().IDs() {
		if ids[id] {
			t.Fatal("twice:", id)
		}
		ids[id] = true
	}
	if !ids["new-999"] || ids["new-998"] || ids["member-000000"] || len(r.Members().IDs()) != 100_000 {
		t.Error(len(ids), len(r.Members().IDs()))
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Error("took", d)
	}
}

// What cannot use the index is bounded.
func TestPatchWorkIsBounded(t *testing.T) {
	r := scimtest.BigGroup(50_000)
	op := `{"op":"remove","path":"members[type co \"x\"]"},`
	_, _, err := scimtest.Apply(scimtest.GroupType, r, scimtest.Strict, strings.TrimSuffix(strings.Repeat(op, 1000), ","))
	scimtest.Want(t, err, 400, scim.TooMany)
}
