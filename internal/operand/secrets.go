package operand

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/oauth"
)

// Keys of the data in a hand-over Secret. That of an OAuth client has all but the first, and
// that of a bearer token the first two.
const (
	HandoverToken        = "token"
	HandoverURL          = "url"
	HandoverTokenURL     = "tokenURL"
	HandoverClientID     = "clientID"
	HandoverClientSecret = "clientSecret"
)

// HandoverSecret returns the Secret that tells a token, or a client secret. It goes with its
// key.
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
		Data: handoverData(key, token, url),
	}
}

// RewrittenHandover returns a hand-over Secret with another token. What others have put
// into it stays.
func RewrittenHandover(secret *corev1.Secret, key *scimv1alpha1.ScimApiKey, token, url string) *corev1.Secret {
	return withData(secret, handoverData(key, token, url))
}

// HandoverAt returns a hand-over Secret with another URL of the tenant. What else is in it
// stays.
func HandoverAt(secret *corev1.Secret, key *scimv1alpha1.ScimApiKey, url string) *corev1.Secret {
	return withData(secret, handoverURLs(key, url))
}

// HandoverIsAt reports whether a hand-over Secret has the URL of the tenant.
func HandoverIsAt(secret *corev1.Secret, key *scimv1alpha1.ScimApiKey, url string) bool {
	for entry, value := range handoverURLs(key, url) {
		if string(secret.Data[entry]) != string(value) {
			return false
		}
	}
	return true
}

// HandedOver returns the token, or the client secret, that a hand-over Secret of the key
// tells.
func HandedOver(secret *corev1.Secret, key *scimv1alpha1.ScimApiKey) string {
	return string(secret.Data[tokenEntry(key)])
}

func withData(secret *corev1.Secret, data map[string][]byte) *corev1.Secret {
	changed := secret.DeepCopy()
	if changed.Data == nil {
		changed.Data = map[string][]byte{}
	}
	maps.Copy(changed.Data, data)
	return changed
}

// handoverData returns what a hand-over Secret tells. The id of an OAuth client is the name
// of its key.
func handoverData(key *scimv1alpha1.ScimApiKey, token, url string) map[string][]byte {
	data := handoverURLs(key, url)
	data[tokenEntry(key)] = []byte(token)
	if client := contract.ClientID(key); client != "" {
		data[HandoverClientID] = []byte(client)
	}
	return data
}

// handoverURLs returns those entries that follow the tenant's URL, which is empty while there
// is none.
func handoverURLs(key *scimv1alpha1.ScimApiKey, url string) map[string][]byte {
	data := map[string][]byte{HandoverURL: []byte(url)}
	if contract.ClientID(key) == "" {
		return data
	}
	data[HandoverTokenURL] = []byte(oauth.TokenURL(url))
	return data
}

func tokenEntry(key *scimv1alpha1.ScimApiKey) string {
	if contract.ClientID(key) != "" {
		return HandoverClientSecret
	}
	return HandoverToken
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
