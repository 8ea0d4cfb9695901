package index_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/scim/sorting"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

// tenant is an index beside the plain list of what is in it.
type tenant struct {
	registry *schema.Registry
	index    *index.Index
	users    map[uuid.UUID]*scim.Resource
	groups   map[uuid.UUID]*scim.Resource
	random   *rand.Rand
}

func newTenant(tb testing.TB) *tenant {
	tb.Helper()
	registry, err := schema.NewRegistry()
	if err != nil {
		tb.Fatal(err)
	}
	return &tenant{
		registry: registry, index: index.New(), random: rand.New(rand.NewPCG(1, 2)),
		users: map[uuid.UUID]*scim.Resource{}, groups: map[uuid.UUID]*scim.Resource{},
	}
}

func (t *tenant) id() uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(t.random.IntN(256))
	}
	return id
}

// meta is of a creation in one of a few microseconds, so that ids decide too.
func (t *tenant) meta() scim.Meta {
	created := time.Date(2026, 1, 1, 0, 0, 0, t.random.IntN(50)*1000, time.UTC)
	return scim.Meta{Created: created, LastModified: created, Version: `W/"1"`}
}

func (t *tenant) putUser(id uuid.UUID, number int) {
	name, email := fmt.Sprintf("User%d@Example.com", number), fmt.Sprintf("Shared%d@example.com", number%7)
	user := scim.NewResource(t.registry.User(), scim.Complex{
		"id": id.String(), "userName": name, "externalId": fmt.Sprintf("E%d", number%11), "active": number%3 > 0,
		"title": fmt.Sprintf("Title %d", number%5), "emails": []any{scim.Complex{"value": email, "type": "work"}, scim.Complex{"value": name}},
	})
	user.SetMeta(t.meta())
	t.users[id] = user
	t.index.PutUser(&index.Entry{
		ID: id, Compact: *compact.Of(user), Name: name, ExternalID: user.ExternalID(), Active: number%3 > 0,
		Emails: []string{email, name},
	})
}

func (t *tenant) putGroup(id uuid.UUID, number int, members ...index.Member) {
	name := fmt.Sprintf("Group %d", number)
	group := scim.NewResource(t.registry.Group(), scim.Complex{"id": id.String(), "displayName": name})
	group.SetMeta(t.meta())
	t.index.PutGroup(&index.Entry{
		ID: id, Compact: *compact.Of(group), Name: name, Group: &index.Group{Generation: 1, Members: members},
	})
	group = group.Clone()
	var values []scim.Reference
	for _, m := range members {
		values = append(values, store.Member(m.ID.String(), map[bool]string{false: "User", true: "Group"}[m.Group]))
	}
	group.SetMembers(scim.MembersOf(values))
	t.groups[id] = group
}

// expected is what store.Select makes of the plain list.
func (t *tenant) expected(g Gomega, resourceType *schema.ResourceType, query store.Query) *store.Page {
	var groups, all []*scim.Resource
	for _, group := range t.groups {
		groups = append(groups, t.withKnown(group))
	}
	membership := store.NewMembership(groups)
	if store.IsGroup(resourceType) {
		all = groups
	} else {
		for _, user := range t.users {
			user = user.Clone()
			membership.Complete(user)
			all = append(all, user)
		}
	}
	page, err := store.Select(all, query)
	g.Expect(err).NotTo(HaveOccurred())
	return page
}

func rendered(g Gomega, page *store.Page) []string {
	var texts []string
	for _, r := range page.Resources {
		text, err := render.Resource(r.Type(), r, nil, "https://acme.example.com/scim/v2")
		g.Expect(err).NotTo(HaveOccurred())
		texts = append(texts, string(text))
	}
	return texts
}

