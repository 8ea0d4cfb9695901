package server

import (
	"net/http"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim"
)

// keyring has the keys that a tenant accepts, and knows what is being done under each, so
// that a key can be said to be revoked once nothing is done under it any more.
type keyring struct {
	mu      sync.Mutex
	keys    Keys // nil until there are any
	working map[apikey.Verifier]int
	retired func() // to be called once nothing is done under other keys; nil when it was
}

// accept makes the keys those that work may begin under from now on. It calls retired, which
// must not block, once no work is under way under any other key; or never, if accept is
// called again before: what holds then for the later keys is told of those.
func (k *keyring) accept(keys Keys, retired func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.retired = keys, retired
	k.notifyRetired()
}

// accepted returns the keys; nil when there have not been any yet.
func (k *keyring) accepted() Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// begin lets work begin under the key of the request, if that is good at this moment. Then
// end must be called after it.
func (k *keyring) begin(r *http.Request, now time.Time) (found credential, end func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found = authenticate(r, k.keys, now); found.reason != "" {
		return found, nil
	}
	if k.working == nil {
		k.working = map[apikey.Verifier]int{}
	}
	k.working[found.verifier]++
	return found, func() { k.end(found.verifier) }
}

func (k *keyring) end(verifier apikey.Verifier) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.working[verifier]--; k.working[verifier] == 0 {
		delete(k.working, verifier)
	}
	k.notifyRetired()
}

// notifyRetired calls retired if it is time to.
func (k *keyring) notifyRetired() {
	if k.retired == nil {
		return
	}
	for verifier := range k.working {
		if now, kept := k.keys[verifier.KeyID]; !kept || now.SHA256 != verifier.SHA256 {
			return
		}
	}
	k.retired()
	k.retired = nil
}

// permitted returns why the request must not be answered any more: its key was good when it
// came, but may have been revoked or have expired since, and the tenant paused.
func (x *exchange) permitted() error {
	if found := authenticate(x.r, x.tenant.keyring.accepted(), time.Now()); found.reason != "" {
		return x.unauthorized(found)
	}
	return x.notPaused()
}

// work does what a request is for, which its context bounds, if it still may be done. What a
// client sends slowly is read before, so that nobody can keep a revoked key good by that.
func (x *exchange) work(do func() error) error {
	found, end := x.tenant.keyring.begin(x.r, time.Now())
	if found.reason != "" {
		return x.unauthorized(found)
	}
	defer end()
	if err := x.notPaused(); err != nil {
		return err
	}
	return do()
}

// notPaused returns the error for a request while the tenant is paused.
func (x *exchange) notPaused() error {
	if !x.tenant.settings.Load().Paused {
		return nil
	}
	x.retry = retryPaused
	return scim.Errorf(http.StatusServiceUnavailable, "", "provisioning is paused for now; nothing is lost, try again later")
}
