package scimapikey

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// migration is what servers of the release before go by: a Secret with the hashes of all
// tokens of a tenant. While it exists, new tokens and revocations are written into it too,
// and pods of that release acknowledge them by its resourceVersion. It is never created
// here, and the tenant controller deletes it when no such pod lives any more.
//
// All keys of a tenant write it. It is read before the keys and credentials that it is made
// from, and an update fails if it has changed since: so what is in it was made, or revoked,
// before those were listed.
type migration struct {
	// verifiers is the Secret; nil if there is none, or none of the operator's.
	verifiers *corev1.Secret
	// wanted is the Secret as it should be; nil if there is none, or it is so.
	wanted *corev1.Secret
}

// gatherMigration reads the verifiers, and what they are to be made from.
func (r *Reconciler) gatherMigration(ctx context.Context, s *scope) error {
	namespace, tenant := s.key.Namespace, s.key.Spec.TenantRef.Name
	s.migration = migration{}
	verifiers, err := get[corev1.Secret](ctx, r.Live, namespace, contract.VerifiersName(tenant))
	if err != nil || verifiers == nil || !operand.IsVerifiersSecret(verifiers, tenant) {
		return err
	}
	keys := &scimv1alpha1.ScimApiKeyList{}
	err = r.Live.List(ctx, keys, client.InNamespace(namespace), client.MatchingFields{reconcile.FieldTenant: tenant})
	if err != nil {
		return fmt.Errorf("listing the keys of the tenant: %w", err)
	}
	credentials := &scimv1alpha1.ScimCredentialList{}
	if err := r.Live.List(ctx, credentials, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("listing the credentials of the namespace: %w", err)
	}
	found, err := get[scimv1alpha1.ScimTenant](ctx, r.Client, namespace, tenant)
	if err != nil {
		return err
	}
	if found == nil {
		found = &scimv1alpha1.ScimTenant{}
		found.Name = tenant
	}
	data, err := operand.Verifiers(found, keys.Items, credentials.Items, verifiers.Data, s.now)
	if err != nil {
		return err
	}
	s.migration.verifiers = verifiers
	s.migration.wanted = amend(verifiers, operand.VerifiersSecret(namespace, tenant, keys.Items, data))
	return nil
}

// decideMigration says whether pods of the release before are to be written for first.
func decideMigration(s *scope) (d decision, behind bool) {
	switch wanted := s.migration.wanted; {
	case wanted == nil:
		return decision{}, false
	case ptr.Deref(wanted.Immutable, false):
		return decision{problem: immutable(wanted)}, true
	default:
		return decision{step: stepWriteVerifiers}, true
	}
}

// writeVerifiers writes the Secret. It fails if another key has written it meanwhile.
func (r *Reconciler) writeVerifiers(ctx context.Context, s *scope) error {
	if err := r.Live.Update(ctx, s.migration.wanted, apply.FieldManager); err != nil {
		return fmt.Errorf("writing Secret %s: %w", s.migration.wanted.Name, err)
	}
	return nil
}

// amend returns existing with the labels, owners and data of wanted; nil if it
// has them already. An update of it fails if the Secret has changed meanwhile.
func amend(existing, wanted *corev1.Secret) *corev1.Secret {
	amended := existing.DeepCopy()
	if amended.Labels == nil {
		amended.Labels = map[string]string{}
	}
	maps.Copy(amended.Labels, wanted.Labels)
	amended.OwnerReferences = wanted.OwnerReferences
	amended.Data = wanted.Data
	if equality.Semantic.DeepEqual(existing, amended) {
		return nil
	}
	return amended
}

// version is the resourceVersion of the verifiers; none, "", if there are none.
func (m migration) version() string {
	if m.verifiers == nil {
		return ""
	}
	return m.verifiers.ResourceVersion
}

// unmigrated returns the credential that is still to be made of a token of the release
// before, which was handed over; nil if there is none. The tenant controller makes those of
// all keys, but a key must not wait for it: once its status has other credentials, none is
// made any more.
func unmigrated(s *scope) *scimv1alpha1.ScimCredential {
	if s.migration.verifiers == nil {
		return nil
	}
	credential := operand.MigratedCredentials([]scimv1alpha1.ScimApiKey{*s.key}, s.migration.verifiers.Data)[s.key.Name]
	if credential == nil || credential.Name == s.taken {
		return nil
	}
	for i := range s.credentials {
		if s.credentials[i].Name == credential.Name {
			return nil
		}
	}
	handedOver, _ := s.handedOver()
	verifier, err := contract.VerifierOf(credential)
	if err != nil || !isDelivered(credential) && !sameToken(verifier, handedOver) {
		return nil
	}
	return credential
}
