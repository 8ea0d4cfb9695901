package controller

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/certificates"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/controller/scimserver"
	"github.com/kubescim/kubescim/internal/controller/scimtenant"
	"github.com/kubescim/kubescim/internal/controller/staging"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
)

// setupServers lets the manager run the reconcilers of tenants and of servers, which keep
// servers running and publish hosts in the same way.
func setupServers(
	ctx context.Context, mgr ctrl.Manager, live client.Client, recorder events.EventRecorder, poller *usage.Poller, options Options,
) error {
	cached, allow := mgr.GetClient(), options.Config.Allow
	if err := hosts.AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	applier := apply.New(cached, live)
	keeper := &running.Keeper{Client: cached, Live: live, Applier: applier, Settings: operand.Settings{
		Image: options.ServerImage, ImagePullSecrets: options.Config.Servers.ImagePullSecrets, Absence: options.Config.Servers.Absence.Duration,
		Issuers:    contract.HostsOf(allow.Issuers.Hosts, allow.Issuers.Networks),
		EventSinks: contract.HostsOf(allow.EventSinks.Hosts, allow.EventSinks.Networks),
		Defaults:   options.Config.Servers.Defaults.Spec(), AssignedIDs: options.Config.Servers.UserIDs == config.UserIDsAssigned,
		OpenTelemetry: options.Config.Servers.OpenTelemetry,
	}, Certificates: &certificates.Reader{Live: live}}
	if policy := options.Config.NetworkPolicy; policy.Enabled {
		keeper.Isolation = &operand.Isolation{
			OperatorNamespace: options.Namespace, Clients: policy.Clients, Scrapers: policy.Scrapers,
			APIServer: contract.Networks(policy.APIServer.Networks), APIServerPorts: policy.APIServer.Ports, Issuers: keeper.Settings.Issuers,
			EventSinks: keeper.Settings.EventSinks, Collectors: options.Config.Servers.CollectorPorts(),
		}
	}
	stager, err := staging.New(cached, live, keeper.Settings, options.Config.Servers.Rollout)
	if err != nil {
		return err
	}
	keeper.Stager = stager
	gateways, err := publishing.NewGatewayAPI(mgr, live, routeCacheOptions(options.Namespaces))
	if err != nil {
		return err
	}
	keeper.Routes = gateways.Reader
	publisher := &publishing.Publisher{
		Client: cached, Live: live, Applier: applier, GatewayAPI: gateways, Allow: allow, Defaults: options.Config.Endpoint, Certificates: &certificates.Reader{Live: live},
		Hosts: &hosts.Records{
			Cached: cached, Routes: gateways.Reader, Live: live, Namespace: options.Namespace, Reservation: options.Config.Servers.Absence.Duration,
		},
	}
	workers := controller.Options{MaxConcurrentReconciles: options.Workers}
	tenants := &scimtenant.Reconciler{
		Client: cached, Live: live, Recorder: recorder, Keeper: keeper, Publisher: publisher, Usage: poller,
		IdleBeforeOff: cmp.Or(options.IdleBeforeOff, contract.IdleBeforeOff),
	}
	if err := tenants.SetupWithManager(ctx, mgr, workers); err != nil {
		return fmt.Errorf("setting up the ScimTenant controller: %w", err)
	}
	servers := &scimserver.Reconciler{
		Client: cached, Live: live, Recorder: recorder, Keeper: keeper, Publisher: publisher, TenantsOf: scimtenant.IndexServer,
	}
	if err := servers.SetupWithManager(ctx, mgr, workers); err != nil {
		return fmt.Errorf("setting up the ScimServer controller: %w", err)
	}
	return nil
}
