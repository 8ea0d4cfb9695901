// Package auth finds out which API key a request is sent with, from where, and whether the
// key permits what it does; and it knows what is being done under each key. It mints nothing,
// answers nothing, and keeps no token: what a client is told of a bad one, and how often, is
// for others.
package auth

import (
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/oauth"
)

// Reason is why a request has no good token, for the log and the metrics. The client is
// never told.
type Reason string

// What may be wrong with a token. Of one that was good once, it is known for as long as its
// ScimCredential is there.
const (
	Missing   Reason = "Missing"   // there is no bearer token in the header
	Malformed Reason = "Malformed" // it is no token of this software, or not all of one
	Unknown   Reason = "Unknown"   // no key of the tenant has its id
	Mismatch  Reason = "Mismatch"  // its id is that of a key, or of a client, and the rest is not
	Foreign   Reason = "Foreign"   // it is an access token for another tenant, or for this one at another URL
	Early     Reason = "Early"     // it is not good yet
	Expired   Reason = "Expired"
	Suspended Reason = "Suspended" // its key is suspended
	Revoked   Reason = "Revoked"   // it, or its key, is being deleted
	// ClientSecret: it is the secret of an OAuth client, which must be exchanged for an
	// access token.
	ClientSecret Reason = "ClientSecret"
	Address      Reason = "Address" // its key is not for requests from where this one comes from
)

// What may be wrong with an assertion, beside what may be with a token.
const (
	UnknownIssuer Reason = "UnknownIssuer" // no key is for assertions of its issuer, or not the one that is asked for
	// IssuerUnavailable: its signature cannot be checked, since the keys of its issuer are not
	// to be had. The log has another line that says why.
	IssuerUnavailable Reason = "IssuerUnavailable"
	UnknownSigner     Reason = "UnknownSigner" // its issuer has no key of the id that it names
	OtherAudience     Reason = "OtherAudience" // it is for none of the audiences of the key
	OtherClaims       Reason = "OtherClaims"   // it does not say what the key wants it to
	Outdated          Reason = "Outdated"      // it was issued before the tenant's credentialsNotBefore, or does not say when
)

// Credential is what a request proves to be from.
type Credential struct {
	Name     string          // of the key; empty when it was refused
	Verifier apikey.Verifier // zero when it was refused
	Client   string          // the id of the OAuth client; empty when it is none
	Grant    apikey.Grant    // of a good token
	Reason   Reason          // empty for a good token
	// Denial is why a good token does not permit what the request does; empty when it does.
	Denial Denial
	KeyID  string // of the key that the token is, or claims to be; empty when there is no such key
	// Hint has, for the log, what an assertion says that its issuer has signed, and that is
	// not as the key wants it. No personal data is in it.
	Hint string
}

// acceptance is what a tenant accepts at one moment, and what it accepts no more.
type acceptance struct {
	keys   Keys                    // nil until there are any
	ended  map[string]apikey.Ended // by key id; what is among the keys, too, is accepted
	tokens *oauth.Verifier         // nil while there are no access tokens
}

// authenticate looks at the request's bearer token (RFC 6750 section 2.1: in the header
// only), and whether it permits what the request does. That is a token of one of the keys, or
// an access token that was issued for the secret of one. Whatever is wrong with a token, the
// answer is the same, and whether a key is known makes no difference in time.
func (a acceptance) authenticate(r *http.Request, use Use, now time.Time) Credential {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	switch {
	case !found || !strings.EqualFold(scheme, "Bearer") || token == "":
		return Credential{Reason: Missing}
	case oauth.IsAccessToken(token):
		return a.authenticateAccessToken(token, use, now)
	}
	id, key, reason := a.find(token)
	switch {
	case reason != "":
		return Credential{Reason: reason, KeyID: id}
	case key.Client != "":
		return Credential{Reason: ClientSecret, KeyID: id}
	}
	return permitted(key, use, now)
}

// authenticateAccessToken looks at an access token: what it says, and the secret that it was
// issued for, without which it is worth nothing.
func (a acceptance) authenticateAccessToken(token string, use Use, now time.Time) Credential {
	grant, fault := a.tokens.Verify(token, now)
	if fault != "" {
		return Credential{Reason: faults[fault]}
	}
	key, known := a.keys[grant.KeyID]
	secret, ended := a.ended[grant.KeyID]
	switch {
	case known && key.Client == grant.ClientID:
		return permitted(key, use, now)
	case ended:
		return Credential{Reason: Reason(secret.End), KeyID: grant.KeyID}
	}
	return Credential{Reason: Unknown}
}

// faults are the reasons for what may be wrong with an access token.
var faults = map[oauth.Fault]Reason{
	oauth.Malformed: Malformed, oauth.UnknownKey: Unknown, oauth.Forged: Mismatch, oauth.Foreign: Foreign,
	oauth.Early: Early, oauth.Expired: Expired,
}

// authenticateClient looks at the id and the secret with which an OAuth client asks for an
// access token, as authenticate does at a token.
func (a acceptance) authenticateClient(client, secret string, use Use, now time.Time) Credential {
	id, key, reason := a.find(secret)
	switch {
	case reason != "":
		return Credential{Reason: reason, KeyID: id}
	case key.Client == "" || key.Client != client:
		return Credential{Reason: Mismatch, KeyID: id}
	}
	return permitted(key, use, now)
}

// find returns the key that a token is of, and its id; or what is wrong with the token, with
// the id if there is such a key, or the token was of one.
func (a acceptance) find(token string) (id string, key apikey.Key, reason Reason) {
	id, wellFormed := apikey.KeyID(token)
	if !wellFormed {
		return "", apikey.Key{}, Malformed
	}
	key, known := a.keys[id]
	verifier := key.Verifier
	if !known {
		verifier = a.ended[id].Verifier
	}
	matches := verifier.Matches(token) // The zero Verifier matches none, and takes as long.
	switch {
	case !known && matches:
		return id, apikey.Key{}, Reason(a.ended[id].End)
	case !known, key.Federation != nil: // That one has no token.
		return "", apikey.Key{}, Unknown
	case !matches:
		return id, apikey.Key{}, Mismatch
	}
	return id, key, ""
}

// permitted looks at whether a key, which the request has proved to have, may be used at the
// time and from where the request comes, and permits what it does.
func permitted(key apikey.Key, use Use, now time.Time) Credential {
	id := key.Verifier.KeyID
	switch {
	case key.Verifier.Early(now):
		return Credential{Reason: Early, KeyID: id}
	case key.Verifier.Expired(now):
		return Credential{Reason: Expired, KeyID: id}
	case key.Grant.Suspended:
		return Credential{Reason: Suspended, KeyID: id}
	case !key.Grant.AllowsFrom(use.From):
		return Credential{Reason: Address, KeyID: id}
	}
	return Credential{Name: key.Name, Verifier: key.Verifier, Client: key.Client, Grant: key.Grant, Denial: use.Deny(key.Grant), KeyID: id}
}
