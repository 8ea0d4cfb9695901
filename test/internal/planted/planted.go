// Package planted finds out whether something was shown that must not be. What tests send and
// get that is secret is noted while they run, and so is all that is seen of a cluster
// meanwhile; at the end, the one is searched for in the other. Notes and sightings are files
// in one folder, since several processes run the tests.
package planted

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// Kind is what a value is, and so where it may be seen.
type Kind string

// The kinds of values.
const (
	// Credential is a token, a client secret, an assertion or a private key.
	Credential Kind = "credential"
	// Password is a user's. It is searched for as a hash, too.
	Password Kind = "password"
	// Personal is the value of an attribute of a user. It may be where users are kept.
	Personal Kind = "personal"
	// Visible is no secret. It is there to be found, which shows that others would be.
	Visible Kind = "visible"
)

// Shortest is how long a value must be to be noted. Shorter ones are found by chance.
const Shortest = 10

// Value is something that is searched for.
type Value struct {
	Kind Kind   `json:"kind"`
	What string `json:"what"` // for a person: where it is from
	Text string `json:"text"`
}

// forms returns what the value may look like where it is shown: as it is, as in a URL, as it
// is compared, in base64 whatever stands before it, and what is made of a password.
func (v Value) forms() []string {
	forms := []string{v.Text}
	for _, other := range []string{url.QueryEscape(v.Text), strings.ToLower(v.Text)} {
		if other != v.Text {
			forms = append(forms, other)
		}
	}
	for before := range 3 {
		forms = append(forms, inBase64(base64.StdEncoding, v.Text, before), inBase64(base64.URLEncoding, v.Text, before))
	}
	if v.Kind == Password {
		sum := sha256.Sum256([]byte(v.Text))
		forms = append(forms, hex.EncodeToString(sum[:]), base64.RawStdEncoding.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	return forms
}

// inBase64 returns those characters of a text in base64 that do not depend on what is around
// it, when so many bytes stand before it.
func inBase64(encoding *base64.Encoding, text string, before int) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
	first := (before*8 + 5) / 6          // The characters before it hold bits of what stands before.
	last := (before + len(text)) * 8 / 6 // The one there holds bits of what comes behind.
	return encoded[first:min(last, len(encoded))]
}
