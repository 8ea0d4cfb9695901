package operand

import (
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

// Credential returns the ScimCredential of a token that the operator has issued for a key
// at a time. Its label tells it from those that were applied, which come back when the
// operator deletes them.
func Credential(verifier apikey.Verifier, key *scimv1alpha1.ScimApiKey, issued time.Time) *scimv1alpha1.ScimCredential {
	credential := contract.CredentialOf(verifier, key.Namespace, key.Name, issued)
	credential.Labels = map[string]string{LabelManagedBy: ManagedBy}
	return credential
}

// IsOwnCredential reports whether the operator has made a ScimCredential.
func IsOwnCredential(credential *scimv1alpha1.ScimCredential) bool {
	return credential.Labels[LabelManagedBy] == ManagedBy
}
