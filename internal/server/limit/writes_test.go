package limit

import (
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestWriteBucket(t *testing.T) {
	g := NewWithT(t)
	var w Writes
	now := time.Now()
	g.Expect(w.Wait(now)).To(BeZero())
	w.Charge(1<<40, now)
	g.Expect(w.Wait(now)).To(BeZero(), "there is no limit")
	w.Resize(3000)
	w.Charge(2000, now)
	g.Expect(w.Wait(now)).To(BeZero())
	w.Charge(2000, now)
	g.Expect(w.Wait(now)).To(BeNumerically("~", 101*time.Second, time.Second))
	g.Expect(w.Wait(now.Add(102 * time.Second))).To(BeZero())
	w.Charge(10_000, now.Add(time.Hour))
	g.Expect(w.Wait(now.Add(time.Hour))).To(BeNumerically("~", 701*time.Second, 2*time.Second), "after an hour there is no more than at first")
	w.Resize(300_000)
	g.Expect(w.Wait(now.Add(time.Hour))).To(BeNumerically("<", 10*time.Second))
}

// Replicas together write what one alone may, however many there are and come to be.
func TestWriteBucketsOfReplicas(t *testing.T) {
	for _, replicas := range []int{1, 3, 10} {
		t.Run(strconv.Itoa(replicas), func(t *testing.T) {
			g := NewWithT(t)
			var w Writes
			now := time.Now()
			w.Resize(30_000)
			w.Among(1)
			w.Among(replicas)
			w.Charge(30_000/int64(replicas)-1, now)
			g.Expect(w.Wait(now)).To(BeZero())
			w.Charge(1000, now)
			g.Expect(w.Wait(now)).To(BeNumerically("~", time.Duration(10*replicas)*time.Second, time.Second))
		})
	}
}
