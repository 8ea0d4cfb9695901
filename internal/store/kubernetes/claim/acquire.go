package claim

import (
	"context"
	"errors"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
)

// patience is how long a claim whose holder has not the name is taken for the
// claim of a write that is under way, before it is taken over. It is a courtesy
// that spares the slower writer a second round; correctness does not need it.
const patience = 2 * time.Second

// Acquired is what Acquire found.
type Acquired struct {
	// Claim is the claim for the name, held by the id that asked.
	Claim *coordinationv1.Lease
	// Shared says that the id held it already. Then another writer of the same
	// resource may rely on it, and whoever fails must not release it.
	Shared bool
	// Kept is set instead when a deleted user, which is kept, has the name;
	// KeptClaim is that user's claim.
	Kept      *codec.Record
	KeptClaim *coordinationv1.Lease
}

// Acquire makes the id the holder of the name. It returns 409 uniqueness when a
// resource that SCIM knows has the name.
func (c Claims) Acquire(ctx context.Context, t *schema.ResourceType, name, id string) (found Acquired, err error) {
	began := time.Now()
	err = retry.Do(ctx, "waiting for the claim of a "+store.Name(t), func() error {
		claim, err := c.Create(ctx, t, name, id)
		switch {
		case err == nil:
			found, err = c.restore(ctx, t, name, claim)
		case apierrors.IsAlreadyExists(err):
			found, err = c.inspect(ctx, t, name, id, time.Since(began) > patience)
		default:
			err = failure.Wrap(err, "claiming a %s", store.Name(t))
		}
		return err
	})
	return found, err
}

// restore gives a claim that could be made to who has the name although there was none,
// and returns 409 uniqueness if SCIM knows them: somebody has deleted the claim by hand, or
// restored the users of a tenant without their claims.
func (c Claims) restore(ctx context.Context, t *schema.ResourceType, name string, claim *coordinationv1.Lease) (Acquired, error) {
	bearer, err := c.bearer(ctx, t, name, HolderOf(claim))
	switch {
	case err != nil:
		return Acquired{}, errors.Join(err, c.Release(ctx, claim))
	case bearer == nil:
		return Acquired{Claim: claim}, nil
	}
	given, err := c.Transfer(ctx, claim, bearer.Object.GetName())
	err = failure.IgnoreRaces(failure.Wrap(err, "giving the claim %s back", claim.Name))
	switch {
	case bearer.Known():
		return Acquired{}, errors.Join(store.Taken(t, store.Name(t)), err)
	case err != nil:
		return Acquired{}, err
	case given == nil:
		return Acquired{}, retry.ErrLost
	}
	return Acquired{Kept: bearer, KeptClaim: given}, nil
}

// bearer returns who has the name, as memory finds and the API server shows, but for those
// whom the caller knows of: one that SCIM knows, or else one that is kept. A claim alone says
// nothing about that, since people can change and delete claims. Memory may be behind, but
// not by as much as such a change is old.
func (c Claims) bearer(ctx context.Context, t *schema.ResourceType, name string, but ...string) (kept *codec.Record, err error) {
	known, others := c.holders.Bearers(t, name)
	for _, id := range slices.Concat(known, others) {
		if slices.Contains(but, id) {
			continue
		}
		found, err := c.holders.Read(ctx, t, id)
		switch {
		case err != nil:
			return nil, err
		case !found.Has(t, name):
		case found.Known():
			return found, nil
		default:
			kept = found
		}
	}
	return kept, nil
}

// inspect looks at a claim that exists.
func (c Claims) inspect(ctx context.Context, t *schema.ResourceType, name, id string, impatient bool) (Acquired, error) {
	claim, err := c.Get(ctx, t, name)
	if err != nil {
		return Acquired{}, failure.Wrap(err, "reading the claim of a %s", store.Name(t))
	}
	if claim == nil {
		return Acquired{}, retry.ErrLost // It has been released just now.
	}
	own := HolderOf(claim) == id
	var holder *codec.Record
	if !own {
		holder, err = c.holders.Read(ctx, t, HolderOf(claim))
		if errors.Is(err, failure.ErrUnreadable) {
			return Acquired{}, store.Taken(t, store.Name(t)) // For all that is known of it.
		}
		if err != nil {
			return Acquired{}, err
		}
		if holder.Known() && holder.Has(t, name) {
			return Acquired{}, store.Taken(t, store.Name(t))
		}
	}
	// Whoever else has the name has lost the claim, which the upkeep gives back.
	bearer, err := c.bearer(ctx, t, name, id, HolderOf(claim))
	switch {
	case err != nil:
		return Acquired{}, err
	case bearer.Known():
		return Acquired{}, store.Taken(t, store.Name(t))
	case holder.Kept() && holder.Has(t, name):
		return Acquired{Kept: holder, KeptClaim: claim}, nil
	case own:
		found, err := c.transferFor(ctx, claim, id, bearer)
		found.Shared = found.Claim != nil
		return found, err
	case !impatient:
		return Acquired{}, retry.ErrLost // The holder is about to have the name.
	}
	if err := c.Fence(ctx, t, name, HolderOf(claim), holder); err != nil {
		return Acquired{}, retry.Lost(err)
	}
	return c.transferFor(ctx, claim, id, bearer)
}

// transferFor transfers the claim to the id, or to the kept user who has the name.
func (c Claims) transferFor(ctx context.Context, claim *coordinationv1.Lease, id string, bearer *codec.Record) (Acquired, error) {
	if bearer == nil {
		return c.transferTo(ctx, claim, id)
	}
	taken, err := c.transferTo(ctx, claim, bearer.Object.GetName())
	if err != nil {
		return Acquired{}, err
	}
	return Acquired{Kept: bearer, KeptClaim: taken.Claim}, nil
}

// transferTo transfers the claim to the id, if it has not changed since it was read.
func (c Claims) transferTo(ctx context.Context, claim *coordinationv1.Lease, id string) (Acquired, error) {
	taken, err := c.Transfer(ctx, claim, id)
	if err != nil {
		return Acquired{}, retry.Lost(failure.Wrap(err, "taking over the claim %s", claim.Name))
	}
	return Acquired{Claim: taken}, nil
}

// AcquireFromKept makes the id the holder of a name that a kept user has, who can
// no longer be brought back under it.
func (c Claims) AcquireFromKept(ctx context.Context, t *schema.ResourceType, found Acquired, id string) (Acquired, error) {
	name := store.NameOf(found.Kept.Resource)
	if err := c.Fence(ctx, t, name, found.Kept.Object.GetName(), found.Kept); err != nil {
		return Acquired{}, retry.Lost(err)
	}
	return c.transferTo(ctx, found.KeptClaim, id)
}
