package index

import (
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"
)

// However slices were split, each member is for one of them, and who looks for it by any of
// those on the way finds it.
func TestPlaces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		g := NewWithT(t)
		places := map[uint32]Place{0: NewPlace("tag", 0)}
		for range random.IntN(50) {
			numbers := make([]uint32, 0, len(places))
			for number := range places {
				numbers = append(numbers, number)
			}
			split := places[numbers[random.IntN(len(numbers))]]
			other := NewPlace("tag", split.Number|1<<split.Depth)
			split.Depth++
			g.Expect(other.Depth).To(Equal(split.Depth), "a slice that is new is as deep as the one that was split")
			places[split.Number], places[other.Number] = split, other
		}
		for range 200 {
			id := uuid.New()
			var covering []uint32
			for number, place := range places {
				if place.Covers(id) {
					covering = append(covering, number)
				}
			}
			g.Expect(covering).To(HaveLen(1))
			number := uint32(0)
			for !places[number].Covers(id) {
				next := places[number].Next(id)
				g.Expect(next).To(BeNumerically(">", number))
				g.Expect(places).To(HaveKey(next))
				number = next
			}
			g.Expect(covering).To(ConsistOf(number))
		}
	}
}

func TestNoPlace(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Place{}.Covers(uuid.New())).To(BeFalse(), "a slice of the release before is for nobody")
	g.Expect(NewPlace("tag", 0).Covers(uuid.New())).To(BeTrue())
	// What is stored rests on these.
	g.Expect(hashOfMember(uuid.MustParse("a0b1c2d3-0000-4000-8000-000000000001"))).To(Equal(uint32(3276728973)))
}
