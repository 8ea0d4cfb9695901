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
