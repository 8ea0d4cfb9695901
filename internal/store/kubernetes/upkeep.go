package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	// upkeepPeriod is how often what memory shows is looked through.
	upkeepPeriod = time.Minute
	// claimsPeriod is how often the claims are, which takes a LIST of them.
	claimsPeriod = 10 * time.Minute
	// markerAge is how long a marker stays: it may keep a late write of a dead process
	// from making a resource. It is removed when no write can be under way any more.
	markerAge = time.Hour
	// upkeepPage is how many objects are removed at a time, and claimsAtOnce how many
	// claims that seem to be wrong are looked at.
	upkeepPage   = 500
	claimsAtOnce = 2000
)

// Upkeep does what no request asks for: it removes kept users whose retention is
// over, takes members that are gone out of groups, and repairs claims. One replica
// does it; that two do is only wasteful, since all is compare-and-swap.
type Upkeep struct {
	store *Store
	// Lead says whether this replica is to do it: barrier.Barrier.Lead.
	Lead func() bool
	// Policy returns the tenant's rules at the moment.
	Policy func() store.Policy
	// Recorder records events on users and groups.
	Recorder events.EventRecorder
	Log      *slog.Logger
	// OrphanAge is how old a claim without a resource gets, and MarkerAge how old
	// what stands for nobody.
	OrphanAge, MarkerAge time.Duration

	atOnce    int       // claimsAtOnce
	claimsDue time.Time // when claims are looked through next

	repairs *prometheus.CounterVec
	removed prometheus.Counter
}

// NewUpkeep returns the upkeep of a store, which must have a mirror, and
// registers its metrics.
func NewUpkeep(s *Store, registry prometheus.Registerer) *Upkeep {
	labels := prometheus.Labels{"tenant": s.tenant.Name}
	u := &Upkeep{
		store: s, OrphanAge: orphanAge, MarkerAge: markerAge, atOnce: claimsAtOnce,
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_claim_repairs_total", ConstLabels: labels,
			Help: "Claims of names that were repaired, by what was wrong: Missing, WrongHolder, Orphan or Duplicate, which is told and not repaired.",
		}, []string{"repair"}),
		removed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kubescim_store_kept_users_removed_total", ConstLabels: labels,
			Help: "Kept users that were removed at the end of their retention.",
		}),
	}
	registry.MustRegister(u.repairs, u.removed)
	return u
}

// Run does the upkeep until the context is done.
func (u *Upkeep) Run(ctx context.Context) {
	tick := time.NewTicker(upkeepPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if !u.Lead() {
				continue
			}
			if err := u.once(ctx, !now.Before(u.claimsDue)); err != nil && ctx.Err() == nil {
				u.Log.Warn("the upkeep failed and is tried again", slog.Any("error", err))
			}
		}
	}
}

// once looks through everything once.
func (u *Upkeep) once(ctx context.Context, withClaims bool) error {
	ctx, cancel := context.WithTimeout(ctx, upkeepPeriod)
	defer cancel()
	err := errors.Join(u.removeExpired(ctx), u.removeDangling(ctx))
	if !withClaims {
		return err
	}
	u.claimsDue = time.Now().Add(claimsPeriod)
	more, failed := u.repairClaims(ctx)
	if more {
		u.claimsDue = time.Now()
	}
	return errors.Join(err, failed)
}

// removeExpired removes a page of the kept users whose retention is over, and of
// markers.
func (u *Upkeep) removeExpired(ctx context.Context) error {
	retention, now := u.Policy().Retention, time.Now()
	for _, kept := range u.store.mirror.index.KeptBefore(upkeepPage, func(k index.Kept) bool {
		switch {
		case k.Deleted.IsZero():
			return false // Who has marked it by hand has not said when.
		case k.Marker:
			return now.Sub(k.Deleted) > u.MarkerAge
		default:
			return retention != nil && now.Sub(k.Deleted) > *retention
		}
	}) {
		if err := u.remove(ctx, kept); err != nil {
			return fmt.Errorf("removing what is kept of %s: %w", kept.ID, err)
		}
	}
	return nil
}

// typeOf is the resource type of a group or a user.
func (u *Upkeep) typeOf(group bool) *scim.ResourceType {
	registry := u.store.mirror.following()
	if group {
		return registry.Group()
	}
	return registry.User()
}

// remove deletes what is kept of a user or group, then its claim, unless it has
// come back.
func (u *Upkeep) remove(ctx context.Context, kept index.Kept) error {
	s, id := u.store, kept.ID.String()
	t := u.typeOf(kept.Group)
	read, err := s.read(ctx, t, id)
	if err != nil || !read.kept() {
		return err
	}
	claim, err := s.claims.held(ctx, t, store.NameOf(read.resource), id)
	if err != nil {
		return wrap(err, "reading its claim")
	}
	err = s.client.Delete(ctx, read.object, client.Preconditions{
		UID:             ptr.To(read.object.GetUID()),
		ResourceVersion: ptr.To(read.object.GetResourceVersion()),
	})
	if err != nil {
		return ignoreRaces(wrap(err, "deleting it"))
	}
	u.removed.Inc()
	return s.claims.release(ctx, claim)
}

// removeDangling takes members that do not exist out of the groups that list
// them: they were deleted just when somebody added them.
func (u *Upkeep) removeDangling(ctx context.Context) error {
	s := u.store
	if !s.current(ctx, s.groupType()) {
		return nil
	}
	for _, id := range s.mirror.index.Dangling(upkeepPage) {
		if err := u.removeMember(ctx, id); err != nil {
			return fmt.Errorf("taking the deleted member %s out of its groups: %w", id, err)
		}
	}
	return nil
}

func (u *Upkeep) removeMember(ctx context.Context, id uuid.UUID) error {
	if u.store.mirror.index.Exists(id) {
		return nil
	}
	return u.store.strip(ctx, id.String())
}
