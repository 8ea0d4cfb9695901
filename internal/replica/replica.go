// Package replica ties one pod of a SCIM server to the cluster: it follows the ScimTenant,
// its ScimRoles, and what decides which tokens are accepted. It reads no Secret.
package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/store"
)

// writtenShare is which part of a tenant's storage may be written in a
// limit.WritePeriod. The API server keeps what was overwritten for up to twice as long,
// and at the beginning as much again may be written at once: with a half, what the tenant
// has in etcd stays below two and a half times its storage.
const writtenShare = 2

// Replica is one replica of a server.
type Replica struct {
	// Client is a client that reads from the API server.
	Client client.WithWatch
	// Tenants are the runtimes, which are told what the cluster says.
	Tenants Tenants
	// Namespace is that of the ScimTenants, and Name the name of the only one; empty for those of
	// the ScimServer Server.
	Namespace, Name, Server string
	// Members are the replicas of the server, this one among them.
	Members Members
	Log     *slog.Logger

	plain *shared // the registry without extensions
}

// Members are the replicas of a server, one of which is this one.
type Members interface {
	// Accept is told up to which revision of the ScimCredentials the process goes, once
	// it does, and does nothing any more under a token that is not accepted; and again
	// when something else has changed what is accepted. era is the one in which they were
	// listed. It must not block.
	Accept(revision string, era readindex.Era)
	// AcceptTenants is told the same of the ScimTenants: those are served that are to be, as they
	// are to be, and nothing is done for others. news is false when nobody waits for that.
	AcceptTenants(revision string, era readindex.Era, news bool)
	// Era is the one in which this replica is, and what is closed when it is over.
	Era() (era readindex.Era, over <-chan struct{})
}

// Run follows the cluster until the context is done.
func (r *Replica) Run(ctx context.Context) {
	registry, err := schema.NewRegistry()
	if err != nil {
		r.Log.Error("building the SCIM schemas failed", slog.Any("error", err))
		return
	}
	r.plain = &shared{registry: registry, words: accesslog.WordsOf(registry)}
	h := r.newHosted()
	var running sync.WaitGroup
	eras := r.Members.Era
	h.beginRoles(ctx)
	running.Go(func() { follow(ctx, h.tenants, eras, h.list, h.change) })
	running.Go(func() { follow(ctx, h.scimRoles, eras, h.listRoles, h.changeRole) })
	running.Go(func() { follow(ctx, h.accepted.apiKeys, eras, h.accepted.listKeys, h.accepted.changeKey) })
	running.Go(func() {
		follow(ctx, h.accepted.credentials, eras, h.accepted.listCredentials, h.accepted.changeCredential)
	})
	running.Wait()
}

// newHosted returns the tenants of the process, of which nothing is known yet.
func (r *Replica) newHosted() *hosted {
	h := &hosted{
		replica: r, known: map[string]*known{}, registries: newRegistries(),
		tenants:   &tenants{client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimTenant"},
		scimRoles: &scimRoles{client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimRole"},
		accepted: &acceptance{
			log: r.Log, tenants: map[string]*accepting{},
			apiKeys:      &apiKeys{client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimApiKey"},
			credentials:  &credentials{client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimCredential"},
			acknowledged: &acknowledgement{accept: func(revision string, era readindex.Era, _ bool) { r.Members.Accept(revision, era) }},
		},
		acknowledged: &acknowledgement{accept: r.Members.AcceptTenants},
	}
	if r.Name != "" {
		h.tenants.selector = fields.OneTermEqualSelector(metav1.ObjectNameField, r.Name)
		h.accepted.apiKeys.selector = fields.OneTermEqualSelector("spec.tenantRef.name", r.Name)
		h.scimRoles.selector = h.accepted.apiKeys.selector
	} else {
		h.accepted.meet = h.meet
	}
	return h
}

// service is the name of the server's Service.
func (r *Replica) service() string {
	if r.Name != "" {
		return contract.ServiceName(r.Name)
	}
	return contract.SharedServiceName(r.Server)
}

// opens reports whether a ScimTenant has a runtime: that of its own server has one while it is off,
// too, to say so to clients.
func (r *Replica) opens(tenant *scimv1alpha1.ScimTenant) bool {
	if r.Name != "" {
		return tenant.Name == r.Name
	}
	_, hosted := contract.Hosting(tenant, r.service())
	return hosted && tenant.DeletionTimestamp.IsZero()
}

// SettingsOf returns the settings that a ScimTenant stands for.
func SettingsOf(tenant *scimv1alpha1.ScimTenant) (exchange.Settings, error) {
	registry, err := contract.Registry(tenant)
	if err != nil {
		return exchange.Settings{}, err
	}
	return settingsWith(tenant, registry), nil
}

// settingsWith returns the settings that a ScimTenant with the registry stands for.
func settingsWith(tenant *scimv1alpha1.ScimTenant, registry *schema.Registry) exchange.Settings {
	profile, known := idp.Lookup(string(tenant.Spec.IdentityProvider))
	if !known {
		profile, _ = idp.Lookup(string(scimv1alpha1.IdentityProviderGeneric))
	}
	settings := exchange.Settings{
		Path:               tenant.Path(),
		Issuer:             contract.URL(tenant),
		Registry:           registry,
		Paused:             tenant.State() == scimv1alpha1.TenantStatePaused,
		Profile:            profile,
		RejectUnknownRoles: tenant.UnknownRoles() == scimv1alpha1.UnknownRolesReject,
		// What clients write into headers is believed of nobody else.
		TrustedProxies: contract.Networks(tenant.Spec.Endpoint.TrustedProxies),
		WriteBytes:     tenant.StorageLimit() / writtenShare,
		MostReplicas:   int(tenant.Spec.Server.MostReplicas()),
		Rate:           contract.Limits(tenant.RateLimit()),
		Policy: store.Policy{
			KeepDeletedUsers:     tenant.UserDeletion() == scimv1alpha1.UserDeletionDeactivate,
			RefuseRecreation:     tenant.UserRecreation() == scimv1alpha1.UserRecreationConflict,
			RejectUnknownMembers: tenant.UnknownMembers() == scimv1alpha1.UnknownMembersReject,
			Seats:                int(tenant.Spec.Users.Seats),
			ObjectLimit:          int(tenant.ObjectLimit()),
			StorageLimit:         tenant.StorageLimit(),
			Tombstones:           tenant.Tombstones(),
			MostTombstones:       tenant.MostTombstones(),
			Guard:                contract.Guard(tenant),
		},
	}
	if settings.Policy.Guard != nil { // It counts by markers, too.
		settings.Policy.Tombstones = max(settings.Policy.Tombstones, settings.Policy.Guard.Window)
	}
	// What is wrong with labels, the operator says; the others are made.
	settings.Policy.Labels, _ = contract.Labels(tenant, registry)
	if days := tenant.Spec.Users.RetentionDays; days != nil {
		settings.Policy.Retention = ptr.To(time.Duration(*days) * 24 * time.Hour)
	}
	if tenant.Host() != "" {
		settings.PublicURL = contract.URL(tenant)
	}
	for _, attribute := range tenant.Spec.Users.RequiredAttributes {
		settings.RequiredAttributes = append(settings.RequiredAttributes, string(attribute))
	}
	return settings
}
