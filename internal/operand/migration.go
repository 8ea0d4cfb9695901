package operand

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

// Servers of the release before know tokens by a Secret, <tenant>-scim-verifiers, and have
// a right to watch it. What is here goes with them.

// Verifiers returns the data that the Secret for a tenant's pods of the release before
// should have: one entry for each token that the tenant accepts, under its key id, and
// nothing else.
//
// credentials are those of the namespace. current is the data that the Secret has. An entry
// of which a credential is still to be made (see unmigrated) is kept as it is until then.
// Those pods know no time before which a token does not work, and no limits of what it is
// for: one that is not good yet is left out, and so is one of a key that does not permit
// everything, from everywhere.
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
	wanted := map[string]apikey.Verifier{}
	for keyID, key := range contract.Accepted(tenant, byName, all, now) {
		if key.Grant.Unlimited() && key.Client == "" {
			wanted[keyID] = key.Verifier
		}
	}
	for i := range keys {
		verifier, ok := unmigrated(&keys[i], current)
		verifier.ExpirationTime = keys[i].Spec.ExpirationTime.UTC()
		if ok && contract.GrantOf(&keys[i]).Unlimited() && !known[verifier.KeyID] && keys[i].DeletionTimestamp.IsZero() && !verifier.Expired(now) {
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

// unmigrated returns the verifier of a key's token that the verifiers Secret has and of
// which no ScimCredential has been made yet; false when there is none. Of a key whose status
// has credentials, or says that it has lost them, all have been made: one that is gone was
// taken away, and a Secret that comes later is somebody else's.
func unmigrated(key *scimv1alpha1.ScimApiKey, verifiers map[string][]byte) (apikey.Verifier, bool) {
	lost := slices.ContainsFunc(key.Status.Conditions, func(c metav1.Condition) bool {
		return c.Reason == scimv1alpha1.ReasonCredentialLost
	})
	if lost || len(key.Status.Credentials) > 0 {
		return apikey.Verifier{}, false
	}
	return VerifierIn(verifiers, key.Status.KeyID)
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

// MigrationName returns the name of the Role and the RoleBinding that a server has while
// pods of the release before may be alive.
func MigrationName(server string) string { return server + "-credentials" }

// MigrationRole returns the same rights as Role under another name. While pods of the
// release before need their Role, they are beside it: to write the one of before, the
// operator would have to hold its right to watch a Secret.
func MigrationRole(s Server) *rbacv1ac.RoleApplyConfiguration {
	return Role(s).WithName(MigrationName(s.Name))
}

// MigrationRoleBinding gives a SCIM server its MigrationRole.
func MigrationRoleBinding(s Server) *rbacv1ac.RoleBindingApplyConfiguration {
	binding := RoleBinding(s).WithName(MigrationName(s.Name))
	binding.RoleRef.WithName(MigrationName(s.Name))
	return binding
}

// MigratedCredentials returns, by the name of its key, the ScimCredential of each token
// that the verifiers Secret of the release before has, that belongs to a key which is not
// being deleted, and of which none has been made yet. One that was perhaps never handed
// over is undelivered.
func MigratedCredentials(keys []scimv1alpha1.ScimApiKey, verifiers map[string][]byte) map[string]*scimv1alpha1.ScimCredential {
	credentials := map[string]*scimv1alpha1.ScimCredential{}
	for i := range keys {
		key := &keys[i]
		verifier, ok := unmigrated(key, verifiers)
		if !ok || !key.DeletionTimestamp.IsZero() {
			continue
		}
		credential := Credential(verifier, key, issueTimeOf(key))
		if key.Status.DeliveredTime.IsZero() {
			metav1.SetMetaDataAnnotation(&credential.ObjectMeta, scimv1alpha1.AnnotationUndelivered, "true")
		}
		credentials[key.Name] = credential
	}
	return credentials
}

// issueTimeOf is when a key of the release before got its token, as far as that is known.
func issueTimeOf(key *scimv1alpha1.ScimApiKey) time.Time {
	if key.Status.DeliveredTime.IsZero() {
		return key.CreationTimestamp.Time
	}
	return key.Status.DeliveredTime.Time
}
