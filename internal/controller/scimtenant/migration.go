package scimtenant

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// Servers of the release before know tokens by the verifiers Secret of their tenant, and
// have a right to watch it which the operator does not hold any more. A tenant that has
// such a Secret is brought over without a request that fails:
//
//  1. each token of the Secret gets a ScimCredential;
//  2. what the new pods may do comes in a second Role, and the one of before stays as it is;
//  3. the Deployment is written, so that new pods take the place of the old ones;
//  4. once it is rolled out and no Lease of an old pod is alive, the Secret goes;
//  5. the Role is written, and a while later the second one goes.
//
// Meanwhile the controller of the keys writes new tokens and revocations to both.

// settleTime is how long the Role has been as it is to be before the second one goes: the
// API servers learn of both in no certain order, and must never know of neither.
const settleTime = 10 * time.Second

// migrations remembers how far tenants have come, by their UIDs.
type migrations struct {
	mu sync.Mutex
	// credentials has the resourceVersion of the verifiers Secret whose tokens have all got
	// a ScimCredential; "" once there is no Secret, which is never made again.
	credentials map[types.UID]string
	// settled is since when the Role is as it is to be while there is a second one.
	settled map[types.UID]time.Time
}

// gatherVerifiers finds the verifiers Secret of the release before. A tenant is known to
// have none after one look.
func (r *Reconciler) gatherVerifiers(ctx context.Context, s *scope) error {
	if r.migrations.ended(s.tenant.UID) {
		return nil
	}
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: contract.VerifiersName(s.tenant.Name)}, secret)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading whether the verifiers Secret is there: %w", err)
	}
	if err == nil && operand.IsVerifiersSecret(secret, s.tenant.Name) {
		s.verifiers = secret
	} else {
		r.migrations.progress(s.tenant.UID, "")
	}
	return nil
}

// makeCredentials makes the ScimCredentials of those tokens that only the verifiers Secret
// has. They are made once for each version of it, so that one which somebody takes away
// does not come back.
func (r *Reconciler) makeCredentials(ctx context.Context, s *scope) error {
	if s.verifiers == nil || r.migrations.made(s.tenant.UID, s.verifiers.ResourceVersion) {
		return nil
	}
	keys := &scimv1alpha1.ScimApiKeyList{}
	err := r.Live.List(ctx, keys, client.InNamespace(s.tenant.Namespace), client.MatchingFields{reconcile.FieldTenant: s.tenant.Name})
	if err != nil {
		return fmt.Errorf("listing the keys of the tenant: %w", err)
	}
	credentials := operand.MigratedCredentials(keys.Items, s.verifiers.Data)
	for i := range keys.Items {
		if credential, ok := credentials[keys.Items[i].Name]; ok {
			if err := r.makeCredential(ctx, &keys.Items[i], credential); err != nil {
				return err
			}
		}
	}
	r.migrations.progress(s.tenant.UID, s.verifiers.ResourceVersion)
	return nil
}

// makeCredential makes the ScimCredential of a key's token if it is not there. A key that
// is revoked at this moment takes along those that are there: the one that comes too late
// must not wait for the next key of that name.
func (r *Reconciler) makeCredential(ctx context.Context, key *scimv1alpha1.ScimApiKey, credential *scimv1alpha1.ScimCredential) error {
	there := &scimv1alpha1.ScimCredential{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(credential), there); !apierrors.IsNotFound(err) {
		return wrapped(err, "reading ScimCredential "+credential.Name)
	}
	switch err := r.Live.Create(ctx, credential, apply.FieldManager); {
	case err == nil:
		return r.takeBackLate(ctx, key, credential)
	case apierrors.IsAlreadyExists(err):
		return nil
	default:
		return fmt.Errorf("making ScimCredential %s of ScimApiKey %s: %w", credential.Name, key.Name, err)
	}
}

// takeBackLate deletes a ScimCredential that was made when its key had just been revoked.
func (r *Reconciler) takeBackLate(ctx context.Context, key *scimv1alpha1.ScimApiKey, credential *scimv1alpha1.ScimCredential) error {
	now := &scimv1alpha1.ScimApiKey{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(key), now)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("reading whether ScimApiKey %s is still there: %w", key.Name, err)
	case err == nil && now.UID == key.UID && now.DeletionTimestamp.IsZero():
		return nil
	}
	err = r.Live.Delete(ctx, credential, client.Preconditions{UID: &credential.UID})
	return wrapped(client.IgnoreNotFound(err), "deleting ScimCredential "+credential.Name+" of a key that is gone")
}

