package limit

import (
	"testing"

	. "github.com/onsi/gomega"
)

// flood takes slots until there are none, and returns how many there were.
func flood(s *Slots) (taken int) {
	for s.TryAcquire() {
		taken++
	}
	return taken
}

func TestSlotsOfATenantThatIsAlone(t *testing.T) {
	g := NewWithT(t)
	whole := NewPool(12).Whole()
	g.Expect(flood(whole)).To(Equal(12))
	whole.Release()
	g.Expect(flood(whole)).To(Equal(1))
}

// Whoever takes as much as there is leaves something to all others.
func TestSlotsOfSeveralTenants(t *testing.T) {
	g := NewWithT(t)
	pool := NewPool(12)
	first, second, third := pool.Part(), pool.Part(), pool.Part()
	g.Expect(flood(first)).To(Equal(6))
	g.Expect(flood(second)).To(Equal(3))
	g.Expect(third.TryAcquire()).To(BeTrue())
	for range 3 { // Those who have more than their share now get less until it is.
		first.Release()
		flood(first)
		flood(second)
	}
	third.Release()
	g.Expect(first.used + second.used).To(BeNumerically("<", 12))
	g.Expect(third.TryAcquire()).To(BeTrue())
}
