package auth_test

import (
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/server/auth"
)

func TestUsesAreOfTheKeysThatWereUsedLast(t *testing.T) {
	g := NewWithT(t)
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	uses := &auth.Uses{}
	g.Expect(uses.Last(2)).To(BeEmpty())
	var running sync.WaitGroup
	for i := range 100 {
		running.Go(func() { uses.Note([]string{"a", "b", "c", "d"}[i%4], noon.Add(time.Duration(i)*time.Millisecond)) })
	}
	running.Wait()
	g.Expect(uses.Last(2)).To(Equal(map[string]time.Time{"c": noon.Add(98 * time.Millisecond), "d": noon.Add(99 * time.Millisecond)}))
	g.Expect(uses.Last(9)).To(HaveLen(4))

	uses.Keep(auth.Keys{"a": {}, "d": {}, "e": {}})
	g.Expect(uses.Last(9)).To(And(HaveLen(2), HaveKey("a"), HaveKey("d")))
}
