package retry

import (
	"context"
	"errors"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

var users = schema.GroupResource{Group: "scim.kubescim.dev", Resource: "scimusers"}

func TestDo(t *testing.T) {
	other, unanswered := errors.New("no such user"), errors.New("the connection broke")
	for name, c := range map[string]struct {
		tries []error // what each try returns; the last one again and again
		want  error
		times int
	}{
		"a try that succeeds":                       {[]error{nil}, nil, 1},
		"a try that fails otherwise":                {[]error{other}, other, 1},
		"races that are lost before one is won":     {[]error{ErrLost, Lost(apierrors.NewConflict(users, "x", nil)), nil}, nil, 3},
		"a write without an answer, which is found": {[]error{After(unanswered), nil}, nil, 2},
		"a race that is lost before a refusal":      {[]error{ErrLost, other}, other, 2},
	} {
		t.Run(name, func(t *testing.T) {
			g, times := NewWithT(t), 0
			err := Do(t.Context(), "changing a user", func() error {
				times++
				return c.tries[min(times, len(c.tries))-1]
			})
			if c.want == nil {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				g.Expect(err).To(MatchError(c.want))
			}
			g.Expect(times).To(Equal(c.times))
		})
	}
}

// Whoever has no time left learns that nothing was done, or what the last answer was.
func TestDoWithoutTimeLeft(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Do(ctx, "changing a user", func() error { return ErrLost })
	g.Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
	g.Expect(err.Error()).To(HavePrefix("changing a user: "))
	g.Expect(errors.Is(err, ErrLost)).To(BeFalse(), "whoever called is not to try again because of it")

	unanswered := errors.New("the connection broke")
	err = Do(ctx, "changing a user", func() error { return After(unanswered) })
	g.Expect(err).To(Equal(unanswered))
	g.Expect(errors.Is(err, ErrLost)).To(BeFalse())
}

func TestLost(t *testing.T) {
	g := NewWithT(t)
	forbidden := apierrors.NewForbidden(users, "x", errors.New("no role"))
	g.Expect(Lost(nil)).To(Succeed())
	g.Expect(Lost(forbidden)).To(MatchError(forbidden))
	for _, race := range []error{
		apierrors.NewConflict(users, "x", nil), apierrors.NewAlreadyExists(users, "x"), apierrors.NewNotFound(users, "x"),
		failure.Wrap(apierrors.NewConflict(users, "x", nil), "writing the user"),
	} {
		g.Expect(Lost(race)).To(Equal(ErrLost))
	}
}
