// Package upkeep does for a tenant what no request asks for: it removes what is kept and over,
// takes members that are gone out of groups, puts labels back, and compares the claims of names
// with those who have them. It decides what is wrong by what the cache shows, and makes sure
// at the API server before it writes; how a group is written the store knows.
package upkeep

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

const (
	// period is how often what memory shows is looked through.
	period = time.Minute
	// claimsPeriod is how often the claims are, which takes a LIST of them.
	claimsPeriod = 10 * time.Minute
	// markerAge is how long a marker stays at least: it may keep a late write of a dead process
	// from making a resource. It is not removed before no write can be under way any more.
	markerAge = time.Hour
	// batch is how many objects are removed at a time, and claimsAtOnce how many
	// claims that seem to be wrong are looked at.
	batch        = 500
	claimsAtOnce = 2000
	// absentAtOnce is how many absent members are taken out of their groups at a time.
	// It is few, so that there is time to see that it begins, and to mend the reason.
	absentAtOnce = 50
)

// DefaultAbsenceAge is the default of Options.AbsenceAge: restoring a backup should be
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
	Options

	// OrphanAge is how old a claim without a resource gets, and MarkerAge how old
	// what stands for nobody gets at least.
	OrphanAge, MarkerAge time.Duration
	// AtOnce is how many claims that seem to be wrong are looked at in a pass, and PageSize
	// how many claims there are in one page of a LIST.
	AtOnce   int
	PageSize int64
	// Now is the clock by which absences are timed.
	Now func() time.Time
	// Metrics count what was done.
	Metrics Metrics

	registry  *schema.Registry // of this pass
	claimsDue time.Time        // when claims are looked through next
	walk      *walk            // through the claims, while one is under way

	// members of groups, groups of slices and holders of claims that are missing
	members, groups, holders absences
	// copied are groups whose own members slices list too
	copied absences
	// resting says that something could not be made selectable, or is not to be yet, and is left to the next pass.
	resting bool
}

// Store is the store whose upkeep it is.
type Store interface {
	// Current reports whether memory is as new as all that any replica has acknowledged to a
	// client before the call.
	Current(ctx context.Context) bool
	// GroupType is the resource type of groups that memory holds, or would hold.
	GroupType() *schema.ResourceType
	// Strip takes the id out of the members of every group, and returns the ids of the groups
	// that listed it. Whether it may is asked for each object that is written.
	Strip(ctx context.Context, id string, may func(objects.Presence) bool) (from []string, err error)
	// RemoveSlices deletes the slices of a group if it may, and returns how many members they
	// listed.
	RemoveSlices(ctx context.Context, group string, may func(objects.Presence) bool) (members int, err error)
	Gatherer
}

// Options are what the upkeep of a tenant works with.
type Options struct {
	Store Store
	// Client must read from the API server and not from a cache. Unmetered is the same, and what it
	// writes is not charged to the tenant: who asks for labels is not the identity provider.
	Client, Unmetered client.Client
	// Tenant is the ScimTenant's name and namespace.
	Tenant  client.ObjectKey
	Objects *objects.Reader
	Claims  claim.Claims
	Cache   *cache.Cache
	// Lead reports whether this replica is the one that does it.
	Lead func() bool
	// Policy returns the tenant's rules at the moment.
	Policy func() store.Policy
	// Recorder records events on users and groups.
	Recorder events.EventRecorder
	Log      *slog.Logger
	// Expired, if set, is called with each user or group that was kept and has been removed for good, by
	// its type and id, and with the id under which the API server's audit log has that.
	Expired func(t *schema.ResourceType, id, auditID string)
	// Forgetting, if set, is called before the last trace of a user or group goes that was deleted, by which
	// somebody who was away could have heard of that, and reports whether it may. Else it stays for now.
	Forgetting func(ctx context.Context, group bool, revision uint64, deleted time.Time) (may bool, err error)
	// AbsenceAge is how long a user or group must have been absent, as far as this
	// process knows, for nobody to expect it any more; DefaultAbsenceAge when it is 0.
	AbsenceAge time.Duration
}

// New returns the upkeep of a tenant, and registers its metrics.
func New(o Options, registry prometheus.Registerer) *Upkeep {
	o.AbsenceAge = cmp.Or(o.AbsenceAge, DefaultAbsenceAge)
	return &Upkeep{
		Options:   o,
		OrphanAge: orphanAge, MarkerAge: markerAge, AtOnce: claimsAtOnce, PageSize: objects.PageSize,
		Now: time.Now, Metrics: newMetrics(registry, o.Tenant.Name),
	}
}

// ClaimsDue returns when claims are looked through next.
func (u *Upkeep) ClaimsDue() time.Time { return u.claimsDue }

// StandBy is what a replica does that does not lead. It goes on timing who is missing, for
// when it does; of the holders of claims, and of members that are
// moved, it does not, and so begins anew with those.
func (u *Upkeep) StandBy() {
	u.look()
	u.walk, u.holders, u.copied = nil, absences{}, absences{}
}

// Pass looks through everything once, if it is known what the tenant's resources are. Of labels, LabelSome
// puts back what was lost, at a pace that is for all tenants together.
func (u *Upkeep) Pass(ctx context.Context, withClaims bool) error {
	if !u.begin() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, period)
	defer cancel()
	u.resting = false
	err := errors.Join(u.removeKept(ctx), u.removeMarkers(ctx), u.removeMissing(ctx), u.markGroups(ctx), u.gather(ctx))
	if !withClaims {
		return err
	}
	u.claimsDue = time.Now().Add(claimsPeriod)
	if u.walk == nil && u.Cache.Counts().Slices > 0 {
		err = errors.Join(err, u.disown(ctx))
	}
	more, unclaimed := u.repairClaims(ctx)
	if more {
		u.claimsDue = time.Now()
	}
	return errors.Join(err, unclaimed)
}

// begin reports whether it is known what the tenant's resources are, for a pass that goes on with
// that: the tenant may go meanwhile.
func (u *Upkeep) begin() bool {
	u.registry = u.Cache.Registry()
	return u.registry != nil
}
