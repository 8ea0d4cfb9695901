package upkeep

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestAbsences(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	var a absences
	g.Expect(a.missing("x", now)).To(BeZero())
	g.Expect(a.missing("y", now)).To(BeZero())
	g.Expect(a.end()).To(Equal(2))
	g.Expect(a.missing("x", now.Add(time.Hour))).To(Equal(time.Hour))
	g.Expect(a.missing("x", now.Add(time.Hour))).To(Equal(time.Hour), "twice in a round is once")
	g.Expect(a.end()).To(Equal(1))
	g.Expect(a.missing("y", now.Add(2*time.Hour))).To(BeZero(), "it was there in between")
	g.Expect(a.missing("x", now.Add(2*time.Hour))).To(Equal(2 * time.Hour))
	g.Expect(a.end()).To(Equal(2))
}

func TestAbsencesAreBounded(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	var a absences
	for number := range 2 * maxAbsences {
		a.missing(fmt.Sprint(number), now)
	}
	g.Expect(a.end()).To(Equal(maxAbsences))
	g.Expect(a.missing("x", now)).To(BeZero(), "there is no room")
	// Those that are timed stay, in whatever order they come.
	var timed int
	for number := range 2 * maxAbsences {
		if a.missing(fmt.Sprint(2*maxAbsences-1-number), now.Add(time.Hour)) == time.Hour {
			timed++
		}
	}
	g.Expect(timed).To(Equal(maxAbsences))
}
