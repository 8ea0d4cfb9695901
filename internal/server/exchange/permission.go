package exchange

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/request"
)

const (
	// retryPaused is what clients are told to wait while the tenant is paused, which
	// somebody has to end.
	retryPaused = 5 * time.Minute
	// retryRefused is what those are told to wait who send too many requests without a
	// good token. A token that is bad does not become good, and one that is good is
	// never refused.
	retryRefused = time.Minute
)

// What is said of the token in WWW-Authenticate (RFC 6750 section 3): nothing of one that
// is not there, and of all that are bad the same.
const (
	challengeMissing = `Bearer realm="scim"`
	challengeInvalid = challengeMissing + `, error="invalid_token"`
	challengeDenied  = challengeMissing + `, error="insufficient_scope"`
)

// Locate finds out where the request comes from, under the settings. It comes before all that
// asks who sends it.
func (x *Exchange) Locate() {
	x.use.From = auth.ClientAddress(x.R, x.Settings.TrustedProxies)
	if x.use.From.IsValid() {
		x.Entry.Source = x.use.From.String()
	} else {
		x.Entry.Source = request.Source(x.R)
	}
}

// Authenticate finds out which of the tenant's keys the request is sent with.
func (x *Exchange) Authenticate() auth.Credential {
	found := x.Shared.Keyring.Authenticate(x.R, x.use, x.Entry.Began)
	x.identify(found)
	return found
}

// identify takes note of whom the request is from, if it has proved that.
func (x *Exchange) identify(found auth.Credential) {
	x.Verifier, x.grant, x.Entry.KeyID = found.Verifier, found.Grant, found.Verifier.KeyID
	x.Entry.Change.Key = found.Name
}

// noteRefusal takes note of what is wrong with what a request was to prove, and counts it.
func (x *Exchange) noteRefusal(found auth.Credential) {
	x.Entry.Reason, x.Entry.Hint, x.Entry.ClaimedKeyID = found.Reason, found.Hint, found.KeyID
	x.Shared.Log.Refuse(found.Reason)
}

// Refuse answers a request that has no good token. What is wrong with it goes to the
// log alone.
func (x *Exchange) Refuse(found auth.Credential) {
	err := x.unauthorized(found)
	if x.Shared.Unauthenticated.Allow(x.Entry.Source, x.Entry.Began) {
		x.Fail(err)
		return
	}
	x.retry, x.unlogged = retryRefused, true
	x.Fail(scim.Errorf(http.StatusTooManyRequests, "",
		"the bearer token is missing, unknown, expired or revoked, or must not be used now or from here, and too many requests come with such a token; one with a good token is not held up by them"))
}

// unauthorized is the error for a request that has no good token, or has none any more.
func (x *Exchange) unauthorized(found auth.Credential) error {
	x.noteRefusal(found)
	challenge := challengeInvalid
	if found.Reason == auth.Missing {
		challenge = challengeMissing
	}
	x.SetHeader(headerAuthenticate, challenge+x.whereToAsk())
	return scim.Errorf(http.StatusUnauthorized, "",
		"the bearer token is missing, unknown, expired or revoked, or must not be used now or from here; send the token that you were given for this URL in a header, as in Authorization: Bearer <token>")
}

// Require lets the request go on if its key permits it to be sent to the endpoint of a
// resource type, such as Users, and to write there.
func (x *Exchange) Require(resource string, writes bool) error {
	x.use.Resource, x.use.Writes = resource, writes
	return x.denied(x.use.Deny(x.grant))
}

// Shows reports whether the answer may have resources of a type, by its endpoint.
func (x *Exchange) Shows(resource string) bool {
	if !x.grant.Allows(resource) {
		return false
	}
	if x.use.Shows == nil {
		x.use.Shows = x.shows[:0]
	}
	if !slices.Contains(x.use.Shows, resource) {
		x.use.Shows = append(x.use.Shows, resource)
	}
	return true
}

// Hidden is the error for a request that can only be answered out of resources which its
// key may not see, of the type with the endpoint.
func (x *Exchange) Hidden(resource string) error {
	x.SetHeader(headerAuthenticate, challengeDenied)
	return scim.Forbidden(scim.NotForToken,
		"this token is not for %[1]s; switch the provisioning of %[1]s off in the identity provider, or ask who gave you the token for one that is for %[1]s, too", strings.ToLower(resource))
}

// denied is the error for what the request's key does not permit; nil when it does.
func (x *Exchange) denied(why auth.Denial) error {
	switch why {
	case "":
		return nil
	case auth.DeniedResource:
		return x.Hidden(x.use.Resource)
	case auth.DeniedWrite:
		x.SetHeader(headerAuthenticate, challengeDenied)
		return scim.Forbidden(scim.NotForToken,
			"this token may only read, and nothing was changed; to create, change or delete, ask who gave you the token for one that may write")
	default:
		return scim.Errorf(http.StatusServiceUnavailable, "",
			"what this token is for was changed while the request was being answered; nothing was done, send it again")
	}
}

// permitted returns why the request must not be answered any more: its key was good when it
// came and permitted it, but may have been changed or revoked or have expired since, and the
// tenant paused.
func (x *Exchange) permitted() error {
	found := x.Shared.Keyring.Authenticate(x.R, x.use, time.Now())
	if err := x.stopped(found); err != nil {
		return err
	}
	x.grant = found.Grant
	return nil
}

// stopped returns why what a request is for must not be done, by what its token is now.
func (x *Exchange) stopped(found auth.Credential) error {
	if found.Reason != "" {
		return x.unauthorized(found)
	}
	if err := x.denied(found.Denial); err != nil {
		return err
	}
	return x.NotPaused()
}

// Work does what a request is for, which its context bounds, if it still may be done. What a
// client sends slowly is read before, so that nobody can keep a revoked key good by that.
func (x *Exchange) Work(do func() error) error {
	found, end := x.Shared.Keyring.Begin(x.R, x.use, time.Now())
	if end != nil {
		defer end()
	}
	if err := x.stopped(found); err != nil {
		return err
	}
	return do()
}

// NotPaused returns the error for a request while the tenant is paused, or cannot be served, or is
// served elsewhere.
func (x *Exchange) NotPaused() error {
	settings := x.Shared.Settings()
	x.Entry.TurnedAway = settings.Off || settings.Paused
	if settings.Off {
		return scim.Errorf(http.StatusServiceUnavailable, "", "another server answers for this tenant by now; nothing was done, send this again")
	}
	if !settings.Paused && settings.Fault == "" {
		return nil
	}
	x.retry = retryPaused
	if settings.Fault != "" {
		return scim.Errorf(http.StatusServiceUnavailable, "", "%s; nothing is lost, ask who runs this service to mend it", settings.Fault)
	}
	return scim.Errorf(http.StatusServiceUnavailable, "", "provisioning is paused for now; nothing is lost, try again later")
}

// MayWrite refuses a request that writes while too much has been written lately.
func (x *Exchange) MayWrite() error {
	// Each replica has its share: what the others have written, none of them knows.
	x.Shared.Writes.Among(max(x.Settings.MostReplicas, x.Shared.Rates.Replicas()))
	wait := x.Shared.Writes.Wait(time.Now())
	if wait == 0 {
		return nil
	}
	x.retry = wait
	return fmt.Errorf("the share of this pod is used up: %w", scim.Errorf(http.StatusTooManyRequests, "",
		"more has been written in this tenant lately than it has room for; nothing was changed, send this again in %d seconds, and less at a time", int(wait.Seconds())))
}
