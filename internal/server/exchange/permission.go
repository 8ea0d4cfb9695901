package exchange

import (
	"fmt"
	"net/http"
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

// Refuse answers a request that has no good token. What is wrong with it goes to the
// log alone.
func (x *Exchange) Refuse(found auth.Credential) {
	err := x.unauthorized(found)
	if x.Shared.Unauthenticated.Allow(request.Source(x.R), x.Entry.Began) {
		x.Fail(err)
		return
	}
	x.retry, x.unlogged = retryRefused, true
	x.Fail(scim.Errorf(http.StatusTooManyRequests, "",
		"the bearer token is missing, unknown, expired or revoked, and too many requests come with such a token; one with a good token is answered at any time"))
}

// unauthorized is the error for a request that has no good token, or has none any more.
func (x *Exchange) unauthorized(found auth.Credential) error {
	x.Entry.Reason, x.Entry.ClaimedKeyID, x.Entry.Source = found.Reason, found.KeyID, request.Source(x.R)
	x.Shared.Log.Refuse(found.Reason)
	x.SetHeader(headerAuthenticate, `Bearer realm="scim"`)
	return scim.Errorf(http.StatusUnauthorized, "",
		"the bearer token is missing, unknown, expired or revoked; send the token that you were given for this URL in a header, as in Authorization: Bearer <token>")
}

// permitted returns why the request must not be answered any more: its key was good when it
// came, but may have been revoked or have expired since, and the tenant paused.
func (x *Exchange) permitted() error {
	if found := auth.Authenticate(x.R, x.Shared.Keyring.Accepted(), time.Now()); found.Reason != "" {
		return x.unauthorized(found)
	}
	return x.NotPaused()
}

// Work does what a request is for, which its context bounds, if it still may be done. What a
// client sends slowly is read before, so that nobody can keep a revoked key good by that.
func (x *Exchange) Work(do func() error) error {
	found, end := x.Shared.Keyring.Begin(x.R, time.Now())
	if found.Reason != "" {
		return x.unauthorized(found)
	}
	defer end()
	if err := x.NotPaused(); err != nil {
		return err
	}
	return do()
}

// NotPaused returns the error for a request while the tenant is paused.
func (x *Exchange) NotPaused() error {
	if !x.Shared.Settings().Paused {
		return nil
	}
	x.retry = retryPaused
	return scim.Errorf(http.StatusServiceUnavailable, "", "provisioning is paused for now; nothing is lost, try again later")
}

// MayWrite refuses a request that writes while too much has been written lately.
func (x *Exchange) MayWrite() error {
	wait := x.Shared.Writes.Wait(time.Now())
	if wait == 0 {
		return nil
	}
	x.retry = wait
	return fmt.Errorf("the share of this pod is used up: %w", scim.Errorf(http.StatusTooManyRequests, "",
		"more has been written in this tenant lately than it has room for; nothing was changed, send this again in %d seconds, and less at a time", int(wait.Seconds())))
}
