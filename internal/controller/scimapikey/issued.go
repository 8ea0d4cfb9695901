package scimapikey

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubescim/kubescim/internal/apikey"
)

// maxIssued bounds the number of tokens that wait in memory to be handed over.
const maxIssued = 4096

// token is a token that was issued, and what is kept of it.
type token struct {
	plaintext string
	verifier  apikey.Verifier
}

// issued keeps, in memory only, the tokens that are not handed over yet, by the UID of
// their ScimApiKey. Losing one is harmless: another is issued.
type issued struct {
	mu     sync.Mutex
	tokens map[types.UID]token
}

// issue makes a token for a key, and forgets the one that the key had before.
func (i *issued) issue(key types.UID) (token, error) {
	plaintext, verifier, err := apikey.Mint()
	if err != nil {
		return token{}, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.tokens == nil {
		i.tokens = map[types.UID]token{}
	}
	for other := range i.tokens {
		if len(i.tokens) < maxIssued {
			break
		}
		delete(i.tokens, other)
	}
	i.tokens[key] = token{plaintext: plaintext, verifier: verifier}
	return i.tokens[key], nil
}

// find returns the token of a key that is not handed over yet; the zero token if there
// is none.
func (i *issued) find(key types.UID) token {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tokens[key]
}

// forget drops the token of a key.
func (i *issued) forget(key types.UID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.tokens, key)
}
