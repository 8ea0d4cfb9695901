package cache

import (
	"context"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"
)

func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		var s shared[int]
		calls, goOn := 0, make(chan struct{})
		call := func() (int, error) {
			calls++
			answer := calls
			<-goOn
			return answer, nil
		}
		answers := make(chan int, 100)
		ask := func() {
			answer, err := s.do(t.Context(), call)
			g.Expect(err).NotTo(HaveOccurred())
			answers <- answer
		}
		go ask()
		synctest.Wait()
		for range 10 { // While the first call is under way, which may be too old for them.
			go ask()
		}
		synctest.Wait()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.do(over, call)
		g.Expect(err).To(MatchError(context.Canceled))
		close(goOn)
		synctest.Wait()
		g.Expect(calls).To(Equal(2))
		got := map[int]int{}
		for range 11 {
			got[<-answers]++
		}
		g.Expect(got).To(Equal(map[int]int{1: 1, 2: 10}))
	})
}