// wrapped says what was being attempted when there was an error; nil when there was none.
func wrapped(err error, attempt string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", attempt, err)
}

// rights are what the server's pods need to be allowed to do.
func rights(s *scope) []apply.Intent {
	if s.verifiers != nil {
		return []apply.Intent{operand.MigrationRole(s.own.operand()), operand.MigrationRoleBinding(s.own.operand())}
	}
	return []apply.Intent{operand.Role(s.own.operand()), operand.RoleBinding(s.own.operand())}
}

// endMigration takes away what only pods of the release before have needed, once there are
// none.
func (r *Reconciler) endMigration(ctx context.Context, s *scope) error {
	switch {
	case !upToDate(s):
		return nil
	case s.verifiers == nil:
		return r.dropMigrationRole(ctx, s)
	case !r.migrations.made(s.tenant.UID, s.verifiers.ResourceVersion):
		return nil
	}
	s.migrationAfter = pollInterval
	live, err := r.Keeper.LiveReplicas(ctx, s.own.Server)
	if err != nil {
		return err
	}
	for _, lease := range live {
		if lease.Annotations[contract.AnnotationCredentialsRevision] == "" { // a pod of before, or one that has not begun yet
			return nil
		}
	}
	err = r.Live.Delete(ctx, s.verifiers, client.Preconditions{UID: &s.verifiers.UID, ResourceVersion: &s.verifiers.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting Secret %s, which nobody reads any more: %w", s.verifiers.Name, err)
	}
	log.FromContext(ctx).Info("All pods of the tenant's server go by its ScimCredentials: the verifiers Secret is deleted", "secret", s.verifiers.Name)
	r.migrations.progress(s.tenant.UID, "")
	return nil
}

// upToDate reports whether the server is as the tenant asks for, and all of its pods are new.
func upToDate(s *scope) bool {
	return s.own.Problem == nil && len(s.own.Refused) == 0 && s.own.Waiting == nil && s.own.Deployment != nil && s.own.RolledOut()
}

// dropMigrationRole deletes the second Role once the first one is known to the API servers.
func (r *Reconciler) dropMigrationRole(ctx context.Context, s *scope) error {
	second := metav1.ObjectMeta{Namespace: s.tenant.Namespace, Name: operand.MigrationName(s.own.Name)}
	binding, role := &rbacv1.RoleBinding{ObjectMeta: second}, &rbacv1.Role{ObjectMeta: second}
	there, err := r.anyThere(ctx, binding, role)
	if err != nil || !there {
		return err
	}
	s.migrationAfter = pollInterval
	for _, intent := range rights(s) {
		if applied, err := r.Keeper.Applier.IsApplied(ctx, s.own.Owner, intent); err != nil || !applied {
			return err
		}
	}
	if s.migrationAfter = r.migrations.settling(s.tenant.UID, time.Now()); s.migrationAfter > 0 {
		return nil
	}
	for _, obj := range []client.Object{binding, role} {
		if err := r.Keeper.Applier.Delete(ctx, s.own.Owner, obj); err != nil {
			return err
		}
	}
	return nil
}

// anyThere reports whether the cache has one of the objects.
func (r *Reconciler) anyThere(ctx context.Context, objects ...client.Object) (bool, error) {
	for _, obj := range objects {
		err := r.Client.Get(ctx, client.ObjectKeyFromObject(obj), obj)
		if err == nil {
			return true, nil
		}
		if !apierrors.IsNotFound(err) {
			return false, fmt.Errorf("reading whether %s is there: %w", obj.GetName(), err)
		}
	}
	return false, nil
}

// ended reports whether a tenant is known to have no verifiers Secret.
func (m *migrations) ended(tenant types.UID) bool { return m.made(tenant, "") }

// made reports whether the tokens of a version of a tenant's verifiers Secret have all got
// their ScimCredentials.
func (m *migrations) made(tenant types.UID, version string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	made, known := m.credentials[tenant]
	return known && made == version
}

// progress records that those of a version have.
func (m *migrations) progress(tenant types.UID, version string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.credentials == nil {
		m.credentials = map[types.UID]string{}
	}
	m.credentials[tenant] = version
}

// settling returns for how long the second Role is still to stay beside the first one,
// which is seen to be as it is to be.
func (m *migrations) settling(tenant types.UID, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	since, known := m.settled[tenant]
	if !known {
		if m.settled == nil {
			m.settled = map[types.UID]time.Time{}
		}
		m.settled[tenant], since = now, now
	}
	return max(settleTime-now.Sub(since), 0)
}

func (m *migrations) forget(tenant types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.credentials, tenant)
	delete(m.settled, tenant)
}
