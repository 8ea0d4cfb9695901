package limit

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// However many addresses fail to log in, what is remembered of them is bounded.
func TestUnauthenticatedOfManySources(t *testing.T) {
	g := NewWithT(t)
	u, now := NewUnauthenticated(DefaultRates()), time.Now()
	allowed := 0
	for i := range 100_000 {
		if u.Allow(fmt.Sprint(i), now) {
			allowed++
		}
	}
	g.Expect(allowed).To(Equal(DefaultRates().InAllAtOnce))
	g.Expect(u.sources.Len()).To(Equal(rememberedSources))
	g.Expect(u.Allow("192.0.2.1", now.Add(time.Second))).To(BeTrue())
}
