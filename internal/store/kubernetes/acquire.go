package kubernetes

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
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
	kept      *codec.Record
	keptClaim *coordinationv1.Lease
}

// acquire makes the id the holder of the name. It returns 409 uniqueness when a
// resource that SCIM knows has the name.
func (s *Store) acquire(ctx context.Context, t *scim.ResourceType, name, id string) (found acquired, err error) {
	began := time.Now()
	err = retry.Do(ctx, "waiting for the claim of a "+store.Name(t), func() error {
		claim, err := s.claims.create(ctx, t, name, id)
		switch {
		case err == nil:
			found, err = s.restoreClaim(ctx, t, name, claim)
		case apierrors.IsAlreadyExists(err):
			found, err = s.inspect(ctx, t, name, id, time.Since(began) > patience)
		default:
			err = failure.Wrap(err, "claiming a %s", store.Name(t))
		}
		return err
	})
	return found, err
}

// restoreClaim gives a claim that could be made to who has the name although there was none,
// and returns 409 uniqueness if SCIM knows them: somebody has deleted the claim by hand, or
// restored the users of a tenant without their claims.
func (s *Store) restoreClaim(ctx context.Context, t *scim.ResourceType, name string, claim *coordinationv1.Lease) (acquired, error) {
	bearer, err := s.bearer(ctx, t, name, holderOf(claim))
	switch {
	case err != nil:
		return acquired{}, errors.Join(err, s.claims.release(ctx, claim))
	case bearer == nil:
		return acquired{claim: claim}, nil
	}
	given, err := s.claims.transfer(ctx, claim, bearer.Object.GetName())
	err = failure.IgnoreRaces(failure.Wrap(err, "giving the claim %s back", claim.Name))
	switch {
	case bearer.Known():
		return acquired{}, errors.Join(store.Taken(t, store.Name(t)), err)
	case err != nil:
		return acquired{}, err
	case given == nil:
		return acquired{}, retry.ErrLost
	}
	return acquired{kept: bearer, keptClaim: given}, nil
}

// bearer returns who has the name, as memory finds and the API server shows, but for those
// whom the caller knows of: one that SCIM knows, or else one that is kept. A claim alone says
// nothing about that, since people can change and delete claims. Memory may be behind, but
// not by as much as such a change is old.
func (s *Store) bearer(ctx context.Context, t *scim.ResourceType, name string, but ...string) (kept *codec.Record, err error) {
	known, others := s.bearers(t, name)
	for _, id := range slices.Concat(known, others) {
		if slices.Contains(but, id) {
			continue
		}
		found, err := s.read(ctx, t, id)
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

// bearers returns the ids of those whom memory shows under a name, be it current or not, and
// of those that are kept.
func (s *Store) bearers(t *scim.ResourceType, name string) (known, kept []string) {
	shown, left := s.cache.Index().Names().Bearers(t, name)
	return textsOf(shown), textsOf(left)
}

// textsOf returns ids as they are told.
func textsOf(ids []uuid.UUID) (texts []string) {
	for _, id := range ids {
		texts = append(texts, id.String())
	}
	return texts
}

// inspect looks at a claim that exists.
func (s *Store) inspect(ctx context.Context, t *scim.ResourceType, name, id string, impatient bool) (acquired, error) {
	claim, err := s.claims.get(ctx, t, name)
	if err != nil {
		return acquired{}, failure.Wrap(err, "reading the claim of a %s", store.Name(t))
	}
	if claim == nil {
		return acquired{}, retry.ErrLost // It has been released just now.
	}
	own := holderOf(claim) == id
	var holder *codec.Record
	if !own {
		holder, err = s.read(ctx, t, holderOf(claim))
		if errors.Is(err, failure.ErrUnreadable) {
			return acquired{}, store.Taken(t, store.Name(t)) // For all that is known of it.
		}
		if err != nil {
			return acquired{}, err
		}
		if holder.Known() && holder.Has(t, name) {
			return acquired{}, store.Taken(t, store.Name(t))
		}
	}
	// Whoever else has the name has lost the claim, which the upkeep gives back.
	bearer, err := s.bearer(ctx, t, name, id, holderOf(claim))
	switch {
	case err != nil:
		return acquired{}, err
	case bearer.Known():
		return acquired{}, store.Taken(t, store.Name(t))
	case holder.Kept() && holder.Has(t, name):
		return acquired{kept: holder, keptClaim: claim}, nil
	case own:
		found, err := s.takeFor(ctx, claim, id, bearer)
		found.shared = found.claim != nil
		return found, err
	case !impatient:
		return acquired{}, retry.ErrLost // The holder is about to have the name.
	}
	if err := s.fence(ctx, t, name, holderOf(claim), holder); err != nil {
		return acquired{}, retry.Lost(err)
	}
	return s.takeFor(ctx, claim, id, bearer)
}

// takeFor takes the claim for the id, or gives it to the kept user who has the name.
func (s *Store) takeFor(ctx context.Context, claim *coordinationv1.Lease, id string, bearer *codec.Record) (acquired, error) {
	if bearer == nil {
		return s.take(ctx, claim, id)
	}
	taken, err := s.take(ctx, claim, bearer.Object.GetName())
	if err != nil {
		return acquired{}, err
	}
	return acquired{kept: bearer, keptClaim: taken.claim}, nil
}

// take transfers the claim to the id, if it has not changed since it was read.
func (s *Store) take(ctx context.Context, claim *coordinationv1.Lease, id string) (acquired, error) {
	taken, err := s.claims.transfer(ctx, claim, id)
	if err != nil {
		return acquired{}, retry.Lost(failure.Wrap(err, "taking over the claim %s", claim.Name))
	}
	return acquired{claim: taken}, nil
}

// fence makes sure that no write which is still under way can give the holder of a
// claim its name: it writes the holder at the revision that was read or, when there is
// none, makes a marker. A kept user who has the name gives it up.
func (s *Store) fence(ctx context.Context, t *scim.ResourceType, name, holderID string, holder *codec.Record) error {
	by := codec.WriterOf(ctx)
	if _, err := codec.ParseID(holderID); err != nil {
		return nil //nolint:nilerr // Nobody writes what has no id: the claim was made by hand.
	}
	if holder != nil && holder.Object.GetDeletionTimestamp() != nil {
		return nil
	}
	if holder != nil {
		object := holder.Object
		if holder.Kept() && holder.Has(t, name) {
			codec.ReleaseName(object, by)
		}
		codec.Annotate(object, codec.AnnotationFenced, by)
		return failure.Wrap(s.client.Update(ctx, object, by.Owner), "fencing the holder %s of a claim", holderID)
	}
	now := metav1.NowMicro()
	object, err := codec.Marker(s.tenant, codec.NewObject(t), t, holderID, codec.Stamp(now, now, by), by)
	if err != nil {
		return err
	}
	return failure.Wrap(s.client.Create(ctx, object, by.Owner), "fencing the holder %s of a claim", holderID)
}

// takeFromKept makes the id the holder of a name that a kept user has, who can
// no longer be brought back under it.
func (s *Store) takeFromKept(ctx context.Context, t *scim.ResourceType, found acquired, id string) (acquired, error) {
	name := store.NameOf(found.kept.Resource)
	if err := s.fence(ctx, t, name, found.kept.Object.GetName(), found.kept); err != nil {
		return acquired{}, retry.Lost(err)
	}
	return s.take(ctx, found.keptClaim, id)
}