// Whatever is put and removed, a query must answer what a search through all
// resources would.
func TestListIsSelect(t *testing.T) {
	g := NewWithT(t)
	tenant := newTenant(t)
	var ids, groupIDs []uuid.UUID
	for range 60 {
		ids = append(ids, tenant.id())
	}
	for range 12 {
		groupIDs = append(groupIDs, tenant.id())
	}
	filters := map[*schema.ResourceType][]string{
		tenant.registry.User(): {
			"", `userName eq "USER3@example.com"`, `externalId eq "E3"`, `externalId eq "e3"`, `emails.value eq "shared2@EXAMPLE.com"`,
			`emails[type eq "work" and value eq "shared2@example.com"]`, `emails eq "shared1@example.com" and active eq true`,
			`userName sw "user1"`, `title eq "Title 3" or externalId eq "E1"`, `not (externalId eq "E1")`, `groups.display co "1"`,
			`groups.value eq "` + groupIDs[3].String() + `"`, `id eq "` + ids[5].String() + `"`, `id eq "nobody"`, `emails.type eq "work"`,
		},
		tenant.registry.Group(): {
			"", `displayName eq "GROUP 3"`, `members.value eq "` + ids[1].String() + `"`, `members.value eq "{` + ids[1].String() + `}"`,
			`members[value eq "` + ids[2].String() + `"]`, `displayName co "1" and members pr`, `members.type eq "Group"`,
		},
	}
	for round := range 30 {
		for range 20 {
			switch id, group := ids[tenant.random.IntN(len(ids))], groupIDs[tenant.random.IntN(len(groupIDs))]; tenant.random.IntN(6) {
			case 0:
				tenant.index.RemoveUser(id)
				delete(tenant.users, id)
			case 1:
				tenant.index.RemoveGroup(group)
				delete(tenant.groups, group)
			default:
				tenant.putUser(id, tenant.random.IntN(40))
			}
		}
		// Groups are put again with members that exist, as a list of them would show.
		for i, group := range groupIDs {
			if tenant.random.IntN(2) == 0 {
				continue
			}
			var members []index.Member
			for range tenant.random.IntN(6) {
				if id := ids[tenant.random.IntN(len(ids))]; tenant.users[id] != nil && len(members) < 6 {
					members = append(members, index.Member{ID: id})
				}
			}
			members = unique(members)
			if above := groupIDs[tenant.random.IntN(len(groupIDs))]; tenant.groups[above] != nil {
				members = append(members, index.Member{ID: above, Group: true})
			}
			tenant.putGroup(group, i, members...)
		}
		for resourceType, texts := range filters {
			for _, text := range texts {
				query := store.Query{StartIndex: 1 + tenant.random.IntN(3), Count: tenant.random.IntN(30)}
				if text != "" {
					filter, err := filter.Parse(resourceType, text, scim.Leniency{})
					g.Expect(err).NotTo(HaveOccurred())
					query.Filter = filter
				}
				if tenant.random.IntN(3) == 0 {
					sort, err := sorting.Parse(resourceType, "displayName", "descending")
					g.Expect(err).NotTo(HaveOccurred())
					query.Sort = sort
				}
				want := tenant.expected(g, resourceType, query)
				got, err := tenant.index.List(context.Background(), resourceType, query)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(got.TotalResults).To(Equal(want.TotalResults), "round %d: %s", round, text)
				g.Expect(got.More).To(Equal(want.More), text)
				g.Expect(rendered(g, got)).To(Equal(rendered(g, want)), text)
			}
		}
	}
}

// withKnown leaves members out that are not there.
func (t *tenant) withKnown(group *scim.Resource) *scim.Resource {
	for _, member := range group.Members().IDs() {
		if key := uuid.MustParse(member); t.users[key] == nil && t.groups[key] == nil {
			group, _ = store.WithoutMember(group, member)
		}
	}
	return group
}

func unique(members []index.Member) []index.Member {
	seen := map[uuid.UUID]bool{}
	var kept []index.Member
	for _, m := range members {
		if !seen[m.ID] {
			seen[m.ID] = true
			kept = append(kept, m)
		}
	}
	return kept
}

// A page by cursor goes on where the last one ended while users come and go.
func TestPagesByPosition(t *testing.T) {
	g := NewWithT(t)
	tenant := newTenant(t)
	for number := range 50 {
		tenant.putUser(tenant.id(), number)
	}
	stay := map[string]bool{}
	for id := range tenant.users {
		stay[id.String()] = true
	}
	var after *store.Position
	for range 100 {
		page, err := tenant.index.List(context.Background(), tenant.registry.User(), store.Query{Count: 7, After: after, StartIndex: 1})
		g.Expect(err).NotTo(HaveOccurred())
		for _, user := range page.Resources {
			delete(stay, user.ID())
		}
		if !page.More {
			break
		}
		last := page.Resources[len(page.Resources)-1]
		position := store.PositionOf(last)
		after = &position
		tenant.index.RemoveUser(uuid.MustParse(last.ID()))
		tenant.putUser(tenant.id(), 100)
	}
	g.Expect(stay).To(BeEmpty())
}

