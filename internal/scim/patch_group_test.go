package scim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPatchMembers(t *testing.T) {
	const a, b, c = `{"value":"a","display":"A","type":"User"}`, `{"value":"b","type":"User"}`, `{"value":"c","type":"Group"}`
	group := func(members ...string) string {
		if len(members) == 0 {
			return `"displayName":"Tour Guides"`
		}
		return `"displayName":"Tour Guides","members":[` + strings.Join(members, ",") + `]`
	}
	entra := Leniency{OperationCase: true, RemoveValues: true, CreateMissing: true, ArrayForSingle: true, SingleForArray: true, ScalarForComplex: true}
	for name, x := range map[string]struct {
		l   Leniency
		ops string
		out string
	}{
		"adds":                      {strict, `{"op":"add","path":"members","value":[{"value":"d"}]}`, group(a, b, c, `{"value":"d"}`)},
		"a member, other display":   {strict, `{"op":"add","path":"members","value":[{"value":"a","display":"Z","type":"Group"},{"value":"A"}]}`, `=`},
		"only the new one":          {strict, `{"op":"add","path":"members","value":[{"value":"a"},{"value":"d"},{"value":"d"}]}`, group(a, b, c, `{"value":"d"}`)},
		"replace keeps who stays":   {strict, `{"op":"replace","path":"members","value":[{"value":"d"},{"value":"a"}]}`, group(`{"value":"d"}`, a)},
		"replace with the same":     {strict, `{"op":"replace","path":"members","value":[{"value":"c"},{"value":"b","display":"x"},{"value":"a"}]}`, `=`},
		"replace with none":         {strict, `{"op":"replace","path":"members","value":[]}`, group()},
		"remove all":                {strict, `{"op":"remove","path":"members"}`, group()},
		"remove by filter":          {strict, `{"op":"remove","path":"members[value eq \"b\"]"}`, group(a, c)},
		"remove two by filter":      {strict, `{"op":"remove","path":"members[value eq \"b\" or value eq \"a\"]"}`, group(c)},
		"remove by another filter":  {strict, `{"op":"remove","path":"members[type eq \"User\"]"}`, group(c)},
		"filter with value and not": {strict, `{"op":"remove","path":"members[value eq \"b\" and type eq \"Group\"]"}`, `=`},
		"remove an absent one":      {strict, `{"op":"remove","path":"members[value eq \"z\"]"}`, `=`},
		"remove, then add again":    {strict, `{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"a","type":"User"}]}`, `=`},
		"type where there is none":  {strict, `{"op":"add","path":"members","value":[{"value":"d"}]},{"op":"add","path":"members[value eq \"d\"].type","value":"User"}`, group(a, b, c, `{"value":"d","type":"User"}`)},
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
			got, err := patched(t, groupType, groupDoc, x.l, x.ops)
			got = strings.TrimPrefix(got, `"id":"g1",`)
			if err != nil || got != x.out {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, x.out)
			}
		})
	}
	for op, kind := range map[string]ErrorType{
		`{"op":"replace","path":"members[value eq \"a\"].value","value":"x"}`:     Mutability,
		`{"op":"add","path":"members[value eq \"a\"].value","value":"x"}`:         Mutability,
		`{"op":"remove","path":"members[value eq \"a\"].value"}`:                  Mutability,
		`{"op":"remove","path":"members.value"}`:                                  Mutability,
		`{"op":"replace","path":"members[value eq \"a\"].type","value":"Group"}`:  Mutability,
		`{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"x"}}`: Mutability,
		`{"op":"replace","path":"members[value eq \"a\"].display","value":"x"}`:   Mutability,
		`{"op":"replace","path":"members[value eq \"a\"].$ref","value":"x"}`:      Mutability,
		`{"op":"remove","path":"displayName"}`:                                    Mutability,
		`{"op":"replace","path":"members[value eq \"z\"].type","value":"User"}`:   NoTarget,
		`{"op":"add","path":"members","value":[{"display":"x"}]}`:                 InvalidValue,
		`{"op":"remove","path":"members","value":[{"value":"a"}]}`:                InvalidValue,
		`{"op":"remove","path":"members[$ref eq \"x\"]"}`:                         InvalidFilter,
	} {
		_, err := patched(t, groupType, groupDoc, strict, op)
		if err == nil {
			t.Errorf("%s: accepted", op)
			continue
		}
		want(t, err, 400, kind)
	}
	// Lenient or not, a value without an id never empties a group.
	for _, v := range []string{`[{"display":"A"}]`, `{"type":"User"}`, `[{}]`, `{}`, `""`, `[""]`, `false`, `0`} {
		got, err := patched(t, groupType, groupDoc, lenient, `{"op":"remove","path":"members","value":`+v+`}`)
		if err == nil && got != "=" {
			t.Errorf("%s removed members: %s", v, got)
		}
	}
}

func bigGroup(n int) *Resource {
	members := make([]any, n)
	for i := range members {
		members[i] = Complex{"value": fmt.Sprintf("member-%06d", i), "type": "User"}
	}
	return NewResource(groupType, Complex{"id": "g", "displayName": "Big", "members": members})
}

// A thousand changes of a group of 100,000 members do not scan it a thousand times.
func TestPatchOfALargeGroup(t *testing.T) {
	r := bigGroup(100_000)
	var ops []string
	for i := range 1000 {
		ops = append(ops,
			fmt.Sprintf(`{"op":"remove","path":"members[value eq \"member-%06d\"]"}`, i*7),
			fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":"new-%d"},{"value":"member-%06d"}]}`, i, i*11+1),
			fmt.Sprintf(`{"op":"Remove","path":"members","value":[{"value":"new-%d"}]}`, i-1))
	}
	start := time.Now()
	got, changed, err := apply(groupType, r, lenient, ops...)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	// An add may bring back a member that an earlier operation removed.
	ids := map[string]bool{}
	for _, id := range got.MemberIDs() {
		if ids[id] {
			t.Fatal("twice:", id)
		}
		ids[id] = true
	}
	if !ids["new-999"] || ids["new-998"] || ids["member-000000"] || len(r.MemberIDs()) != 100_000 {
		t.Error(len(ids), len(r.MemberIDs()))
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Error("took", d)
	}
}

// What cannot use the index is bounded.
func TestPatchWorkIsBounded(t *testing.T) {
	r := bigGroup(50_000)
	op := `{"op":"remove","path":"members[type co \"x\"]"},`
	_, _, err := apply(groupType, r, strict, strings.TrimSuffix(strings.Repeat(op, 1000), ","))
	want(t, err, 400, TooMany)
}
