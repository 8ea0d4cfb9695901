package contract

import (
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
)

// Ended returns the tokens of a tenant, by key id, that its servers do not accept at a time
// any more though their ScimCredentials are still there, so that the log can say of a request
// which key it was sent with, and why it is refused. What Accepted returns is not among them.
func Ended(
	tenant *scimv1alpha1.ScimTenant, keys map[string]*scimv1alpha1.ScimApiKey, credentials []*scimv1alpha1.ScimCredential, now time.Time,
) map[string]apikey.Ended {
	ended := map[string]apikey.Ended{}
	for credential, key := range tokensOf(tenant, keys, credentials) {
		verifier, err := VerifierOf(credential)
		if end := endOf(tenant, key, credential, now); err == nil && end != "" {
			ended[verifier.KeyID] = apikey.Ended{Verifier: verifier, End: end}
		}
	}
	return ended
}

// endOf returns why the token of a credential of the key is accepted no more; empty when it
// is, or will be.
func endOf(tenant *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey, credential *scimv1alpha1.ScimCredential, now time.Time) apikey.End {
	expiration := key.Spec.ExpirationTime
	switch refusal := RefusalOf(credential, tenant.Spec.CredentialsNotBefore, now); {
	case refusal == RefusedDeleted, !key.DeletionTimestamp.IsZero():
		return apikey.EndRevoked
	case refusal == RefusedIssue:
		return apikey.EndOutdated
	case refusal == RefusedExpired, !expiration.IsZero() && !now.Before(expiration.Time):
		return apikey.EndExpired
	default:
		return ""
	}
}