func TestSlices(t *testing.T) {
	g := NewWithT(t)
	tenant := newTenant(t)
	var ids []uuid.UUID
	for number := range 6 {
		ids = append(ids, tenant.id())
		tenant.putUser(ids[number], number)
	}
	group, at := tenant.id(), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	slice := func(name string, generation int64, members ...uuid.UUID) *index.Slice {
		s := &index.Slice{Name: name, Group: group, Generation: generation, Created: at, Modified: at.Add(time.Duration(generation))}
		for _, id := range members {
			s.Members = append(s.Members, index.Member{ID: id})
		}
		return s
	}
	read := func() *scim.Resource {
		found, known := tenant.index.Get(tenant.registry.Group(), group.String(), store.View{})
		g.Expect(known).To(BeTrue())
		return found
	}
	strings := func(ids ...uuid.UUID) (texts []string) {
		for _, id := range ids {
			texts = append(texts, id.String())
		}
		return texts
	}
	// A slice may come before its group.
	tenant.index.PutSlice(slice("b", 2, ids[2], ids[3]))
	tenant.putGroup(group, 1, index.Member{ID: ids[0]}, index.Member{ID: ids[1]})
	g.Expect(read().Members().IDs()).To(Equal(strings(ids[0], ids[1], ids[2], ids[3])))
	g.Expect(read().Meta().Version).To(HavePrefix(`W/"1-2-`))
	g.Expect(read().Meta().LastModified).To(Equal(at.Add(2)))

	// What two objects list is one member, until neither does.
	tenant.index.PutSlice(slice("a", 5, ids[0], ids[4]))
	g.Expect(read().Members().IDs()).To(Equal(strings(ids[0], ids[1], ids[4], ids[2], ids[3])))
	g.Expect(read().Meta().Version).To(HavePrefix(`W/"1-7-`))
	tenant.index.PutSlice(slice("a", 6, ids[4]))
	g.Expect(tenant.index.Members().ParentsOf(ids[0])).To(Equal([]uuid.UUID{group}))
	tenant.putGroup(group, 1)
	g.Expect(tenant.index.Members().ParentsOf(ids[0])).To(BeEmpty())
	g.Expect(read().Members().IDs()).To(Equal(strings(ids[4], ids[2], ids[3])))

	tenant.index.RemoveUser(ids[4])
	g.Expect(read().Members().IDs()).To(Equal(strings(ids[2], ids[3])))
	tenant.index.RemoveSlice("b")
	tenant.index.RemoveSlice("a")
	g.Expect(read().Members().IDs()).To(BeEmpty())
	g.Expect(read().Meta().Version).To(Equal(`W/"1"`))
	g.Expect(tenant.index.Counts()).To(Equal(index.Counts{Users: 5, ActiveUsers: 3, Groups: 1}))
}

// A search goes on from the entries that it began with while slices change.
func TestSearchWhileSlicesChange(t *testing.T) {
	g := NewWithT(t)
	tenant := newTenant(t)
	group, member := tenant.id(), tenant.id()
	tenant.putUser(member, 1)
	tenant.putGroup(group, 1)
	filter, err := filter.Parse(tenant.registry.Group(), `displayName co "group"`, scim.Leniency{})
	g.Expect(err).NotTo(HaveOccurred())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for generation := range int64(200) {
			tenant.index.PutSlice(&index.Slice{Name: "a", Group: group, Generation: generation, Members: []index.Member{{ID: member}}})
		}
	}()
	for range 200 {
		page, err := tenant.index.List(context.Background(), tenant.registry.Group(), store.Query{Filter: filter, StartIndex: 1, Count: 10})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(page.TotalResults).To(Equal(1))
	}
	<-done
}

// What is stored is known at any time, whatever came in the place of what.
func TestBytes(t *testing.T) {
	g := NewWithT(t)
	x := index.New()
	registry, err := schema.NewRegistry()
	g.Expect(err).NotTo(HaveOccurred())
	user, group := uuid.New(), uuid.New()
	entry := func(id uuid.UUID, bytes int32) *index.Entry {
		resource := scim.NewResource(registry.User(), scim.Complex{"id": id.String(), "userName": "babs"})
		return &index.Entry{ID: id, Compact: *compact.Of(resource), Name: "babs", Bytes: bytes}
	}
	groupEntry := func(bytes int32) *index.Entry {
		e := entry(group, bytes)
		e.Group = &index.Group{}
		return e
	}
	for _, step := range []struct {
		do    func()
		bytes int64
	}{
		{func() { x.PutUser(entry(user, 1000)) }, 1000},
		{func() { x.PutUser(entry(user, 1200)) }, 1200},
		{func() { x.PutGroup(groupEntry(500)) }, 1700},
		{func() { x.PutGroup(groupEntry(600)) }, 1800},
		{func() { x.PutSlice(&index.Slice{Name: "one", Group: group, Bytes: 40}) }, 1840},
		{func() { x.PutSlice(&index.Slice{Name: "one", Group: group, Bytes: 80}) }, 1880},
		{func() { x.PutKept(index.Kept{ID: user, Bytes: 1300}) }, 1980},
		{func() { x.PutKept(index.Kept{ID: user, Bytes: 1400}) }, 2080},
		{func() { x.PutUser(entry(user, 1000)) }, 1680},
		{func() { x.RemoveSlice("one"); x.RemoveSlice("one") }, 1600},
		{func() { x.RemoveUser(user); x.RemoveUser(user) }, 600},
		{func() { x.PutKept(index.Kept{ID: group, Group: true, Bytes: 700}) }, 700},
		{func() { x.PutKept(index.Kept{ID: group, Group: true, Marker: true, Bytes: 300}) }, 300},
		{func() { x.RemoveGroup(group) }, 0},
		{func() { x.PutUser(entry(user, 1000)); x.Reset() }, 0},
	} {
		step.do()
		g.Expect(x.Counts().Bytes).To(Equal(step.bytes))
		if counts := x.Counts(); counts.Markers > 0 {
			g.Expect(counts.MarkerBytes).To(Equal(counts.Bytes))
		} else {
			g.Expect(counts.MarkerBytes).To(BeZero())
		}
	}
}
