package failure

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

// What a client is told of an error of the API server.
func TestClientError(t *testing.T) {
	users := schema.GroupResource{Group: "scim.kubescim.dev", Resource: "scimusers"}
	status := func(code int32, reason metav1.StatusReason, message string) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Reason: reason, Message: message}}
	}
	policy := `scimusers.scim.kubescim.dev "x" is forbidden: ValidatingAdmissionPolicy 'names' with binding 'all' denied request: no`
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"a webhook's denial":                        {status(403, metav1.StatusReasonForbidden, `admission webhook "names.example.com" denied the request: no`), 403},
		"a webhook's denial with a status":          {status(400, "", `admission webhook "names.example.com" denied the request: no`), 403},
		"a webhook that cannot tell at the moment":  {status(503, "", `admission webhook "names.example.com" denied the request: later`), 503},
		"a webhook that throttles":                  {status(429, metav1.StatusReasonTooManyRequests, `admission webhook "names.example.com" denied the request: later`), 429},
		"a webhook that does not answer":            {apierrors.NewInternalError(errors.New(`failed calling webhook "names.example.com"`)), 503},
		"a policy's denial":                         {status(422, metav1.StatusReasonInvalid, policy), 403},
		"a policy's denial as forbidden":            {status(403, metav1.StatusReasonForbidden, policy), 403},
		"a role that is not there yet":              {apierrors.NewForbidden(users, "x", errors.New("no role")), 503},
		"a namespace whose quota of objects is out": {apierrors.NewForbidden(users, "x", errors.New("exceeded quota: objects")), 503},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			answer := clientError(c.err)
			g.Expect(answer.Status).To(Equal(c.want), answer.Detail)
			g.Expect(answer.Detail).NotTo(Or(ContainSubstring("names.example.com"), ContainSubstring("forbidden")), "the API server's words may quote values")
		})
	}
}

// The log has who refused a write, and nothing of what the API server was sent.
func TestErrorsAreRedacted(t *testing.T) {
	g := NewWithT(t)
	users := schema.GroupResource{Group: "scim.kubescim.dev", Resource: "scimusers"}
	for _, test := range []struct {
		err  error
		says string
	}{
		{apierrors.NewInternalError(errors.New("etcd: bjensen@example.com")), "500 InternalError"},
		{apierrors.NewForbidden(users, "x", errors.New(`exceeded quota: small, requested: bjensen@example.com`)), "403 Forbidden: exceeded quota: small"},
		{&apierrors.StatusError{ErrStatus: apierrors.NewBadRequest(`admission webhook "names.example.com" denied the request: bjensen@example.com`).ErrStatus}, "admission webhook 'names.example.com'"},
		{apierrors.NewInvalid(schema.GroupKind{Kind: "bjensen@example.com"}, "x", nil), "422 Invalid"},
	} {
		answer := Wrap(test.err, "creating the user")
		g.Expect(answer.Error()).To(And(ContainSubstring(test.says), Not(ContainSubstring("bjensen"))))
		g.Expect(errors.Is(answer, test.err)).To(BeTrue(), "the error itself is there still")
	}
}

// What the circuit keeps back has not been done, and never will be.
func TestIsDefiniteWhatTheCircuitKeepsBack(t *testing.T) {
	g := NewWithT(t)
	circuit := transport.NewCircuit(prometheus.NewRegistry(), "acme", slog.New(slog.DiscardHandler))
	gone := errors.New("connection refused")
	guarded := circuit.Wrap(unreachable{gone})
	call := func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://127.0.0.1/", http.NoBody)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = guarded.RoundTrip(request) //nolint:bodyclose // There is none.
		return err
	}
	err := call()
	g.Expect(IsDefinite(err)).To(BeFalse(), "it may have been sent")
	for i := 0; i < 100 && !transport.NotSent(err); i++ {
		err = call()
	}
	g.Expect(transport.NotSent(err)).To(BeTrue())
	g.Expect(IsDefinite(err)).To(BeTrue(), "nothing was done")
}

type unreachable struct{ error }

func (u unreachable) RoundTrip(*http.Request) (*http.Response, error) { return nil, u.error }
