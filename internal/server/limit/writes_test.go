package limit

import (
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
