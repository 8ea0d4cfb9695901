package apikey

import (
	"maps"
	"slices"
	"time"
)

// Federation says which tokens of another issuer stand for a key: assertions, which are
// exchanged for access tokens (RFC 7523 section 2.2). Federations are not changed once they
// are made.
type Federation struct {
	// Issuer is what the claim iss of an assertion must be; empty when Cluster is set.
	Issuer string
	// Cluster says that the issuer is the cluster's own: its API server knows what it is
	// called, and has its keys.
	Cluster bool
	// KeysURLs are where the issuer's keys are, when that is known: any of them. nil when
	// the issuer's discovery document says it.
	KeysURLs []string
	// CABundle are the certificates, in PEM, of those who vouch for the issuer's TLS; empty
	// for those who vouch for the public's.
	CABundle string
	// Audiences are what the claim aud may be: one of its values must be one of these.
	Audiences []string
	// Claims are what other claims must be.
	Claims map[string]string
	// NotBefore is when an assertion must have been issued at the earliest; zero for any
	// time. An assertion that does not say when it was issued is refused when it is set.
	NotBefore time.Time
}

// Equal reports whether two federations say the same, in the same order; nil says nothing.
func (f *Federation) Equal(other *Federation) bool {
	if f == nil || other == nil {
		return f == other
	}
	return f.Issuer == other.Issuer && f.Cluster == other.Cluster && slices.Equal(f.KeysURLs, other.KeysURLs) &&
		f.CABundle == other.CABundle && slices.Equal(f.Audiences, other.Audiences) && maps.Equal(f.Claims, other.Claims) &&
		f.NotBefore.Equal(other.NotBefore)
}
