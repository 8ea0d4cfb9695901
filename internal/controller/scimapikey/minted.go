package scimapikey

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubescim/kubescim/internal/apikey"
)

// maxMinted bounds the number of tokens that wait in memory to be handed over.
const maxMinted = 4096

// verifiersByKey has verifiers by the UID of their ScimApiKey.
type verifiersByKey = map[types.UID]apikey.Verifier

// minted keeps, in memory only, the tokens that are not handed over yet. Losing
// one is harmless: another is minted.
type minted struct {
	mu        sync.Mutex
	tokens    map[types.UID]string
	verifiers verifiersByKey
}

// provide returns the token of a key, and mints it if there is none.
func (m *minted) provide(key types.UID) (token string, v apikey.Verifier, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token, ok := m.tokens[key]; ok {
		return token, m.verifiers[key], nil
	}
	token, v, err = apikey.Mint()
	if err != nil {
		return "", apikey.Verifier{}, err
	}
	if m.tokens == nil {
		m.tokens, m.verifiers = map[types.UID]string{}, verifiersByKey{}
	}
	for other := range m.tokens {
		if len(m.tokens) < maxMinted {
			break
		}
		m.drop(other)
	}
	m.tokens[key], m.verifiers[key] = token, v
	return token, v, nil
}

// snapshot returns the verifiers of all tokens that are not handed over yet.
func (m *minted) snapshot() verifiersByKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.verifiers == nil {
		return verifiersByKey{}
	}
	return maps.Clone(m.verifiers)
}

// forget drops the token of a key.
func (m *minted) forget(key types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(key)
}

func (m *minted) drop(key types.UID) {
	delete(m.tokens, key)
	delete(m.verifiers, key)
}
