package scimapikey

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/usage"
)

// gather reads everything that decides about the key. The verifiers of the release before
// are read first: see migration.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	namespace, tenant := s.key.Namespace, s.key.Spec.TenantRef.Name
	if err := r.gatherMigration(ctx, s); err != nil {
		return err
	}
	credentials := &scimv1alpha1.ScimCredentialList{}
	err := r.Live.List(ctx, credentials, client.InNamespace(namespace), client.MatchingFields{fieldAPIKey: s.key.Name})
	if err != nil {
		return fmt.Errorf("listing the credentials of the key: %w", err)
	}
	s.credentials = credentials.Items
	sortCredentials(s)
	s.issued = r.issued.find(s.key.UID)

	s.tenant, err = get[scimv1alpha1.ScimTenant](ctx, r.Client, namespace, tenant)
	if err != nil {
		return err
	}
	s.handover, err = get[corev1.Secret](ctx, r.Live, namespace, s.key.HandoverSecretName())
	if err != nil {
		return err
	}
	return r.gatherReplicas(ctx, s)
}

// gatherReplicas reads the Leases of those pods of the tenant's servers that are alive, and when
// they have seen tokens last; while it is moved, of all pods that could serve it. Of a tenant that is
// gone, a server of its own may be left.
func (r *Reconciler) gatherReplicas(ctx context.Context, s *scope) error {
	tenant := s.tenant
	if tenant == nil {
		tenant = &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: s.key.Namespace, Name: s.key.Spec.TenantRef.Name}}
	}
	s.answers = nil
	var choices []client.ListOption
	for _, server := range usage.ServersOf(tenant) {
		choices = append(choices, client.MatchingLabels{server.Label: server.Name})
		s.answers = append(s.answers, r.Usage.Answers(server)...)
	}
	if contract.Moving(tenant) { // A server that was dropped from the list may not have heard of it.
		choices = usage.CouldServe(tenant.Name)
	}
	leases, err := usage.Leases(ctx, r.Live, tenant.Namespace, choices...)
	if err != nil {
		return err
	}
	s.replicas = r.replicas.Live(leases, r.now())
	return nil
}

// get reads an object; nil when there is none.
func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, reader client.Reader, namespace, name string) (P, error) {
	obj := P(new(T))
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, obj)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return obj, nil
}
