package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/bulk"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/sorting"
)

func BenchmarkDecode(b *testing.B) {
	doc := []byte(scimtest.RichUser)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := document.Decode(scimtest.UserType, doc, scimtest.Strict); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	r := scimtest.Stored(b, scimtest.UserType, scimtest.RichUser)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := render.Resource(scimtest.UserType, r, nil, scimtest.Base); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFilter matches 100,000 users in one iteration.
func BenchmarkFilter(b *testing.B) {
	users := make([]*scim.Resource, 100_000)
	for i := range users {
		users[i] = scim.NewResource(scimtest.UserType, scim.Complex{"id": fmt.Sprint(i), "userName": fmt.Sprintf("User%d@example.com", i), "active": i%2 == 0,
			"emails": []any{scim.Complex{"type": "work", "value": fmt.Sprintf("User%d@example.com", i)}, scim.Complex{"type": "home", "value": "x@example.com"}}})
	}
	for _, query := range []string{`userName eq "user99999@EXAMPLE.com"`, `emails[type eq "work" and value eq "user5@example.com"]`,
		`userName co "9999" or not (active eq true)`, `meta.lastModified gt "2020-01-01T00:00:00Z"`} {
		b.Run(query, func(b *testing.B) {
			f, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
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
		if _, err := filter.Parse(scimtest.UserType, `userName eq "bjensen@example.com"`, scimtest.Strict); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPatchUser(b *testing.B) {
	r := scimtest.Stored(b, scimtest.UserType, scimtest.RichUser)
	doc := scimtest.PatchOp(`{"op":"replace","path":"active","value":false}`, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@example.com"}`)
	b.ReportAllocs()
	for b.Loop() {
		p, err := patch.Parse(scimtest.UserType, doc, scimtest.Strict)
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
	r := scimtest.BigGroup(10_000)
	var ops []string
	for i := range 1000 {
		ops = append(ops, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"member-%06d\"]"}`, i),
			fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":"new-%d"}]}`, i))
	}
	doc := scimtest.PatchOp(strings.Join(ops, ","))
	b.ReportAllocs()
	for b.Loop() {
		p, err := patch.Parse(scimtest.GroupType, doc, scimtest.Strict)
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
	users := make([]*scim.Resource, 100_000)
	for i := range users {
		users[i] = scim.NewResource(scimtest.UserType, scim.Complex{"userName": fmt.Sprintf("User%d", (i*7919)%100_000)})
	}
	s, err := sorting.Parse(scimtest.UserType, "userName", "")
	if err != nil {
		b.Fatal(err)
	}
	rs := make([]*scim.Resource, len(users))
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
	request, err := bulk.Parse([]byte(`{"schemas":["`+bulk.URNRequest+`"],"Operations":[`+strings.Join(operations, ",")+`]}`), len(operations), scimtest.Strict)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		run := bulk.NewRun(request)
		for {
			index, _, ok := run.Next()
			if !ok {
				break
			}
			run.Done(index, bulk.Result{Status: 201, ID: fmt.Sprint("id", index)})
		}
	}
}
