package index_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

const benchUsers = 100_000

// filled is an index with as many users as identity providers make them.
func filled(b *testing.B) *tenant {
	b.Helper()
	t := newTenant(b)
	for number := range benchUsers {
		id := t.id()
		name := fmt.Sprintf("Alice.Martin%06d@acme.example.com", number)
		user := scim.NewResource(t.registry.User(), scim.Complex{
			"id": id.String(), "userName": name, "externalId": fmt.Sprintf("0a21f0f2-8d2a-4f8e-bf98-%012d", number), "active": true,
			"displayName": "Alice Martin", "name": scim.Complex{"givenName": "Alice", "familyName": "Martin", "formatted": "Alice Martin"},
			"emails": []any{scim.Complex{"value": name, "type": "work", "primary": true}},
			schema.URNEnterpriseUser: scim.Complex{
				"department": "Research", "employeeNumber": fmt.Sprint(number), "manager": scim.Complex{"value": "271"},
			},
		})
		user.SetMeta(t.meta())
		form := compact.Of(user)
		t.index.PutUser(&index.Entry{
			ID: id, Compact: *form, Name: compact.Shared(form.Text(), name), ExternalID: compact.Shared(form.Text(), user.ExternalID()),
			Emails: []string{compact.Shared(form.Text(), name)}, Active: true,
		})
	}
	return t
}

// BenchmarkMemory reports the heap that each of 100,000 users takes.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		t := filled(b)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchUsers, "B/user")
		runtime.KeepAlive(t)
	}
}

func BenchmarkList(b *testing.B) {
	t := filled(b)
	for name, text := range map[string]string{
		"userName": `userName eq "ALICE.martin050000@acme.example.com"`,
		"email":    `emails[type eq "work" and value eq "alice.martin050000@acme.example.com"]`,
		"search":   `name.familyName co "nobody"`,
		"page":     "",
	} {
		b.Run(name, func(b *testing.B) {
			query := store.Query{StartIndex: 50_000, Count: 100}
			if text != "" {
				filter, err := filter.Parse(t.registry.User(), text, scim.Leniency{})
				if err != nil {
					b.Fatal(err)
				}
				query.Filter, query.StartIndex = filter, 1
			}
			b.ReportAllocs()
			for b.Loop() {
				page, err := t.index.List(context.Background(), t.registry.User(), query)
				if err != nil {
					b.Fatal(err)
				}
				for _, r := range page.Resources {
					if _, err := render.Resource(r.Type(), r, nil, "https://acme.example.com/scim/v2"); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
