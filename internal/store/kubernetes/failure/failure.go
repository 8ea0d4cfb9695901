// Package failure says what an error of the API server means: whether the write that it
// answers may have been made (IsDefinite), whether somebody else was faster, and what the
// client of the SCIM server is told. It makes no calls.
package failure

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

// translate makes of an error of the API server one that wraps the *scim.Error
// for the client. The original stays in the chain, and its text stays out of the log.
func translate(err error) error {
	var already *scim.Error
	if errors.As(err, &already) {
		return err
	}
	return fmt.Errorf("%w (%w)", clientError(err), redacted{err})
}

// Wrap says what was being attempted when the API server returned err, and
// makes of it the error that the client gets.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), translate(err))
}

// Redact returns an error of the API server without its text, to be logged.
func Redact(err error) error { return redacted{err} }

// redacted is an error of the API server without the text, which may quote what it was
// sent, or have it in it: that of an admission webhook is written by anybody.
type redacted struct{ error }

// Unwrap returns the error itself.
func (r redacted) Unwrap() error { return r.error }

// decider finds who refused a request in the API server's text.
var decider = regexp.MustCompile(`^admission webhook "[a-z0-9.-]+"|^ValidatingAdmissionPolicy '[a-z0-9.-]+'|exceeded quota: [a-z0-9.-]+`)

// Error implements error.
func (r redacted) Error() string {
	var answer apierrors.APIStatus
	if !errors.As(r.error, &answer) {
		return r.error.Error() // There was no answer.
	}
	status := answer.Status()
	text := fmt.Sprintf("the API server answered %d %s", status.Code, status.Reason)
	if who := decider.FindString(status.Message); who != "" {
		text += ": " + strings.ReplaceAll(who, `"`, "'")
	}
	return text
}

// clientError is what the client is told of an error of the API server. It
// never repeats the server's text, which may quote personal data.
func clientError(err error) *scim.Error {
	switch {
	case deniedByPolicy(err):
		return scim.Forbidden(scim.Denied,
			"a rule that the operator of the service has set does not allow this change; sending it again will not help, ask the operator of the service")
	case apierrors.IsInvalid(err):
		return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "%s", invalidFields(err))
	case apierrors.IsRequestEntityTooLargeError(err):
		return scim.Errorf(http.StatusRequestEntityTooLarge, "", "the resource is too large to be stored; make it smaller")
	case apierrors.IsTooManyRequests(err):
		return scim.Errorf(http.StatusTooManyRequests, "", "the user store takes no more requests at the moment; try again")
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota"):
		return scim.Errorf(http.StatusServiceUnavailable, "",
			"there is no room for more users and groups at the moment; ask who runs this service for more")
	default:
		return store.Unavailable()
	}
}

// deniedByPolicy reports whether an admission webhook or a ValidatingAdmissionPolicy has
// refused a write for good. The API server tells it by its words alone: the status and
// the reason are those that the webhook or the policy chose. 5xx and 429 are a webhook's
// way of saying that it cannot tell at the moment.
func deniedByPolicy(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !IsDefinite(err) || apierrors.IsTooManyRequests(err) {
		return false
	}
	text := status.Status().Message
	return strings.HasPrefix(text, "admission webhook ") && strings.Contains(text, "denied the request") ||
		strings.Contains(text, "ValidatingAdmissionPolicy ") && strings.Contains(text, "denied request")
}

// invalidFields says which fields the API server refused and why, without the
// values.
func invalidFields(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return "a value is not one that can be stored"
	}
	var reasons []string
	for _, cause := range status.Status().Details.Causes {
		field, about := strings.CutPrefix(cause.Field, "spec.")
		if !about {
			continue // A remark about the object as a whole.
		}
		switch cause.Type {
		case metav1.CauseTypeTooLong:
			reasons = append(reasons, field+beyond(cause.Message, " is longer than the %s characters that it may have; shorten it", " is too long; shorten it"))
		case metav1.CauseTypeTooMany:
			reasons = append(reasons, field+beyond(cause.Message, " has more than the %s values that it may have; send fewer", " has too many values; send fewer"))
		default:
			reasons = append(reasons, field+" has a value that cannot be stored")
		}
	}
	if len(reasons) == 0 {
		return "a value is not one that can be stored"
	}
	return strings.Join(reasons, "; ")
}

// bound finds a limit in what the API server says of a value that exceeds it.
var bound = regexp.MustCompile(`^Too (?:long|many): .*(?:more than|longer than|at most) (\d+)`)

// beyond says that a limit is exceeded: by limited with the limit, if the API server's
// message has it, or else by otherwise.
func beyond(message, limited, otherwise string) string {
	limit := bound.FindStringSubmatch(message)
	if limit == nil {
		return otherwise
	}
	return fmt.Sprintf(limited, limit[1])
}

// Status returns the HTTP status that a client gets for the error; 0 when there is none.
func Status(err error) int {
	var protocol *scim.Error
	if errors.As(err, &protocol) {
		return protocol.Status
	}
	return 0
}

// IsNotFound reports whether the error tells the client that the resource does not exist.
func IsNotFound(err error) bool { return Status(err) == http.StatusNotFound }

// IsDefinite reports whether the API server has certainly not done what it
// answered err to, and will not do it later. After any other error the write
// may have happened.
func IsDefinite(err error) bool {
	if transport.NotSent(err) {
		return true
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	// 429 is answered before anything is done.
	return status.Status().Code >= 400 && status.Status().Code < 500
}

// IgnoreRaces drops the errors that mean that somebody else was faster.
func IgnoreRaces(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// ErrUnreadable is of an object that the API server has and that cannot be read. The schema
// of a CRD takes more than the types do, as a time without a fraction, and an older program
// may meet what a newer one has written. One such object must not hide all others: it is
// left out, here as in memory, and never written.
var ErrUnreadable = errors.New("it is not as this version of the API defines it")

// IsUnreadable reports whether the API server has answered what the types do not take.
func IsUnreadable(err error) bool {
	var (
		mismatch *stdjson.UnmarshalTypeError
		badTime  *time.ParseError
	)
	return errors.As(err, &mismatch) || errors.As(err, &badTime)
}
