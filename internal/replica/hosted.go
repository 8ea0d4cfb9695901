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
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
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
}

// Configuration is what a ScimTenant says.
type Configuration struct {
	Settings exchange.Settings
	// Host is that which requests to the tenant alone are sent to; empty when there is none.
	Host string
	// ServerURL is the URL under which clients see the process, for a tenant that has no host of
	// its own; empty when it is what they send requests to.
	ServerURL string
	// Problem is why the tenant cannot be served, in words for whoever looks after the
	// ScimTenant; empty when it can. Then Settings.Fault says so to clients.
	Problem string
}

// One is the only tenant of a process.
type One struct {
	*server.Tenant
	// Follows, if set, is told the tenant's resource types, before any request is
	// answered with them.
	Follows func(*schema.Registry)
}

// Open implements Tenants.
func (o One) Open(string) Tenant { return &o }

// Close implements Tenants.
func (o One) Close(string) func() { return func() {} }

// Begin implements Tenants.
func (o One) Begin() {}

// Configure implements Tenant. While it cannot be served as its ScimTenant says, its last state
// stays in force.
func (o One) Configure(configuration Configuration) {
	if configuration.Problem != "" {
		return
	}
	if o.Follows != nil {
		o.Follows(configuration.Settings.Registry)
	}
	o.Tenant.Configure(configuration.Settings)
}

// hosted are the tenants that are served, as their ScimTenants say.
type hosted struct {
	replica  *Replica
	tenants  *tenants
	accepted *acceptance
	// acknowledged is of the ScimTenants.
	acknowledged *acknowledgement

	mu         sync.Mutex
	known      map[string]*known
	registries *registries
	begun      bool
	history    uint64 // before the ScimTenants were listed
}

// known is a tenant that is served.
type known struct {
	Tenant
	object *scimv1alpha1.ScimTenant
}

// list reads all ScimTenants, and takes note of them.
func (h *hosted) list(ctx context.Context) (revision string, err error) {
	history := h.replica.Members.History()
	found, revision, err := h.tenants.list(ctx)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.history = history
	there := make(map[string]bool, len(found))
	for _, tenant := range found {
		there[tenant.Name] = true
		h.configure(tenant)
	}
	for name := range h.known {
		if !there[name] {
			h.drop(name)
		}
	}
	if !h.begun && (h.replica.Name == "" || len(h.known) > 0) {
		h.begun = true
		h.replica.Tenants.Begin()
		h.accepted.complete()
	}
	h.acknowledged.reach(revision, history)
	return revision, nil
}

// change takes note of a change of a ScimTenant.
func (h *hosted) change(_ context.Context, change watch.EventType, tenant *scimv1alpha1.ScimTenant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := true
	if change == watch.Deleted {
		h.drop(tenant.Name)
	} else {
		news = h.configure(tenant)
		h.begin()
	}
	if news { // Each revision that is stated is a write.
		h.acknowledged.reach(tenant.ResourceVersion, h.history)
	}
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
	h.configure(tenant)
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

// configure takes note of a ScimTenant as it is, and reports whether it says anything new to who serves
// it, or that it is served. The mutex is held.
func (h *hosted) configure(tenant *scimv1alpha1.ScimTenant) (news bool) {
	served := h.known[tenant.Name]
	if served != nil && tenant.UID == served.object.UID && notAfter(tenant.ResourceVersion, served.object.ResourceVersion) {
		return true // It was met before it came.
	}
	if !h.replica.serves(tenant) {
		return h.drop(tenant.Name)
	}
	if served == nil {
		served = &known{Tenant: h.replica.Tenants.Open(tenant.Name)}
		h.known[tenant.Name] = served
	}
	former := served.object
	served.object = tenant
	if former != nil && former.Status.URL == tenant.Status.URL && equality.Semantic.DeepEqual(former.Spec, tenant.Spec) &&
		slices.Equal(former.Status.Servers, tenant.Status.Servers) {
		return false // A status that changes is most of what comes.
	}
	served.Configure(h.configuration(tenant))
	h.accepted.configure(tenant, served.Tenant)
	return true
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
	if c.Problem != "" {
		c.Settings.Fault = "the schemas of this tenant are not ones that can be served"
	}
	if h.replica.Name == "" {
		// What the spec asks for may be another tenant's.
		how, _ := contract.Hosting(tenant, contract.SharedServiceName(h.replica.Server))
		c.Host, c.Settings.Issuer, c.Settings.PublicURL = how.Host, tenant.Status.URL, ""
		if c.Host != "" {
			c.Settings.PublicURL = "https://" + c.Host + c.Settings.Path
		} else if strings.HasPrefix(tenant.Status.URL, "https://") {
			c.ServerURL = strings.TrimSuffix(tenant.Status.URL, contract.SharedPath(tenant.Name))
		}
	}
	return c
}
