package auth

import (
	"net/http"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Keys are the tokens that a tenant accepts, by key id.
type Keys map[string]apikey.Verifier

// Keyring has the keys that a tenant accepts, and knows what is being done under each, so
// that a key can be said to be revoked once nothing is done under it any more.
type Keyring struct {
	mu      sync.Mutex
	keys    Keys // nil until there are any
	working map[apikey.Verifier]int
	retired func() // to be called once nothing is done under other keys; nil when it was
}

// Accept makes the keys those that work may begin under from now on. It calls retired, which
// must not block, once no work is under way under any other key; or never, if Accept is
// called again before: what holds then for the later keys is told of those.
func (k *Keyring) Accept(keys Keys, retired func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.retired = keys, retired
	k.notifyRetired()
}

// Accepted returns the keys; nil when there have not been any yet.
func (k *Keyring) Accepted() Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// Begin lets work begin under the key of the request, if that is good at this moment. Then
// end must be called after it.
func (k *Keyring) Begin(r *http.Request, now time.Time) (found Credential, end func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found = Authenticate(r, k.keys, now); found.Reason != "" {
		return found, nil
	}
	if k.working == nil {
		k.working = map[apikey.Verifier]int{}
	}
	k.working[found.Verifier]++
	return found, func() { k.end(found.Verifier) }
}

func (k *Keyring) end(verifier apikey.Verifier) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.working[verifier]--; k.working[verifier] == 0 {
		delete(k.working, verifier)
	}
	k.notifyRetired()
}

// notifyRetired calls retired if it is time to.
func (k *Keyring) notifyRetired() {
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
