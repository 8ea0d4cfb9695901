package readindex_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/readindex"
)

var acme, globex = readindex.TenantOf("acme"), readindex.TenantOf("globex")

func TestMarksOfTenantsAreApart(t *testing.T) {
	g, marks := NewWithT(t), readindex.NewMarks()
	marks.Raise(acme, readindex.Users, 10)
	marks.Raise(acme, readindex.Users, 7)
	marks.Raise(globex, readindex.Groups, 5)
	g.Expect(marks.Of(acme)).To(Equal(readindex.Revisions{readindex.Users: 10}))
	g.Expect(marks.Of(globex)).To(Equal(readindex.Revisions{readindex.Groups: 5}))
	g.Expect(marks.Max()).To(Equal(readindex.Revisions{readindex.Users: 10, readindex.Groups: 5}))
	marks.RaiseAll(readindex.Revisions{readindex.Users: 8, readindex.Groups: 8})
	g.Expect(marks.Of(acme)).To(Equal(readindex.Revisions{readindex.Users: 10, readindex.Groups: 8}))
	g.Expect(marks.Of(globex)).To(Equal(readindex.Revisions{readindex.Users: 8, readindex.Groups: 8}))
}

func TestMarksOfManyTenantsMissNothing(t *testing.T) {
	g, marks := NewWithT(t), readindex.NewMarks()
	const many = 10_000
	for i := range many {
		marks.Raise(readindex.Tenant(i), readindex.Users, uint64(i+1))
	}
	for i := range many {
		g.Expect(marks.Of(readindex.Tenant(i))[readindex.Users]).To(BeNumerically(">=", i+1))
	}
	g.Expect(marks.Of(many - 1)[readindex.Users]).To(BeEquivalentTo(many))
	g.Expect(marks.Of(many)[readindex.Users]).To(BeNumerically("<", many), "those that changed last are kept apart")
}

func TestMarksOfAnotherHistory(t *testing.T) {
	g, marks := NewWithT(t), readindex.NewMarks()
	marks.Raise(acme, readindex.Users, 100)
	marks.Forget()
	marks.Raise(globex, readindex.Users, 12)
	marks.Forget() // Somebody else has found out, too.
	for _, tenant := range []readindex.Tenant{acme, globex} {
		g.Expect(marks.Of(tenant)[readindex.Users]).To(BeEquivalentTo(100), "some of it may be of the new one")
		g.Expect(marks.Shown(tenant)).To(BeZero())
	}
	marks.Raise(acme, readindex.Users, 20)
	marks.RaiseAll(readindex.Revisions{readindex.Users: 15})
	g.Expect(marks.Of(acme)[readindex.Users]).To(BeEquivalentTo(20))
	g.Expect(marks.Max()[readindex.Users]).To(BeEquivalentTo(20))
	g.Expect(marks.Of(globex)[readindex.Users]).To(BeEquivalentTo(15))
}

func TestChangesOfMarks(t *testing.T) {
	g, marks := NewWithT(t), readindex.NewMarks()
	first := marks.Since(0)
	g.Expect(first).To(Equal(readindex.Changes{Version: first.Version}))
	marks.Raise(acme, readindex.Users, 10)
	marks.Raise(globex, readindex.Users, 11)
	marks.Raise(acme, readindex.Users, 12)
	since := marks.Since(first.Version)
	g.Expect(since).To(Equal(readindex.Changes{Base: first.Version, Version: since.Version, Marks: []readindex.Mark{
		{Tenant: acme, Revisions: readindex.Revisions{12}}, {Tenant: globex, Revisions: readindex.Revisions{11}},
	}}))
	g.Expect(marks.Version(acme)).To(Equal(since.Version))
	g.Expect(marks.Version(globex)).To(BeNumerically("<", since.Version))
	g.Expect(marks.Since(since.Version).Marks).To(BeEmpty())
	g.Expect(marks.Since(since.Version+1)).To(Equal(readindex.Changes{Version: since.Version, Floor: readindex.Revisions{12}}), "nobody knows that yet")

	for i := range readindex.MaxChanges + 1 {
		marks.Raise(readindex.Tenant(i), readindex.Groups, 20)
	}
	g.Expect(marks.Since(since.Version)).To(And(HaveField("Base", BeZero()), HaveField("Marks", BeEmpty()),
		HaveField("Floor", Equal(readindex.Revisions{readindex.Users: 12, readindex.Groups: 20}))), "too much has changed")
}

func TestMarksOfAnotherHistoryAreNotFollowedForEver(t *testing.T) {
	g, marks := NewWithT(t), readindex.NewMarks()
	marks.Raise(acme, readindex.Users, 100)
	before := marks.Since(0)
	marks.Forget()
	void := marks.Since(before.Version)
	g.Expect(void).To(And(HaveField("Base", BeZero()), HaveField("Floor", Equal(readindex.Revisions{100}))))
	marks.RaiseAll(readindex.Revisions{15})
	g.Expect(marks.Since(void.Version)).To(And(HaveField("Base", BeZero()), HaveField("Floor", Equal(readindex.Revisions{15}))))
}
