package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// labelClaim says which attribute a claim is for.
const labelClaim = "scim.kubescim.dev/claim"

// claims are the Leases that say who holds which unique name in a tenant.
type claims struct {
	client client.Client
	tenant client.ObjectKey
}

// key returns the object key of the claim for a name. The tenant enters by name
// and not by uid: a tenant that is deleted, with its users retained, and applied
// again must find the claims of those users.
func (c claims) key(t *scim.ResourceType, name string) client.ObjectKey {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.tenant.Name, store.Name(t), scim.Fold(name)}, "\x00")))
	encoded := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	return client.ObjectKey{Namespace: c.tenant.Namespace, Name: "scim-claim-" + strings.ToLower(encoded[:48])}
}

// create makes the holder hold the name; AlreadyExists when there is a claim.
func (c claims) create(ctx context.Context, t *scim.ResourceType, name, holder string) (*coordinationv1.Lease, error) {
	key := c.key(t, name)
	claim := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name:      key.Name,
			Namespace: key.Namespace,
			Labels: map[string]string{
				v1alpha1.LabelTenant: c.tenant.Name,
				v1alpha1.LabelLease:  v1alpha1.LeaseClaim,
				labelClaim:           store.Name(t),
			},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, AcquireTime: ptr.To(metav1.NewMicroTime(time.Now()))},
	}
	if err := c.client.Create(ctx, claim, codec.WriterOf(ctx).Owner); err != nil {
		return nil, err
	}
	return claim, nil
}

// get returns the claim for the name, or nil when nobody holds it.
func (c claims) get(ctx context.Context, t *scim.ResourceType, name string) (*coordinationv1.Lease, error) {
	claim := &coordinationv1.Lease{}
	err := c.client.Get(ctx, c.key(t, name), claim)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return claim, nil
}

// held returns the claim for the name if the holder holds it, else nil.
func (c claims) held(ctx context.Context, t *scim.ResourceType, name, holder string) (*coordinationv1.Lease, error) {
	claim, err := c.get(ctx, t, name)
	if err != nil || claim == nil || holderOf(claim) != holder {
		return nil, err
	}
	return claim, nil
}

// transfer makes the holder hold the claim, at the revision that was read;
// Conflict when it has changed since. Transferring to the present holder is how
// a writer makes takers who read the claim before fail.
func (c claims) transfer(ctx context.Context, claim *coordinationv1.Lease, holder string) (*coordinationv1.Lease, error) {
	next := claim.DeepCopy()
	next.Spec.HolderIdentity = &holder
	next.Spec.AcquireTime = ptr.To(metav1.NewMicroTime(time.Now()))
	next.Spec.LeaseTransitions = ptr.To(ptr.Deref(claim.Spec.LeaseTransitions, 0) + 1)
	if err := c.client.Update(ctx, next, codec.WriterOf(ctx).Owner); err != nil {
		return nil, err
	}
	return next, nil
}

// repeat makes the claim of a name say that its holder is created again, since the answer
// to a first try got lost: see deletion.finish. It returns nil when the holder does not hold it
// any more.
func (c claims) repeat(ctx context.Context, t *scim.ResourceType, name, holder string, by codec.Writer) (*coordinationv1.Lease, error) {
	claim, err := c.held(ctx, t, name, holder)
	if err != nil || claim == nil || codec.IsRepeated(claim) {
		return claim, err
	}
	codec.Annotate(claim, codec.AnnotationRepeated, by)
	return claim, c.client.Update(ctx, claim, by.Owner)
}

// release deletes the claim at the revision that was read. That it is gone, or
// has changed hands, is what was wanted.
func (c claims) release(ctx context.Context, claim *coordinationv1.Lease) error {
	_, err := c.remove(ctx, claim)
	return err
}

// remove is release, and reports whether the claim was as it had been read until then.
func (c claims) remove(ctx context.Context, claim *coordinationv1.Lease) (unchanged bool, err error) {
	if claim == nil {
		return true, nil
	}
	err = c.client.Delete(ctx, claim, client.Preconditions{UID: &claim.UID, ResourceVersion: &claim.ResourceVersion})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return true, failure.Wrap(err, "releasing the claim %s", claim.Name)
}

// holderOf returns the SCIM id that holds the claim.
func holderOf(claim *coordinationv1.Lease) string {
	return ptr.Deref(claim.Spec.HolderIdentity, "")
}
