package operand

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

// Verifiers returns the data that the Secret for a tenant's pods of the release before
// should have: one entry for each token that the tenant accepts, under its key id, and
// nothing else.
//
// credentials are those of the namespace. current is the data that the Secret has. An entry
// of a key that has no credential is kept as it is, by status.keyID, until the credential is
// made of it. Those pods know no time before which a token does not work: one that is not
// good yet is left out.
func Verifiers(
	tenant *scimv1alpha1.ScimTenant,
	keys []scimv1alpha1.ScimApiKey,
	credentials []scimv1alpha1.ScimCredential,
	current map[string][]byte,
	now time.Time,
) (map[string][]byte, error) {
	byName := map[string]*scimv1alpha1.ScimApiKey{}
	for i := range keys {
		byName[keys[i].Name] = &keys[i]
	}
	known := map[string]bool{}
	all := make([]*scimv1alpha1.ScimCredential, 0, len(credentials))
	for i := range credentials {
		all = append(all, &credentials[i])
		known[credentials[i].Name] = true
	}
	wanted := contract.Accepted(tenant, byName, all, now)
	for i := range keys {
		verifier, ok := VerifierIn(current, keys[i].Status.KeyID)
		verifier.ExpirationTime = keys[i].Spec.ExpirationTime.UTC()
		if ok && !known[verifier.KeyID] && keys[i].DeletionTimestamp.IsZero() && !verifier.Expired(now) {
			wanted[verifier.KeyID] = verifier
		}
	}
	data := map[string][]byte{}
	for keyID, verifier := range wanted {
		if verifier.Early(now) {
			continue
		}
		text, err := verifier.MarshalText()
		if err != nil {
			return nil, err
		}
		data[keyID] = text
	}
	return data, nil
}

// VerifierIn returns the verifier of one key id; false when the data has none
// that can be read.
func VerifierIn(data map[string][]byte, keyID string) (apikey.Verifier, bool) {
	text, ok := data[keyID]
	if !ok || keyID == "" {
		return apikey.Verifier{}, false
	}
	verifier, err := apikey.ParseVerifier(keyID, text)
	return verifier, err == nil
}

// VerifiersSecret returns the Secret that has the verifiers of all of a
// tenant's keys. The keys own it, not the tenant: a tenant that was deleted and
// is applied again must know the same tokens.
func VerifiersSecret(namespace, tenant string, keys []scimv1alpha1.ScimApiKey, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:            contract.VerifiersName(tenant),
			Namespace:       namespace,
			Labels:          secretLabels(tenant),
			OwnerReferences: VerifiersOwners(keys),
		},
		Type: corev1.SecretTypeOpaque,
		Data: data,
	}
}

// VerifiersOwners returns the references with which the Secret of the verifiers
// goes when the last key goes. Keys that are being deleted count only when
// there are no others.
func VerifiersOwners(keys []scimv1alpha1.ScimApiKey) []metav1.OwnerReference {
	var staying, leaving []metav1.OwnerReference
	for i := range keys {
		if keys[i].DeletionTimestamp.IsZero() {
			staying = append(staying, keyOwner(&keys[i]))
		} else {
			leaving = append(leaving, keyOwner(&keys[i]))
		}
	}
	if len(staying) == 0 {
		return leaving
	}
	return staying
}

// IsVerifiersSecret reports whether a Secret of that name was made by the
// operator for the tenant's verifiers, and not by somebody else.
func IsVerifiersSecret(secret *corev1.Secret, tenant string) bool {
	_, handover := secret.Labels[scimv1alpha1.LabelAPIKey]
	return !handover && secret.Name == contract.VerifiersName(tenant) &&
		secret.Labels[LabelManagedBy] == ManagedBy &&
		secret.Labels[scimv1alpha1.LabelTenant] == tenant
}
