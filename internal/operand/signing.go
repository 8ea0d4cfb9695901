package operand

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// volumeSigning is the volume of a pod with the keys that access tokens are signed with.
const volumeSigning = "signing-keys"

// SigningSecret returns the Secret with the keys that the access tokens of a server's tenants
// are signed with.
func SigningSecret(s Server, keys []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.SigningSecretName(), Namespace: s.Namespace(), Labels: s.Labels(), OwnerReferences: s.Owner.references(),
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{contract.SigningKeysFile: keys},
	}
}

// IsSigningSecret reports whether a Secret was made by the operator for the keys of the
// server, or of an earlier one of its name, and not by somebody else.
func IsSigningSecret(secret *corev1.Secret, s Server) bool {
	_, handover := secret.Labels[scimv1alpha1.LabelAPIKey]
	return !handover && secret.Name == s.SigningSecretName() &&
		secret.Labels[LabelManagedBy] == ManagedBy && secret.Labels[s.Owner.Label] == s.Owner.Name
}

// OwnSigningSecret makes a Secret that IsSigningSecret go with this very server: one that was
// restored from a backup would go at once. It reports whether that changes it.
func OwnSigningSecret(secret *corev1.Secret, s Server) bool {
	if s.Owner.Controls(secret) {
		return false
	}
	secret.OwnerReferences = s.Owner.references()
	return true
}

// VerifyingKeys returns the keys of other servers that a Secret has; none when they cannot be read.
func VerifyingKeys(secret *corev1.Secret) signingkey.VerifyingSet {
	data, there := secret.Data[contract.VerifyingKeysFile]
	if !there {
		return nil
	}
	keys, err := signingkey.ParseVerifying(data)
	if err != nil {
		return nil
	}
	return keys
}

// ErrTooManyKeys says that a Secret has no room for more keys of other servers.
var ErrTooManyKeys = fmt.Errorf("a server checks access tokens with no more than %d keys of other ones", signingkey.MaxVerifyingKeys)

// SetVerifyingKeys makes the keys those of other servers that a Secret has. It fails with
// ErrTooManyKeys, and changes nothing, if these are more than its pods would read.
func SetVerifyingKeys(secret *corev1.Secret, keys signingkey.VerifyingSet) error {
	if len(keys) == 0 {
		delete(secret.Data, contract.VerifyingKeysFile)
		return nil
	}
	if len(keys) > signingkey.MaxVerifyingKeys {
		return ErrTooManyKeys
	}
	data, err := keys.Marshal()
	if err != nil {
		return fmt.Errorf("writing the keys of other servers: %w", err)
	}
	secret.Data[contract.VerifyingKeysFile] = data
	return nil
}

// signingVolume is optional: a pod starts without the keys, and gives out no access tokens
// until it has them.
func signingVolume(s Server) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(volumeSigning).WithSecret(corev1ac.SecretVolumeSource().
		WithSecretName(s.SigningSecretName()).
		WithOptional(true).
		WithDefaultMode(0o440))
}

func signingMount() *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(volumeSigning).WithMountPath(contract.PathSigning).WithReadOnly(true)
}

// SigningKeys returns the keys that a Secret has; none when they cannot be read, since the
// pods cannot either.
func SigningKeys(secret *corev1.Secret) signingkey.Set {
	keys, err := signingkey.Parse(secret.Data[contract.SigningKeysFile])
	if err != nil {
		return nil
	}
	return keys
}
