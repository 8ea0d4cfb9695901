package operand

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// MigrationName returns the name of the Role and the RoleBinding that a server has while
// pods of the release before may be alive.
func MigrationName(tenant string) string { return Name(tenant) + "-credentials" }

// MigrationRole returns the same rights as Role under another name. While pods of the
// release before need their Role, they are beside it: to write the one of before, the
// operator would have to hold its right to watch a Secret.
func MigrationRole(t *scimv1alpha1.ScimTenant) *rbacv1ac.RoleApplyConfiguration {
	return Role(t).WithName(MigrationName(t.Name))
}

// MigrationRoleBinding gives a tenant's SCIM server its MigrationRole.
func MigrationRoleBinding(t *scimv1alpha1.ScimTenant) *rbacv1ac.RoleBindingApplyConfiguration {
	binding := RoleBinding(t).WithName(MigrationName(t.Name))
	binding.RoleRef.WithName(MigrationName(t.Name))
	return binding
}

// MigratedCredentials returns, by the name of its key, the ScimCredential of each token
// that the verifiers Secret of the release before has and that belongs to a key which is
// not being deleted. One that was perhaps never handed over is undelivered.
func MigratedCredentials(keys []scimv1alpha1.ScimApiKey, verifiers map[string][]byte) map[string]*scimv1alpha1.ScimCredential {
	credentials := map[string]*scimv1alpha1.ScimCredential{}
	for i := range keys {
		key := &keys[i]
		verifier, ok := VerifierIn(verifiers, key.Status.KeyID)
		if !ok || !key.DeletionTimestamp.IsZero() {
			continue
		}
		credential := contract.CredentialOf(verifier, key.Namespace, key.Name, issueTimeOf(key))
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
