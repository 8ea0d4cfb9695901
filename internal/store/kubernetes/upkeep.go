package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
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
	// absentAtOnce is how many absent members are taken out of their groups at a time.
	// It is few, so that there is time to see that it begins, and to mend the reason.
	absentAtOnce = 50
)

// DefaultAbsenceAge is the default of Upkeep.AbsenceAge: restoring a backup should be
// over by then, or somebody know that it is not.
const DefaultAbsenceAge = 24 * time.Hour

// Upkeep does what no request asks for: it removes kept users whose retention is
// over, takes members that are gone out of groups, puts labels back, and repairs claims. One replica
// does it; that two do is only wasteful, since all is compare-and-swap.
//
// It takes nothing away without evidence that somebody meant it: that somebody has
// deleted a user or group, which the API server shows, or that it has been absent for
// AbsenceAge. What is not there yet because a backup is being restored, or because
// memory has lost sight of it, is left alone.
type Upkeep struct {
	store *Store
	// Policy returns the tenant's rules at the moment.
	Policy func() store.Policy
	// Recorder records events on users and groups.
	Recorder events.EventRecorder
	Log      *slog.Logger
	// OrphanAge is how old a claim without a resource gets, and MarkerAge how old
	// what stands for nobody.
	OrphanAge, MarkerAge time.Duration
	// AbsenceAge is how long a user or group must have been absent, as far as this
	// process knows, for nobody to expect it any more.
	AbsenceAge time.Duration

	atOnce    int       // claimsAtOnce
	pageSize  int64     // of a LIST of claims
	claimsDue time.Time // when claims are looked through next
	walk      *walk     // through the claims, while one is under way

	// members of groups, groups of slices and holders of claims that are missing
	members, groups, holders absences

	repairs *prometheus.CounterVec
	removed prometheus.Counter
	left    *prometheus.CounterVec
	labels  *prometheus.CounterVec
	absent  prometheus.Gauge
}

// NewUpkeep returns the upkeep of a store, which must have a cache, and
// registers its metrics.
func NewUpkeep(s *Store, registry prometheus.Registerer) *Upkeep {
	labels := prometheus.Labels{"tenant": s.tenant.Name}
	u := &Upkeep{
		store: s, OrphanAge: orphanAge, MarkerAge: markerAge, AbsenceAge: DefaultAbsenceAge, atOnce: claimsAtOnce, pageSize: objects.PageSize,
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_claim_repairs_total", ConstLabels: labels,
			Help: "Claims of names that were repaired, by what was wrong: Missing, WrongHolder, Orphan or Duplicate, which is told and not repaired.",
		}, []string{"repair"}),
		removed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kubescim_store_kept_users_removed_total", ConstLabels: labels,
			Help: "Kept users that were removed at the end of their retention.",
		}),
		left: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_members_removed_total", ConstLabels: labels,
			Help: "Memberships that were removed since the member or the group does not exist, by the evidence: Deleted, or Absent for long.",
		}, []string{"evidence"}),
		labels: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_labels_restored_total", ConstLabels: labels,
			Help: "Labels of users, groups and members of large groups that were missing or wrong and have been put back, by the label.",
		}, []string{"label"}),
		absent: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kubescim_store_absent_members", ConstLabels: labels,
			Help: "Ids that groups list as members and that no user or group has, although nobody has deleted any.",
		}),
	}
	registry.MustRegister(u.repairs, u.removed, u.left, u.labels, u.absent)
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
			if !u.store.members.Lead() {
				u.standBy()
				continue
			}
			if err := u.once(ctx, !now.Before(u.claimsDue)); err != nil && ctx.Err() == nil {
				u.Log.Warn("the upkeep failed and is tried again", slog.Any("error", err))
			}
		}
	}
}

// standBy is what a replica does that does not lead. It goes on timing who is missing, for
// when it does; of the holders of claims it does not, and so begins anew with those.
func (u *Upkeep) standBy() {
	u.look()
	u.walk, u.holders = nil, absences{}
}

// once looks through everything once, if it is known what the tenant's resources are.
func (u *Upkeep) once(ctx context.Context, withClaims bool) error {
	if u.store.cache.Registry() == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, upkeepPeriod)
	defer cancel()
	err := errors.Join(u.removeExpired(ctx), u.removeMissing(ctx))
	if !withClaims {
		return err
	}
	u.claimsDue = time.Now().Add(claimsPeriod)
	if u.walk == nil {
		err = errors.Join(err, u.disown(ctx))
	}
	unlabelled, unlabelledErr := u.restoreLabels(ctx)
	unclaimed, unclaimedErr := u.repairClaims(ctx)
	if unlabelled || unclaimed {
		u.claimsDue = time.Now()
	}
	return errors.Join(err, unlabelledErr, unclaimedErr)
}

// over reports whether what was deleted then need not be kept any more.
func (u *Upkeep) over(marker bool, deleted time.Time) bool {
	retention, age := u.Policy().Retention, time.Since(deleted)
	switch {
	case deleted.IsZero():
		return false // Who has marked it by hand has not said when.
	case marker:
		return age > u.MarkerAge
	default:
		return retention != nil && age > *retention
	}
}

// removeExpired removes a page of the kept users whose retention is over, and of
// markers.
func (u *Upkeep) removeExpired(ctx context.Context) error {
	for _, kept := range u.store.cache.Index().KeptBefore(upkeepPage, func(k index.Kept) bool { return u.over(k.Marker, k.Deleted) }) {
		if err := u.remove(ctx, kept); err != nil {
			return fmt.Errorf("removing what is kept of %s: %w", kept.ID, err)
		}
	}
	return nil
}

// typeOf is the resource type of a group or a user.
func (u *Upkeep) typeOf(group bool) *scim.ResourceType {
	registry := u.store.cache.Registry()
	if group {
		return registry.Group()
	}
	return registry.User()
}

// remove deletes what is kept of a user or group, and then its claim, unless it has
// come back. It is the evidence on which its memberships and slices are removed, so that
// these go first.
func (u *Upkeep) remove(ctx context.Context, kept index.Kept) error {
	s, id := u.store, kept.ID.String()
	t := u.typeOf(kept.Group)
	read, err := s.objects.Read(ctx, t, id)
	if err != nil || !read.Kept() || !u.over(codec.IsMarker(read.Object), codec.MetaOf(read.Object).DeletedTime.Time) {
		return err
	}
	if err := u.removeDeleted(ctx, kept.ID, kept.Group); err != nil {
		return err
	}
	claim, err := s.claims.Held(ctx, t, store.NameOf(read.Resource), id)
	if err != nil {
		return failure.Wrap(err, "reading its claim")
	}
	err = s.client.Delete(ctx, read.Object, client.Preconditions{
		UID:             ptr.To(read.Object.GetUID()),
		ResourceVersion: ptr.To(read.Object.GetResourceVersion()),
	})
	if err != nil {
		return failure.IgnoreRaces(failure.Wrap(err, "deleting it"))
	}
	if !codec.IsMarker(read.Object) {
		u.removed.Inc()
	}
	return s.claims.Release(ctx, claim)
}
