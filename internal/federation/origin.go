package federation

import (
	"strings"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Origin is where the keys of an issuer come from. Two federated keys that say the same of
// that share what is fetched.
type Origin struct {
	// Issuer is the issuer; empty for the cluster's own.
	Issuer string
	// Cluster says that the issuer is the cluster's own.
	Cluster bool
	// CABundle are the certificates, in PEM, of those who vouch for the issuer's TLS; empty
	// for those who vouch for the public's.
	CABundle string

	keysURLs string
}

// OriginOf returns where the keys come from by which assertions for a federated key are
// checked.
func OriginOf(federation *apikey.Federation) Origin {
	return Origin{
		Issuer: federation.Issuer, Cluster: federation.Cluster, CABundle: federation.CABundle,
		keysURLs: strings.Join(federation.KeysURLs, " "), // A URL has no space in it.
	}
}

// KeysURLs returns where the issuer's keys are, any of them; nothing when the issuer's
// discovery document says it.
func (o Origin) KeysURLs() []string { return strings.Fields(o.keysURLs) }

// Mentions reports whether assertions of the issuer may be checked with keys from there. What
// the cluster's own issuer is called is known with its keys.
func (o Origin) Mentions(issuer string) bool { return o.Cluster || o.Issuer == issuer }

// String names the origin, for the log.
func (o Origin) String() string {
	if o.Cluster {
		return "the cluster"
	}
	return o.Issuer
}
