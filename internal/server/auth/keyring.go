package auth

import (
	"net/http"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/ratelimit"
)

// Keys are the tokens that a tenant accepts, by key id.
type Keys map[string]apikey.Key

// Rates returns the rates of those keys that have their own, some of them several times.
func (k Keys) Rates() (rates []ratelimit.Key) {
	for _, key := range k {
		if key.Grant.Rate != (ratelimit.Key{}) {
			rates = append(rates, key.Grant.Rate)
		}
	}
	return rates
}

// Keyring has the keys that a tenant accepts, and knows what is being done under each, so
// that a key can be said to be revoked, or a permission to be taken away from it, once
// nothing is done under it any more.
type Keyring struct {
	// Issuers has the keys by which assertions are checked; without it, none are good. It is
	// set before anything is authenticated, and may be that of several tenants.
	Issuers *federation.Issuers

	mu       sync.Mutex
	accepted acceptance
	working  map[*work]struct{}
	retired  func() // to be called once nothing is done that the keys do not permit; nil when it was
	begun    uint64 // how much work was begun
	waits    []wait
}

// wait is for the end of the work of which there had been so much when it began.
type wait struct {
	begun uint64
	ended func()
}

// work is what is being done under a key.
type work struct {
	verifier apikey.Verifier
	client   string // of the OAuth client; empty under a bearer token
	use      Use
	number   uint64 // counts
}

// permitted reports whether the work might begin under the keys, were it not for the time:
// what has begun in time is done.
func (w *work) permitted(keys Keys) bool {
	now, kept := keys[w.verifier.KeyID]
	return kept && now.Verifier.SHA256 == w.verifier.SHA256 && now.Client == w.client &&
		!now.Grant.Suspended && now.Grant.AllowsFrom(w.use.From) && w.use.Deny(now.Grant) == ""
}

// Accept makes the keys those that work may begin under from now on. It calls retired, which
// must not block, once no work is under way that they do not permit; or never, if Accept is
// called again before: what holds then for the later keys is told of those.
func (k *Keyring) Accept(keys Keys, retired func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted.keys, k.retired = keys, retired
	if k.Issuers != nil {
		k.Issuers.Keep(k, origins(keys))
	}
	k.notifyRetired()
}

// Accepted returns the keys; nil when there have not been any yet.
func (k *Keyring) Accepted() Keys { return k.now().keys }

// now returns what is accepted at this moment.
func (k *Keyring) now() acceptance {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.accepted
}

// Explain makes those tokens known that are accepted no more, by key id. A request with one
// is refused as with any that is not known; the log has the key id and the reason.
func (k *Keyring) Explain(ended map[string]apikey.Ended) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted.ended = ended
}

// AcceptTokens makes the access tokens that are accepted from now on those which tokens
// finds good, as long as the keys that they were issued for are accepted.
func (k *Keyring) AcceptTokens(tokens *oauth.Verifier) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted.tokens = tokens
}

// Authenticate looks at the request's bearer token (RFC 6750 section 2.1), and whether it
// permits what the request does, by what is accepted at this moment.
func (k *Keyring) Authenticate(r *http.Request, use Use, now time.Time) Credential {
	return k.now().authenticate(r, use, now)
}

// AuthenticateClient looks at the id and the secret with which an OAuth client asks for an
// access token, by what is accepted at this moment.
func (k *Keyring) AuthenticateClient(client, secret string, use Use, now time.Time) Credential {
	return k.now().authenticateClient(client, secret, use, now)
}

// origins are those of all keys that issuers of assertions have.
func origins(keys Keys) map[federation.Origin]struct{} {
	all := map[federation.Origin]struct{}{}
	for _, key := range keys {
		if key.Federation != nil {
			all[federation.OriginOf(key.Federation)] = struct{}{}
		}
	}
	return all
}

// Begin lets a request work, if its key is good at this moment and permits what it does.
// Then end must be called after it; otherwise end is nil.
func (k *Keyring) Begin(r *http.Request, use Use, now time.Time) (found Credential, end func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found = k.accepted.authenticate(r, use, now); found.Reason != "" || found.Denial != "" {
		return found, nil
	}
	if k.working == nil {
		k.working = map[*work]struct{}{}
	}
	k.begun++
	begun := &work{verifier: found.Verifier, client: found.Client, use: use, number: k.begun}
	k.working[begun] = struct{}{}
	return found, func() { k.end(begun) }
}

func (k *Keyring) end(ended *work) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.working, ended)
	k.notifyRetired()
	k.endWaits()
}

// Outlast calls ended, which must not block, once all work has ended that has begun by now.
func (k *Keyring) Outlast(ended func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waits = append(k.waits, wait{begun: k.begun, ended: ended})
	k.endWaits()
}

// endWaits ends the waits for which it is time.
func (k *Keyring) endWaits() {
	if len(k.waits) == 0 {
		return
	}
	oldest := k.begun + 1
	for underWay := range k.working {
		oldest = min(oldest, underWay.number)
	}
	for len(k.waits) > 0 && k.waits[0].begun < oldest {
		k.waits[0].ended()
		k.waits = k.waits[1:]
	}
}

// notifyRetired calls retired if it is time to.
func (k *Keyring) notifyRetired() {
	if k.retired == nil {
		return
	}
	for underWay := range k.working {
		if !underWay.permitted(k.accepted.keys) {
			return
		}
	}
	k.retired()
	k.retired = nil
}
