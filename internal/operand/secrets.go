package operand

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// Keys of the data in a hand-over Secret.
const (
	HandoverToken = "token"
	HandoverURL   = "url"
)

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

// HandoverSecret returns the Secret that tells a token. It goes with its key.
func HandoverSecret(key *scimv1alpha1.ScimApiKey, token, url string) *corev1.Secret {
	labels := secretLabels(key.Spec.TenantRef.Name)
	labels[scimv1alpha1.LabelAPIKey] = key.Name
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:            key.HandoverSecretName(),
			Namespace:       key.Namespace,
			Labels:          labels,
			OwnerReferences: []metav1.OwnerReference{keyOwner(key)},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{HandoverToken: []byte(token), HandoverURL: []byte(url)},
	}
}

// IsVerifiersSecret reports whether a Secret of that name was made by the
// operator for the tenant's verifiers, and not by somebody else.
func IsVerifiersSecret(secret *corev1.Secret, tenant string) bool {
	_, handover := secret.Labels[scimv1alpha1.LabelAPIKey]
	return !handover && secret.Name == contract.VerifiersName(tenant) &&
		secret.Labels[LabelManagedBy] == ManagedBy &&
		secret.Labels[scimv1alpha1.LabelTenant] == tenant
}

// IsHandoverSecret reports whether a Secret was made by the operator to hand
// over the token of this very key, and not of an earlier one of the same name.
func IsHandoverSecret(secret *corev1.Secret, key *scimv1alpha1.ScimApiKey) bool {
	if !isHandoverSecretOf(secret, key.Name) {
		return false
	}
	for _, owner := range secret.OwnerReferences {
		if owner.UID == key.UID {
			return true
		}
	}
	return false
}

// IsLeftoverOf reports whether a Secret handed over the token of an earlier key
// of the same name, and will be collected.
func IsLeftoverOf(secret *corev1.Secret, key *scimv1alpha1.ScimApiKey) bool {
	return isHandoverSecretOf(secret, key.Name) && !IsHandoverSecret(secret, key) && len(secret.OwnerReferences) > 0
}

func isHandoverSecretOf(secret *corev1.Secret, keyName string) bool {
	return secret.Labels[LabelManagedBy] == ManagedBy && secret.Labels[scimv1alpha1.LabelAPIKey] == keyName
}

func secretLabels(tenant string) map[string]string {
	return map[string]string{
		LabelInstance:            tenant,
		LabelComponent:           ComponentAPIKey,
		LabelManagedBy:           ManagedBy,
		LabelPartOf:              ManagedBy,
		scimv1alpha1.LabelTenant: tenant,
	}
}

func keyOwner(key *scimv1alpha1.ScimApiKey) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: scimv1alpha1.GroupVersion.String(),
		Kind:       "ScimApiKey",
		Name:       key.Name,
		UID:        key.UID,
	}
}
