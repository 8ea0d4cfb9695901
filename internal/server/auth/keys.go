package auth

import (
	"fmt"
	"strings"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Keys are the API keys that a tenant accepts, by key id.
type Keys map[string]apikey.Verifier

// ParseKeys reads the data of a verifiers Secret. What cannot be read is left
// out, so that one bad entry locks out one key and not all; the error names it.
func ParseKeys(data map[string][]byte) (Keys, error) {
	keys := make(Keys, len(data))
	var bad []string
	for id, text := range data {
		verifier, err := apikey.ParseVerifier(id, text)
		if err != nil {
			bad = append(bad, id)
			continue
		}
		keys[id] = verifier
	}
	if len(bad) > 0 {
		return keys, fmt.Errorf("reading verifiers: %d entries are malformed: %s", len(bad), strings.Join(bad, ", "))
	}
	return keys, nil
}
