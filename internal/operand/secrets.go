package operand

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Keys of the data in a hand-over Secret.
const (
	HandoverToken = "token"
	HandoverURL   = "url"
)

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
		Data: handoverData(token, url),
	}
}

// RewrittenHandover returns a hand-over Secret with another token. What others have put
// into it stays.
func RewrittenHandover(secret *corev1.Secret, token, url string) *corev1.Secret {
	rewritten := secret.DeepCopy()
	if rewritten.Data == nil {
		rewritten.Data = map[string][]byte{}
	}
	maps.Copy(rewritten.Data, handoverData(token, url))
	return rewritten
}

func handoverData(token, url string) map[string][]byte {
	return map[string][]byte{HandoverToken: []byte(token), HandoverURL: []byte(url)}
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
