// Package claim keeps unique names: it refuses one that somebody has already, and gives to a
// writer one that is free, or that nobody needs any more.
//
// A userName (and a group's displayName) belongs to the holder of a claim: a
// Lease named by a hash of the tenant, the attribute and the folded value.
// Creating the Lease is the atomic test. The invariant is: a resource that has
// a name holds the claim of that name. Writers and takers keep it with
// compare-and-swap alone, without any assumption about time:
//
//   - A writer that gives a resource a name reads the resource, then creates the
//     claim (or, when it holds it already, writes it again), then writes the
//     resource at the revision that it read.
//   - A taker, who finds a claim whose holder has not the name, reads the claim,
//     then the holder, then writes the holder without giving it the name (or
//     creates it, marked as deleted, when it does not exist), then writes the
//     claim at the revision that it read. From then on a late write of the former
//     holder fails: its resource, or its claim, is not at the revision it knew.
//   - A release deletes the claim at the revision that it had before the
//     resource gave up the name. A writer that fails releases the claim that it
//     made or took from another holder, at that revision, and never one that its
//     resource held already: another writer of the same resource, which rewrote
//     the claim before, may be about to give it the name.
//
// A claim whose holder is no id was made by hand; nobody can write its holder.
//
// So a process may die between any two calls, and a call may arrive late: the
// worst that is left is a claim without its resource, which the next one who
// wants the name takes over.
package claim

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

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// LabelAttribute is the label that has the name of the attribute that a claim is for.
const LabelAttribute = "scim.kubescim.dev/claim"

// Holders reads who may hold a name.
type Holders interface {
	// Read returns the record with the id as the API server has it, nil when the tenant has
	// none, and failure.ErrUnreadable for one that cannot be read.
	Read(ctx context.Context, t *schema.ResourceType, id string) (*codec.Record, error)
	// Bearers returns the ids of those whom memory shows under a name, be it current or not,
	// and of those that are kept.
	Bearers(t *schema.ResourceType, name string) (known, kept []string)
}

// Claims are the Leases of a tenant that say who holds which unique name.
type Claims struct {
	client  client.Client
	tenant  client.ObjectKey
	holders Holders
}

// New returns the claims of a tenant. The client must read from the API server and not
// from a cache.
func New(c client.Client, tenant client.ObjectKey, holders Holders) Claims {
	return Claims{client: c, tenant: tenant, holders: holders}
}

// Key returns the object key of the claim for a name. The tenant enters by name
// and not by uid: a tenant that is deleted, with its users retained, and applied
// again must find the claims of those users.
func (c Claims) Key(t *schema.ResourceType, name string) client.ObjectKey {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.tenant.Name, store.Name(t), fold.Key(name)}, "\x00")))
	encoded := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	return client.ObjectKey{Namespace: c.tenant.Namespace, Name: "scim-claim-" + strings.ToLower(encoded[:48])}
}

// Create makes the holder hold the name; AlreadyExists when there is a claim.
func (c Claims) Create(ctx context.Context, t *schema.ResourceType, name, holder string) (*coordinationv1.Lease, error) {
	key := c.Key(t, name)
	claim := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name:      key.Name,
			Namespace: key.Namespace,
			Labels: map[string]string{
				scimv1alpha1.LabelTenant: c.tenant.Name,
				scimv1alpha1.LabelLease:  scimv1alpha1.LeaseClaim,
				LabelAttribute:           store.Name(t),
			},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, AcquireTime: ptr.To(metav1.NewMicroTime(time.Now()))},
	}
	if err := c.client.Create(ctx, claim, codec.WriterOf(ctx).Owner); err != nil {
		return nil, err
	}
	return claim, nil
}

// Get returns the claim for the name, or nil when nobody holds it.
func (c Claims) Get(ctx context.Context, t *schema.ResourceType, name string) (*coordinationv1.Lease, error) {
	claim := &coordinationv1.Lease{}
	err := c.client.Get(ctx, c.Key(t, name), claim)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return claim, nil
}

// Held returns the claim for the name if the holder holds it, else nil.
func (c Claims) Held(ctx context.Context, t *schema.ResourceType, name, holder string) (*coordinationv1.Lease, error) {
	claim, err := c.Get(ctx, t, name)
	if err != nil || claim == nil || HolderOf(claim) != holder {
		return nil, err
	}
	return claim, nil
}

// Transfer makes the holder hold the claim, at the revision that was read;
// Conflict when it has changed since. Transferring to the present holder is how
// a writer makes takers who read the claim before fail.
func (c Claims) Transfer(ctx context.Context, claim *coordinationv1.Lease, holder string) (*coordinationv1.Lease, error) {
	next := claim.DeepCopy()
	next.Spec.HolderIdentity = &holder
	next.Spec.AcquireTime = ptr.To(metav1.NewMicroTime(time.Now()))
	next.Spec.LeaseTransitions = ptr.To(ptr.Deref(claim.Spec.LeaseTransitions, 0) + 1)
	if err := c.client.Update(ctx, next, codec.WriterOf(ctx).Owner); err != nil {
		return nil, err
	}
	return next, nil
}

// Repeat makes the claim of a name say that its holder is created again, since the answer
// to a first try got lost. It returns nil when the holder does not hold it
// any more.
func (c Claims) Repeat(ctx context.Context, t *schema.ResourceType, name, holder string, by codec.Writer) (*coordinationv1.Lease, error) {
	claim, err := c.Held(ctx, t, name, holder)
	if err != nil || claim == nil || codec.IsRepeated(claim) {
		return claim, err
	}
	codec.Annotate(claim, codec.AnnotationRepeated, by)
	return claim, c.client.Update(ctx, claim, by.Owner)
}

// Release deletes the claim at the revision that was read. That it is gone, or
// has changed hands, is what was wanted.
func (c Claims) Release(ctx context.Context, claim *coordinationv1.Lease) error {
	_, err := c.Remove(ctx, claim)
	return err
}

// Remove is release, and reports whether the claim was as it had been read until then.
func (c Claims) Remove(ctx context.Context, claim *coordinationv1.Lease) (unchanged bool, err error) {
	if claim == nil {
		return true, nil
	}
	err = c.client.Delete(ctx, claim, client.Preconditions{UID: &claim.UID, ResourceVersion: &claim.ResourceVersion})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return true, failure.Wrap(err, "releasing the claim %s", claim.Name)
}

// HolderOf returns the SCIM id that holds the claim.
func HolderOf(claim *coordinationv1.Lease) string {
	return ptr.Deref(claim.Spec.HolderIdentity, "")
}
