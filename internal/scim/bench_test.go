package scim

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	doc := []byte(richUser)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(userType, doc, strict); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	r := stored(b, userType, richUser)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(userType, r, nil, base); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFilter matches 100,000 users in one iteration.
func BenchmarkFilter(b *testing.B) {
	users := make([]*Resource, 100_000)
	for i := range users {
		users[i] = NewResource(userType, Complex{"id": fmt.Sprint(i), "userName": fmt.Sprintf("User%d@example.com", i), "active": i%2 == 0,
			"emails": []any{Complex{"type": "work", "value": fmt.Sprintf("User%d@example.com", i)}, Complex{"type": "home", "value": "x@example.com"}}})
	}
	for _, filter := range []string{`userName eq "user99999@EXAMPLE.com"`, `emails[type eq "work" and value eq "user5@example.com"]`,
		`userName co "9999" or not (active eq true)`, `meta.lastModified gt "2020-01-01T00:00:00Z"`} {
		b.Run(filter, func(b *testing.B) {
			f, err := ParseFilter(userType, filter, strict)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, u := range users {
					f.Match(u)
				}
			}
		})
	}
}

func BenchmarkParseFilter(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseFilter(userType, `userName eq "bjensen@example.com"`, strict); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPatchUser(b *testing.B) {
	r := stored(b, userType, richUser)
	doc := patchOp(`{"op":"replace","path":"active","value":false}`, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@example.com"}`)
	b.ReportAllocs()
	for b.Loop() {
		p, err := ParsePatch(userType, doc, strict)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := p.Apply(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPatchMembers makes 2,000 changes to a group of 10,000 members.
func BenchmarkPatchMembers(b *testing.B) {
	r := bigGroup(10_000)
	var ops []string
	for i := range 1000 {
		ops = append(ops, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"member-%06d\"]"}`, i),
			fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":"new-%d"}]}`, i))
	}
	doc := patchOp(strings.Join(ops, ","))
	b.ReportAllocs()
	for b.Loop() {
		p, err := ParsePatch(groupType, doc, strict)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := p.Apply(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSort orders 100,000 users in one iteration.
func BenchmarkSort(b *testing.B) {
	users := make([]*Resource, 100_000)
	for i := range users {
		users[i] = NewResource(userType, Complex{"userName": fmt.Sprintf("User%d", (i*7919)%100_000)})
	}
	s, err := ParseSort(userType, "userName", "")
	if err != nil {
		b.Fatal(err)
	}
	rs := make([]*Resource, len(users))
	b.ReportAllocs()
	for b.Loop() {
		copy(rs, users)
		s.Sort(rs)
	}
}

// BenchmarkBulk carries out 1,000 operations, each of which refers to the next.
func BenchmarkBulk(b *testing.B) {
	operations := make([]string, 1000)
	for i := range operations {
		operations[i] = fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{"nickName":%q,"manager":{"value":"bulkId:%d"}}}`,
			i, strings.Repeat("x", 4000), min(i+1, len(operations)-1))
	}
	request, err := ParseBulk([]byte(`{"schemas":["`+URNBulkRequest+`"],"Operations":[`+strings.Join(operations, ",")+`]}`), len(operations), strict)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		run := NewBulkRun(request)
		for {
			index, _, ok := run.Next()
			if !ok {
				break
			}
			run.Done(index, BulkResult{Status: 201, ID: fmt.Sprint("id", index)})
		}
	}
}
