package replica

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/watch"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/server/exchange"
)

// Tenants are the runtimes of the tenants that a process serves.
type Tenants interface {
	// Open returns the runtime of a tenant that is served from now on.
	Open(name string) Tenant
	// Close ends the serving of a tenant. Requests that are under way are answered; gone, which
	// must not block, is to be called once none is.
	Close(name string) (gone func())
	// Begin is called once, when all tenants are open and configured that there are at first.
	Begin()
}

// Tenant is the runtime of one tenant.
type Tenant interface {
	Accepter
	// Configure makes requests from now on be answered under the configuration.
	Configure(configuration Configuration)
	// Outlast calls ended, which must not block, once nothing is done any more that a request has
	// begun before the call.
	Outlast(ended func())
}

// Configuration is what a ScimTenant says.
type Configuration struct {
	Settings exchange.Settings
	// Mode is how the server hosts the tenant; empty while it does not, and is off.
	Mode scimv1alpha1.HostingMode
	// Draining is true while clients are to leave, since another server is to answer them.
	Draining bool
	// Deleted is true once the ScimTenant is being deleted, while requests may still come.
	Deleted bool
	// Host is that which requests to the tenant alone are sent to; empty when there is none.
	Host string
	// Port is the one at which all requests are for the tenant; 0 when there is none.
	Port int32
	// AtServer is true for a tenant that clients find by its name at the URL of the process, and
	// ServerURL that URL; empty when it is what they send requests to.
	AtServer  bool
	ServerURL string
	// Problem is why the tenant cannot be served, in words for whoever looks after the
	// ScimTenant; empty when it can. Then Settings.Fault says so to clients.
	Problem string
}

// hosted are the tenants that are served, as their ScimTenants say.
type hosted struct {
	replica  *Replica
	tenants  *tenants
	accepted *acceptance
	// acknowledged is of the ScimTenants.
	acknowledged *acknowledgement
	scimRoles    *scimRoles

	mu         sync.Mutex
	known      map[string]*known
	registries *registries
	begun      bool
	era        readindex.Era // in which the ScimTenants were listed
	// roles are the ScimRoles by tenant; nil until they are known.
	roles *grouped[*scimv1alpha1.ScimRole]
}

// known is a tenant that is served.
type known struct {
	Tenant
	object *scimv1alpha1.ScimTenant
	mode   scimv1alpha1.HostingMode // empty while it is off
	// met is true when the object was read before the watch has brought it.
	met bool
}

// list reads all ScimTenants, and takes note of them.
func (h *hosted) list(ctx context.Context, era readindex.Era) (revision string, err error) {
	found, revision, err := h.tenants.list(ctx)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	news := h.era != era
	if h.era.History != era.History {
		h.forgetRevisions()
	}
	h.era = era
	there := make(map[string]bool, len(found))
	for _, tenant := range found {
		there[tenant.Name] = true
		news = h.configure(tenant) || news
	}
	for name := range h.known {
		if !there[name] {
			news = h.drop(name) || news
		}
	}
	if !h.begun && (h.replica.Name == "" || len(h.known) > 0) {
		h.begun = true
		h.replica.Tenants.Begin()
		h.accepted.complete()
	}
	h.acknowledged.reach(revision, era, news)
	return revision, nil
}

// forgetRevisions notes that no resourceVersion of before says anything. The mutex is held.
func (h *hosted) forgetRevisions() {
	for _, one := range h.known {
		one.object = one.object.DeepCopy()
		one.object.ResourceVersion = ""
	}
}

// change takes note of a change of a ScimTenant.
func (h *hosted) change(_ context.Context, change watch.EventType, tenant *scimv1alpha1.ScimTenant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var news bool
	if change == watch.Deleted {
		news = h.drop(tenant.Name)
	} else {
		news = h.configure(tenant) || contract.Moving(tenant)
		h.begin()
	}
	h.acknowledged.reach(tenant.ResourceVersion, h.era, news)
	return nil
}

