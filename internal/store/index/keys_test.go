package index

import (
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
)

// Many keys have the same hash here, which else one in billions has.
func TestKeysOfTheSameHash(t *testing.T) {
	g := NewWithT(t)
	random := rand.New(rand.NewPCG(1, 2))
	k := newKeys()
	want := map[uint32][]uint32{}
	for range 5000 {
		hash, number := random.Uint32N(3), random.Uint32N(6)
		at := slices.Index(want[hash], number)
		if random.IntN(2) == 0 {
			k.add(hash, number)
			if at < 0 {
				want[hash] = append(want[hash], number)
			}
		} else {
			k.remove(hash, number)
			if at >= 0 {
				want[hash] = slices.Delete(want[hash], at, at+1)
			}
		}
		for hash, numbers := range want {
			g.Expect(slices.Collect(k.numbers(hash))).To(ConsistOf(numbers), "hash %d", hash)
		}
	}
	for hash, numbers := range want {
		for _, number := range numbers {
			k.remove(hash, number)
		}
	}
	g.Expect(k.one).To(BeEmpty())
	g.Expect(k.more).To(BeEmpty())
}
