package suite

import (
	"regexp"
	"time"
)

// Target is one tenant of the server under test.
type Target struct{ URL, Token string }

// Profiles are the identity providers whose ways can be asked for. Generic is the
// RFC.
var Profiles = []string{"Generic", "Entra", "Okta", "JumpCloud", "OneLogin", "PingOne", "Authentik", "Keycloak"}

// Options are what a run needs to know.
type Options struct {
	// Tenant is the one under test, and Other one that sees nothing of it.
	Tenant, Other Target
	// Client is an OAuth client of the tenant under test; zero when none was given.
	Client Client
	// Federated is a client without a secret; zero when none was given.
	Federated Federated
	// Profile is the identity provider whose ways the server is to understand.
	Profile string
	// Parallel is how many cases run at the same time.
	Parallel int
	// RequestTimeout is the longest wait for an answer, and CaseTimeout the longest
	// run of a case.
	RequestTimeout, CaseTimeout time.Duration
	// Seed is of the hostile requests, and Requests how many there are in all.
	Seed     uint64
	Requests int
	// Slow is the longest answer to a hostile request that passes.
	Slow time.Duration
	// Skip matches the ids of cases that are not to be run; nil matches none.
	Skip *regexp.Regexp
}
