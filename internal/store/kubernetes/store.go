// Package kubernetes keeps one tenant's users and groups as ScimUser and
// ScimGroup resources, with nothing but the API server under it.
//
// # Names are ids
//
// The name of a resource is its SCIM id, a UUID made here and never reused, so
// that a read by id is one GET.
//
// # Where it is decided
//
//   - A userName that somebody has is refused: claim.Claims.Acquire, which Create and Update
//     call before they write. A name belongs to the holder of its claim; package claim says why
//     that holds.
//   - A read goes to the API server: consistency reports whether the cache may answer, Store.get and
//     Store.List ask it, and liveReader reads there when it may not.
//   - A race is lost: whoever loses it returns retry.ErrLost, and retry.Do, around Create, Update,
//     Delete and Claims.Acquire, tries again from what there is then.
//   - The answer to a write is lost: doubt.
//
// # Doubt
//
// A call whose answer is lost may have been made, or be made later. Writers
// remember that (doubt): from then on they release no claim that the write relies
// on, since it may arrive, and answer a refusal of another try neither with
// 4xx nor with "nothing was done". A write is known again by its request id and time
// in spec.meta; an object that somebody else has written since is not changed
// again, because the write in doubt may have happened before. The one write whose
// late arrival no compare-and-swap stops is a create after the object has been
// created by another try and deleted. Therefore each try but the first writes the
// claim before, which it cannot once that is released; and a deletion that finds it
// written, or that cannot release it, leaves a marker.
//
// # Deletion and evidence
//
// A deletion is one write of the object, which marks it; all that follows (releasing the
// claim, taking it out of groups, deleting slices and the object) only tidies up, and readers
// leave out what is marked. Whoever takes a member out of a group, or a slice away,
// asks the API server for the evidence first, after having read what is to be
// written (objects.Reader.Presence). Who is brought back has been taken out of its groups before,
// while it is marked: so whoever adds it again writes the group, and a late removal
// of its former membership fails. Nothing is deleted by Kubernetes' garbage
// collector: what is restored has other uids.
package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// Store is a store.Store on the Kubernetes API. Make it with New.
type Store struct {
	client      client.Client
	unmetered   client.Client
	objects     *objects.Reader
	consistency *consistency
	live        *liveReader
	limits      *limits
	claims      claim.Claims
	tenant      client.ObjectKey
	marked      readindex.Tenant // stands for the tenant between replicas
	groups      *schema.ResourceType
	cache       *cache.Cache
	members     Members
	metrics     *Metrics
	log         *slog.Logger
	locks       locks
	sizes       sizes
	departures  *departures
}

// sizes are how many members go where.
type sizes struct {
	inline int // into a group itself
	slice  int // into a slice
}

// Options say how a Store works.
type Options struct {
	// Client must read from the API server and not from a cache.
	Client client.Client
	// Tenant is the ScimTenant's name and namespace.
	Tenant client.ObjectKey
	// Groups is the resource type of groups, since writes of users are about
	// groups too. That of users comes with each call.
	Groups *schema.ResourceType
	// Cache, if set, is where reads are served from.
	Cache *cache.Cache
	// Members are the replicas of the tenant; nil for one that is alone.
	Members Members
	// Metrics, if set, counts.
	Metrics *Metrics
	// Written, if set, is told how many bytes each object has that is written, if the client's
	// calls pass transport.Meter.
	Written func(bytes int64)
	// Log, if set, is told of objects that are left out.
	Log *slog.Logger
}

// New returns the store of a tenant.
func New(o Options) *Store {
	if o.Members == nil {
		o.Members = alone{o.Cache}
	}
	unmetered := o.Client
	if o.Written != nil {
		o.Client = metered{Client: o.Client, written: o.Written}
	}
	if o.Cache != nil {
		o.Client = cache.Witness(o.Client, o.Cache, o.Members)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		unmetered: unmetered,
		tenant:    o.Tenant,
		marked:    readindex.TenantOf(o.Tenant.Name),
		groups:    o.Groups,
		cache:     o.Cache,
		members:   o.Members,
		metrics:   o.Metrics,
		log:       o.Log,
		sizes:     sizes{inline: slice.FewMembers, slice: slice.FullMembers},
	}
	s.departures = &departures{store: s, underWay: map[uuid.UUID]leave{}}
	s.use(o.Client)
	return s
}

// use makes the store call the API server by the client.
func (s *Store) use(c client.Client) {
	s.client = c
	s.objects = &objects.Reader{
		Client: c, Tenant: s.tenant, Cache: s.cache, Rewound: s.members.Rewound, LeftOut: s.metrics.unreadable, Log: s.log,
	}
	holders := holders{objects: s.objects, cache: s.cache}
	s.claims = claim.New(c, s.tenant, holders)
	s.consistency = &consistency{cache: s.cache, members: s.members, metrics: s.metrics, client: c, many: objects.PageSize}
	s.live = &liveReader{
		objects: s.objects, holders: holders, claims: s.claims, cache: s.cache, tenant: s.tenant, groupType: s.groupType, resolve: s.resolve,
	}
	s.limits = &limits{consistency: s.consistency, objects: s.objects, tenant: s.tenant}
}

// groupType is the resource type of groups that memory holds, or would hold.
func (s *Store) groupType() *schema.ResourceType {
	if registry := s.cache.Registry(); registry != nil {
		return registry.Group()
	}
	return s.groups
}

// refuse returns an error while this replica is no member, for every request to begin
// with: nothing may be told of what it would do, and a client that is told to try again
// must not find that it has been done.
func (s *Store) refuse() error {
	if !s.members.Member() {
		return fmt.Errorf("this replica is no member at the moment: %w", store.Unavailable())
	}
	return nil
}

// guard ends every read: nothing is told that another replica counts on to know before, nor
// anything by a replica that the others may have given up meanwhile, since they would not know
// that it did. A 5xx tells nothing, and stays.
func (s *Store) guard(ctx context.Context, err *error) {
	if failure.Status(*err) >= http.StatusInternalServerError {
		return
	}
	if refusal := s.mayTell(ctx); refusal != nil {
		*err = refusal
	}
}

// mayTell waits until a client may be told what this replica has read and written, and
// returns an error if it may not.
func (s *Store) mayTell(ctx context.Context) error {
	if err := s.members.Disclose(ctx, s.marked); err != nil {
		return fmt.Errorf("letting the other replicas know what a client is to be told: %w (%w)", store.Unavailable(), err)
	}
	return s.refuse()
}

// guardWrite ends every write, likewise. A client must not take it for one of which
// nothing was done, unless that is so.
func (s *Store) guardWrite(ctx context.Context, err *error) {
	if failure.Status(*err) >= http.StatusInternalServerError {
		return
	}
	refusal := s.mayTell(ctx)
	switch {
	case refusal == nil:
	case *err == nil:
		*err = fmt.Errorf("%w (%w)", store.Unsure(), refusal)
	default:
		*err = refusal
	}
}

var _ store.Store = (*Store)(nil)

// settle makes the members of a group those that the tenant knows; users pass.
func (s *Store) settle(ctx context.Context, next, current *scim.Resource, policy store.Policy) error {
	if !store.IsGroup(next.Type()) {
		return nil
	}
	return store.SettleMembers(ctx, next, current, policy, s.resolve)
}
