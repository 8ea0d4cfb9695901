package auth

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
)

const (
	// assertionTime is after which time no issuer is asked any more for an assertion, which
	// several may have made by what the keys of the tenant say.
	assertionTime = 10 * time.Second
	// maxHintLength is how much the log has of what an assertion says.
	maxHintLength = 200
)

// assertionFaults are the reasons for what may be wrong with an assertion.
var assertionFaults = map[federation.Fault]Reason{
	federation.Malformed: Malformed, federation.UnknownIssuer: UnknownIssuer, federation.Unavailable: IssuerUnavailable,
	federation.UnknownSigner: UnknownSigner, federation.Forged: Mismatch, federation.Incomplete: Malformed, federation.OtherAudience: OtherAudience,
	federation.OtherClaims: OtherClaims, federation.Early: Early, federation.Expired: Expired, federation.Outdated: Outdated,
}

// AuthenticateAssertion looks at an assertion with which an OAuth client asks for an access
// token. The client's id may be empty: then the key is found by the assertion, and if it
// stands for several, it is the first, by the names of the keys, that permits the use. It
// waits while issuers are asked for their keys; the keys of the tenant are those afterwards.
func (k *Keyring) AuthenticateAssertion(ctx context.Context, client, text string, use Use) Credential {
	assertion, fault := federation.Parse(text)
	if fault != "" {
		return Credential{Reason: assertionFaults[fault]}
	}
	ctx, cancel := context.WithTimeout(ctx, assertionTime)
	defer cancel()
	verified := map[federation.Origin]verification{}
	for _, key := range federated(k.Accepted(), client, assertion.Issuer) {
		from := federation.OriginOf(key.Federation)
		if _, known := verified[from]; known {
			continue
		}
		if ctx.Err() != nil || k.Issuers == nil {
			verified[from] = verification{fault: federation.Unavailable}
			continue
		}
		keys, fault := k.Issuers.Keys(ctx, from, assertion)
		if fault != "" {
			verified[from] = verification{fault: fault}
			continue
		}
		claims, fault := assertion.Verify(keys)
		verified[from] = verification{claims: claims, fault: fault}
	}
	return choose(federated(k.Accepted(), client, assertion.Issuer), verified, use, time.Now())
}

// verification is what is known of an assertion by the keys of one origin.
type verification struct {
	claims federation.Claims
	fault  federation.Fault
}

// federated returns the federated keys that an assertion of an issuer may stand for, by name:
// those of the client, if it has said who it is.
func federated(keys Keys, client, issuer string) []apikey.Key {
	var found []apikey.Key
	for key := range maps.Values(keys) {
		if key.Federation != nil && (client == "" || key.Client == client) && federation.OriginOf(key.Federation).Mentions(issuer) {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, func(a, b apikey.Key) int { return cmp.Compare(a.Client, b.Client) })
	return found
}

// choose returns the first of the keys that the assertion stands for and that may be used; or
// else why the one is refused that it comes nearest to.
func choose(keys []apikey.Key, verified map[federation.Origin]verification, use Use, now time.Time) Credential {
	nearest, nearestFault := Credential{Reason: UnknownIssuer}, federation.UnknownIssuer
	for _, key := range keys {
		of, looked := verified[federation.OriginOf(key.Federation)]
		if !looked {
			continue // The key is newer than the request.
		}
		fault, hint := of.fault, ""
		if fault == "" {
			fault, hint = check(of.claims, key.Federation, now)
		}
		if fault == "" {
			found := permitted(key, use, now)
			if found.Reason == "" {
				return found
			}
			nearest, nearestFault = found, ""
			continue
		}
		if nearestFault != "" && fault.After(nearestFault) {
			nearest, nearestFault = Credential{Reason: assertionFaults[fault], KeyID: key.Verifier.KeyID, Hint: hint}, fault
		}
	}
	return nearest
}

// check returns why an assertion does not stand for a key, and a hint at what to change.
func check(claims federation.Claims, wanted *apikey.Federation, now time.Time) (fault federation.Fault, hint string) {
	fault, differs := claims.Check(wanted, now)
	switch fault {
	case federation.OtherAudience:
		hint = "its audience: " + strings.Join(claims.Audiences(), " ")
	case federation.OtherClaims:
		hint = "claim that differs: " + differs
	}
	return fault, hint[:min(len(hint), maxHintLength)]
}
