package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// patience is how long a claim whose holder has not the name is taken for the
// claim of a write that is under way, before it is taken over. It is a courtesy
// that spares the slower writer a second round; correctness does not need it.
const patience = 2 * time.Second

// acquired is what acquire found.
type acquired struct {
	// claim is the claim for the name, held by the id that asked.
	claim *coordinationv1.Lease
	// shared says that the id held it already. Then another writer of the same
	// resource may rely on it, and whoever fails must not release it.
	shared bool
	// kept is set instead when a deleted user, which is kept, has the name;
	// keptClaim is that user's claim.
	kept      *record
	keptClaim *coordinationv1.Lease
}

// acquire makes the id the holder of the name. It returns 409 uniqueness when a
// resource that SCIM knows has the name.
func (s *Store) acquire(ctx context.Context, t *scim.ResourceType, name, id string) (acquired, error) {
	began, tries := time.Now(), newAttempt()
	for {
		claim, err := s.claims.create(ctx, t, name, id)
		if err == nil {
			return acquired{claim: claim}, s.restoreClaim(ctx, t, name, claim)
		}
		if !apierrors.IsAlreadyExists(err) {
			return acquired{}, wrap(err, "claiming a %s", store.Name(t))
		}
		found, err := s.inspect(ctx, t, name, id, time.Since(began) > patience)
		if err != nil || found.claim != nil || found.kept != nil {
			return found, err
		}
		if !tries.again(ctx) {
			return acquired{}, fmt.Errorf("waiting for the claim of a %s: %w", store.Name(t), store.Busy())
		}
	}
}

// restoreClaim gives a claim that could be made to who has the name although there was none,
// and returns 409 uniqueness then: somebody has deleted the claim by hand, or restored the
// users of a tenant without their claims. Memory knows them, if not at once.
func (s *Store) restoreClaim(ctx context.Context, t *scim.ResourceType, name string, claim *coordinationv1.Lease) error {
	for _, bearer := range s.bearers(t, name) {
		if bearer == holderOf(claim) {
			continue
		}
		found, err := s.read(ctx, t, bearer)
		if err != nil {
			return errors.Join(err, s.claims.release(ctx, claim))
		}
		if found.known() && found.has(t, name) {
			_, err := s.claims.transfer(ctx, claim, bearer)
			return errors.Join(store.Taken(t, store.Name(t)), ignoreRaces(wrap(err, "giving the claim %s back", claim.Name)))
		}
	}
	return nil
}

// bearers returns the ids of those whom memory shows under a name, be it current or not.
func (s *Store) bearers(t *scim.ResourceType, name string) (ids []string) {
	if s.mirror == nil {
		return nil
	}
	for _, id := range s.mirror.index.Bearers(t, name) {
		ids = append(ids, id.String())
	}
	return ids
}

// inspect looks at a claim that exists. It returns neither claim nor kept user
// when it is worth trying again.
func (s *Store) inspect(ctx context.Context, t *scim.ResourceType, name, id string, impatient bool) (acquired, error) {
	claim, err := s.claims.get(ctx, t, name)
	if err != nil {
		return acquired{}, wrap(err, "reading the claim of a %s", store.Name(t))
	}
	if claim == nil {
		return acquired{}, nil
	}
	if holderOf(claim) == id {
		found, err := s.take(ctx, claim, id)
		found.shared = true
		return found, err
	}
	holder, err := s.read(ctx, t, holderOf(claim))
	if err != nil {
		return acquired{}, err
	}
	switch {
	case holder.has(t, name) && holder.kept():
		return acquired{kept: holder, keptClaim: claim}, nil
	case holder.has(t, name):
		return acquired{}, store.Taken(t, store.Name(t))
	case !impatient:
		return acquired{}, nil
	}
	if err := s.fence(ctx, t, name, holderOf(claim), holder); err != nil {
		return acquired{}, ignoreRaces(err)
	}
	return s.take(ctx, claim, id)
}

// take transfers the claim to the id, or returns nothing when the claim has
// changed since it was read.
func (s *Store) take(ctx context.Context, claim *coordinationv1.Lease, id string) (acquired, error) {
	taken, err := s.claims.transfer(ctx, claim, id)
	if err != nil {
		return acquired{}, ignoreRaces(wrap(err, "taking over the claim %s", claim.Name))
	}
	return acquired{claim: taken}, nil
}

// fence makes sure that no write which is still under way can give the holder of a
// claim its name: it writes the holder at the revision that was read or, when there is
// none, makes a marker. A kept user who has the name gives it up.
func (s *Store) fence(ctx context.Context, t *scim.ResourceType, name, holderID string, holder *record) error {
	by := writerOf(ctx)
	if _, err := idOf(holderID); err != nil {
		return nil //nolint:nilerr // Nobody writes what has no id: the claim was made by hand.
	}
	if holder != nil && holder.object.GetDeletionTimestamp() != nil {
		return nil
	}
	if holder != nil {
		object := holder.object
		if holder.kept() && holder.has(t, name) {
			release(object, by)
		}
		annotate(object, annotationFenced, by)
		return wrap(s.client.Update(ctx, object, by.owner), "fencing the holder %s of a claim", holderID)
	}
	now := metav1.NowMicro()
	object, err := s.marker(newObject(t), t, holderID, stamp(now, now, by), by)
	if err != nil {
		return err
	}
	return wrap(s.client.Create(ctx, object, by.owner), "fencing the holder %s of a claim", holderID)
}

// ignoreRaces drops the errors that mean that somebody else was faster.
func ignoreRaces(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// takeFromKept makes the id the holder of a name that a kept user has, who can
// no longer be brought back under it.
func (s *Store) takeFromKept(ctx context.Context, t *scim.ResourceType, found acquired, id string) (acquired, error) {
	name := store.NameOf(found.kept.resource)
	if err := s.fence(ctx, t, name, found.kept.object.GetName(), found.kept); err != nil {
		return acquired{}, ignoreRaces(err)
	}
	return s.take(ctx, found.keptClaim, id)
}
