package contract

import (
	"encoding/hex"
	"errors"
	"iter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
)

// AnnotationCredentialsRevision is, on the Lease of a server pod, the resourceVersion up to
// which the pod goes by the ScimCredentials of its namespace. The pod updates it when one
// of them changes, as soon as it does nothing any more under a credential that is not
// accepted. It is absent until the pod has listed them for the first time, and when etcd was
// restored to an older state, until it has listed them again. It moves with ScimCredentials
// only, which have no status: a new status of a ScimApiKey makes no pod write.
const AnnotationCredentialsRevision = "scim.kubescim.dev/credentials-revision" //nolint:gosec // An annotation, not a credential.

// Refusal is why a tenant's servers refuse the token of a ScimCredential, whatever its
// ScimApiKey is.
type Refusal int

// Refusals. All but RefusedEarly are for good.
const (
	// NotRefused: nothing is wrong with the credential.
	NotRefused Refusal = iota
	// RefusedDeleted: it is being deleted.
	RefusedDeleted
	// RefusedIssue: it was made before the tenant's credentialsNotBefore.
	RefusedIssue
	// RefusedExpired: it has expired; or it expires when it was issued, and is refused
	// however the clocks are set.
	RefusedExpired
	// RefusedEarly: it is not good yet.
	RefusedEarly
)

// RefusalOf returns why a tenant that has credentialsNotBefore refuses a credential at a time.
func RefusalOf(credential *scimv1alpha1.ScimCredential, credentialsNotBefore metav1.Time, now time.Time) Refusal {
	spec := credential.Spec
	ends := !spec.ExpirationTime.IsZero()
	switch {
	case !credential.DeletionTimestamp.IsZero():
		return RefusedDeleted
	case MadeTime(credential).Before(credentialsNotBefore.Time):
		return RefusedIssue
	case ends && (!now.Before(spec.ExpirationTime.Time) || !spec.ExpirationTime.After(spec.IssueTime.Time)):
		return RefusedExpired
	case now.Before(BeginTime(credential)):
		return RefusedEarly
	default:
		return NotRefused
	}
}

// furthestIssue is how far in the future a token may say to be issued and be good all the same:
// further than any clock is wrong with which a cluster works.
const furthestIssue = 24 * time.Hour

// BeginTime returns when the token of a credential begins to work; a time that has passed,
// or zero, if it does at once. One that says to be issued in a time to come is not good before
// that, or who once could apply one would have a token that is newer than every
// credentialsNotBefore, and that a backup brings back.
func BeginTime(credential *scimv1alpha1.ScimCredential) time.Time {
	begins, issued := credential.Spec.NotBefore.Time, credential.Spec.IssueTime.Add(-furthestIssue)
	if issued.After(begins) {
		return issued
	}
	return begins
}

// clockLeeway is how far the clock of whoever makes a token may be ahead of the API
// server's.
const clockLeeway = time.Minute

// MadeTime returns when the token of a credential was made: at its issueTime, if that is
// not later than the API server has seen it. What says to be issued in the future, by a clock
// that is wrong or on purpose, was made when it was created: otherwise nothing that refuses
// what is older would ever refuse it.
func MadeTime(credential *scimv1alpha1.ScimCredential) time.Time {
	issued, created := credential.Spec.IssueTime.Time, credential.CreationTimestamp.Time
	if !created.IsZero() && issued.After(created.Add(clockLeeway)) {
		return created
	}
	return issued
}

// ForGood reports whether a credential that is refused is never accepted again.
func (r Refusal) ForGood() bool { return r != NotRefused && r != RefusedEarly }

// Accepted returns the tokens, by key id, that a tenant's servers accept at a time, and what
// for: those of ScimCredentials that are not refused for good, and whose ScimApiKey, found
// by its name, is there, of this tenant, not being deleted, and has not expired. One that is
// not good yet or expires later is among them, and its Verifier says when; and so is one
// whose key is suspended, which its Grant says. What cannot be read is left out, and so is
// what is applied for a federated key, which has no token: such a key is among them itself,
// by its FederatedKeyID.
func Accepted(
	tenant *scimv1alpha1.ScimTenant, keys map[string]*scimv1alpha1.ScimApiKey, credentials []*scimv1alpha1.ScimCredential, now time.Time,
) map[string]apikey.Key {
	accepted := map[string]apikey.Key{}
	for credential, key := range tokensOf(tenant, keys, credentials) {
		verifier, err := VerifierOf(credential)
		if err != nil || endOf(tenant, key, credential, now) != "" {
			continue
		}
		if begins := BeginTime(credential); now.Before(begins) {
			verifier.NotBefore = begins
		}
		verifier.ExpirationTime = earliest(verifier.ExpirationTime, key.Spec.ExpirationTime)
		accepted[verifier.KeyID] = apikey.Key{Name: key.Name, Verifier: verifier, Grant: GrantOf(key), Client: ClientID(key)}
	}
	acceptFederated(accepted, tenant, keys, now)
	return accepted
}

// tokensOf returns those ScimCredentials, each with its ScimApiKey, which stand for tokens of
// the tenant, whether they are accepted or not.
func tokensOf(
	tenant *scimv1alpha1.ScimTenant, keys map[string]*scimv1alpha1.ScimApiKey, credentials []*scimv1alpha1.ScimCredential,
) iter.Seq2[*scimv1alpha1.ScimCredential, *scimv1alpha1.ScimApiKey] {
	return func(yield func(*scimv1alpha1.ScimCredential, *scimv1alpha1.ScimApiKey) bool) {
		for _, credential := range credentials {
			key, found := keys[credential.Spec.APIKeyRef.Name]
			if found && key.Spec.TenantRef.Name == tenant.Name && !key.IsFederated() && !yield(credential, key) {
				return
			}
		}
	}
}

// ClientID returns the id of the OAuth client that a key is, or a federated one; empty for a
// bearer token. It is the name of the key: see package oauth.
func ClientID(key *scimv1alpha1.ScimApiKey) string {
	if key.Spec.OAuthClient == nil && !key.IsFederated() {
		return ""
	}
	return key.Name
}

// VerifierOf returns what a ScimCredential says of its token.
func VerifierOf(credential *scimv1alpha1.ScimCredential) (apikey.Verifier, error) {
	spec := credential.Spec
	verifier := apikey.Verifier{KeyID: credential.Name, NotBefore: spec.NotBefore.Time, ExpirationTime: spec.ExpirationTime.Time}
	sum, err := hex.DecodeString(spec.SHA256)
	if err != nil || len(sum) != len(verifier.SHA256) {
		return apikey.Verifier{}, errors.New("ScimCredential " + credential.Name + " has no SHA-256 in hexadecimal digits")
	}
	copy(verifier.SHA256[:], sum)
	return verifier, nil
}

// CredentialOf returns the ScimCredential of a token that was issued for a key at a time.
func CredentialOf(verifier apikey.Verifier, namespace, key string, issued time.Time) *scimv1alpha1.ScimCredential {
	return &scimv1alpha1.ScimCredential{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: verifier.KeyID},
		Spec: scimv1alpha1.ScimCredentialSpec{
			APIKeyRef: scimv1alpha1.APIKeyReference{Name: key},
			SHA256:    hex.EncodeToString(verifier.SHA256[:]),
			IssueTime: metav1.NewTime(issued.UTC().Truncate(time.Second)),
		},
	}
}

// earliest returns the sooner of two times, where zero is never.
func earliest(a time.Time, b metav1.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Time.Before(a) {
		return b.Time
	}
	return a
}
