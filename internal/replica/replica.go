// Package replica ties one pod of a SCIM server to the cluster: it follows the ScimTenant
// and what decides which tokens are accepted. It reads no Secret.
package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/store"
)

// writtenShare is which part of a tenant's storage may be written in a
// limit.WritePeriod. The API server keeps what was overwritten for up to twice as long,
// and at the beginning as much again may be written at once: with a half, what the tenant
// has in etcd stays below two and a half times its storage.
const writtenShare = 2

// Replica is one replica of a tenant's server.
type Replica struct {
	// Client is a client that reads from the API server.
	Client client.WithWatch
	// Tenant is the tenant's runtime, which is told what the cluster says.
	Tenant *server.Tenant
	// Namespace and Name are those of the ScimTenant.
	Namespace, Name string
	// Members are the tenant's replicas, this one among them.
	Members Members
	// Follows, if set, is told the tenant's resource types, before any request is
	// answered with them.
	Follows func(*schema.Registry)
	Log     *slog.Logger

	// extensions are those of the registry in force. The same registry stays in
	// force while they do, since what is kept in memory is of its types.
	extensions []scimv1alpha1.SchemaExtension
	registry   *schema.Registry
}

// Members are a tenant's replicas, one of which is this one. They know by now how often the
// history of resourceVersions was rewritten, since etcd was restored to an older state.
type Members interface {
	// Accept is told up to which revision of the ScimCredentials the runtime goes, once
	// it does, and does nothing any more under a token that is not accepted; and again
	// when something else has changed what is accepted. history is what History was before
	// they were read. It must not block.
	Accept(revision string, history uint64)
	// History is how often history was rewritten.
	History() uint64
	// Rewritten receives when that has changed.
	Rewritten() <-chan struct{}
}

// Run follows the cluster until the context is done.
func (r *Replica) Run(ctx context.Context) {
	tenants := &tenants{
		client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimTenant",
		selector: fields.OneTermEqualSelector(metav1.ObjectNameField, r.Name),
	}
	accepted := r.newAcceptance()
	var running sync.WaitGroup
	running.Go(func() {
		follow(ctx, tenants, nil, func(ctx context.Context) (string, error) {
			found, revision, err := tenants.list(ctx)
			for _, tenant := range found {
				r.configure(tenant)
				accepted.configure(tenant)
			}
			return revision, err
		}, func(_ context.Context, change watch.EventType, tenant *scimv1alpha1.ScimTenant) error {
			// One that is gone changes nothing: its server is about to be removed with it.
			if change != watch.Deleted {
				r.configure(tenant)
				accepted.configure(tenant)
			}
			return nil
		})
	})
	running.Go(func() { follow(ctx, accepted.apiKeys, nil, accepted.listKeys, accepted.changeKey) })
	running.Go(func() {
		follow(ctx, accepted.credentials, r.Members.Rewritten(), accepted.listCredentials, accepted.changeCredential)
	})
	running.Wait()
}

// newAcceptance returns what decides which tokens the tenant's runtime accepts.
func (r *Replica) newAcceptance() *acceptance {
	return &acceptance{
		log: r.Log,
		apiKeys: &apiKeys{
			client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimApiKey",
			selector: fields.OneTermEqualSelector("spec.tenantRef.name", r.Name),
		},
		credentials: &credentials{client: r.Client, log: r.Log, namespace: r.Namespace, kind: "ScimCredential"},
		accept: func(keys auth.Keys, revision string, history uint64) {
			r.Tenant.Accept(keys, func() { r.Members.Accept(revision, history) })
		},
		explain:    r.Tenant.Explain,
		historyNow: r.Members.History,
	}
}

// configure makes the tenant's runtime do what the ScimTenant says.
func (r *Replica) configure(tenant *scimv1alpha1.ScimTenant) {
	settings, err := SettingsOf(tenant)
	if err != nil {
		r.Log.Error("the ScimTenant cannot be followed; its last state that could be stays in force", slog.Any("error", err))
		return
	}
	if r.registry == nil || !equality.Semantic.DeepEqual(r.extensions, tenant.Spec.SchemaExtensions) {
		r.extensions, r.registry = tenant.Spec.SchemaExtensions, settings.Registry
	}
	settings.Registry = r.registry
	if r.Follows != nil {
		r.Follows(r.registry)
	}
	r.Tenant.Configure(settings)
}

// SettingsOf returns the settings that a ScimTenant stands for.
func SettingsOf(tenant *scimv1alpha1.ScimTenant) (exchange.Settings, error) {
	registry, err := contract.Registry(tenant)
	if err != nil {
		return exchange.Settings{}, err
	}
	profile, known := idp.Lookup(string(tenant.Spec.IdentityProvider))
	if !known {
		profile, _ = idp.Lookup(string(scimv1alpha1.IdentityProviderGeneric))
	}
	settings := exchange.Settings{
		Path:     tenant.Path(),
		Issuer:   contract.URL(tenant),
		Registry: registry,
		Paused:   tenant.State() == scimv1alpha1.TenantStatePaused,
		Profile:  profile,
		// What clients write into headers is believed of nobody else.
		TrustedProxies: contract.Networks(tenant.Spec.Endpoint.TrustedProxies),
		// Each pod has its share: what the others have written, none of them knows.
		WriteBytes: tenant.StorageLimit() / writtenShare / int64(tenant.Replicas()),
		Rate:       contract.Limits(tenant.RateLimit()),
		Policy: store.Policy{
			KeepDeletedUsers:     tenant.UserDeletion() == scimv1alpha1.UserDeletionDeactivate,
			RefuseRecreation:     tenant.UserRecreation() == scimv1alpha1.UserRecreationConflict,
			RejectUnknownMembers: tenant.UnknownMembers() == scimv1alpha1.UnknownMembersReject,
			Seats:                int(tenant.Spec.Users.Seats),
			ObjectLimit:          int(tenant.ObjectLimit()),
			StorageLimit:         tenant.StorageLimit(),
		},
	}
	if days := tenant.Spec.Users.RetentionDays; days != nil {
		settings.Policy.Retention = ptr.To(time.Duration(*days) * 24 * time.Hour)
	}
	if tenant.Spec.Endpoint.Host != "" {
		settings.PublicURL = contract.URL(tenant)
	}
	for _, attribute := range tenant.Spec.Users.RequiredAttributes {
		settings.RequiredAttributes = append(settings.RequiredAttributes, string(attribute))
	}
	return settings, nil
}
