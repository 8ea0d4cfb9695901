package sleep_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/sleep"
)

func TestSleepEndsWithItsTimeOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, began := NewWithT(t), time.Now()
		g.Expect(sleep.For(t.Context(), time.Minute)).To(BeTrue())
		g.Expect(time.Since(began)).To(Equal(time.Minute))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g.Expect(sleep.For(ctx, time.Hour)).To(BeFalse())
		g.Expect(time.Since(began)).To(Equal(time.Minute + time.Second))
	})
}