// meet reads a ScimTenant that is not known, and takes note of it.
func (h *hosted) meet(ctx context.Context, name string) error {
	tenant, found, err := h.tenants.get(ctx, name)
	if err != nil || !found {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.configure(tenant) {
		h.known[name].met = true
	}
	return nil
}

// begin begins with the only tenant. The mutex is held.
func (h *hosted) begin() {
	if !h.begun && h.replica.Name != "" {
		h.begun = true
		h.replica.Tenants.Begin()
		h.accepted.complete()
	}
}

// configure takes note of a ScimTenant as it is, and reports whether that says anything new of how
// it is hosted. The mutex is held.
func (h *hosted) configure(tenant *scimv1alpha1.ScimTenant) (news bool) {
	served := h.known[tenant.Name]
	if served != nil && tenant.UID == served.object.UID && notAfter(tenant.ResourceVersion, served.object.ResourceVersion) {
		news, served.met = served.met, false
		return news
	}
	if !h.replica.opens(tenant) {
		return h.drop(tenant.Name)
	}
	if served == nil {
		served = &known{Tenant: h.replica.Tenants.Open(tenant.Name)}
		h.known[tenant.Name] = served
	}
	former := served.object
	served.object = tenant
	sameServers := former != nil && slices.Equal(former.Status.Servers, tenant.Status.Servers)
	sameURL := former != nil && former.Status.URL == tenant.Status.URL && former.Status.Host == tenant.Status.Host
	sameLife := former != nil && former.DeletionTimestamp.IsZero() == tenant.DeletionTimestamp.IsZero()
	if sameServers && sameURL && sameLife && equality.Semantic.DeepEqual(former.Spec, tenant.Spec) {
		return false // A status that changes is most of what comes.
	}
	configuration := h.configuration(tenant)
	served.Configure(configuration)
	if former != nil && served.mode != configuration.Mode {
		served.Outlast(h.acknowledged.begin(served))
	}
	served.mode = configuration.Mode
	h.accepted.configure(tenant, served.Tenant)
	return !sameServers
}

// drop takes note that a ScimTenant is gone, or served no more, and reports whether it was. That
// of a process which has no other one changes nothing: its server is about to be removed with it.
// The mutex is held.
func (h *hosted) drop(name string) bool {
	if h.known[name] == nil || h.replica.Name != "" {
		return false
	}
	delete(h.known, name)
	h.registries.release(name)
	gone, acknowledged := h.replica.Tenants.Close(name), h.acknowledged.begin(&known{})
	h.accepted.release(name, func() {
		gone()
		acknowledged()
	})
	return true
}

// configuration is what a ScimTenant says. The mutex is held.
func (h *hosted) configuration(tenant *scimv1alpha1.ScimTenant) (c Configuration) {
	has, err := h.registries.acquire(tenant)
	if err != nil {
		h.replica.Log.Error("the ScimTenant cannot be followed; its last state that could be stays in force",
			slog.String("tenant", tenant.Name), slog.Any("error", err))
		c.Problem = err.Error()
		has = h.replica.plain
	}
	c.Settings = settingsWith(tenant, has.registry)
	c.Settings.Words = has.words
	c.Settings.Roles = h.catalogue(tenant.Name, c.Settings.Profile)
	if c.Problem != "" {
		c.Settings.Fault = "the schemas of this tenant are not ones that can be served"
	}
	how, _ := contract.Hosting(tenant, h.replica.service())
	c.Mode, c.Draining = how.Mode, contract.Draining(tenant, h.replica.service())
	c.Deleted = !tenant.DeletionTimestamp.IsZero()
	if h.replica.Name == "" {
		c.Port = how.Port
		c.share(tenant, how.Host)
	}
	return c
}

// share makes the configuration that of a tenant of a server of many, with a host of its own or
// without. What the spec asks for may be another tenant's.
func (c *Configuration) share(tenant *scimv1alpha1.ScimTenant, host string) {
	c.Settings.MostReplicas = 0 // The spec of the tenant does not say.
	c.Host, c.Settings.Issuer, c.Settings.PublicURL = host, tenant.Status.URL, ""
	if host != "" {
		c.Settings.PublicURL = "https://" + host + c.Settings.Path
		return
	}
	at, isShared := strings.CutSuffix(tenant.Status.URL, contract.SharedPath(tenant.Name))
	if c.AtServer = isShared && at != contract.OwnURL(tenant.Namespace, tenant.Name); c.AtServer && strings.HasPrefix(at, "https://") {
		c.ServerURL = at
	}
}
