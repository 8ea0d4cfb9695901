// Package controller puts the reconcilers together: what they cache, and how
// they join a manager.
package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/requests"
	"github.com/kubescim/kubescim/internal/controller/scimapikey"
	"github.com/kubescim/kubescim/internal/controller/scimeventsink"
	"github.com/kubescim/kubescim/internal/controller/scimrole"
	"github.com/kubescim/kubescim/internal/controller/scimrolebinding"
	"github.com/kubescim/kubescim/internal/controller/statemetrics"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// recorderName is the reporting controller of all events.
const recorderName = "kubescim"

// Options are what the reconcilers need to be told.
type Options struct {
	// ServerImage is the image of the SCIM server.
	ServerImage string
	// Workers is how many objects of a kind are reconciled at the same time.
	Workers int
	// Namespaces are those that the cache is limited to; none when it has all.
	Namespaces []string
	// Namespace is the operator's own.
	Namespace string
	// Config is the operator's configuration.
	Config config.Config
	// AskPods asks server pods how much their tenants are used; over HTTP when nil.
	AskPods usage.Ask
	// IdleBeforeOff is for how long clients must have stayed away from the former server of a tenant
	// before that is dropped; contract.IdleBeforeOff when 0.
	IdleBeforeOff time.Duration
	// API is where the operator answers who wants to see the log of a tenant, without TLS; nowhere when
	// nil.
	API net.Listener
	// FetchRequests asks server pods for the last requests of a tenant; over HTTP when nil.
	FetchRequests requests.Fetch
	// RoleBindingPolicy is the name of the ValidatingAdmissionPolicy that checks who may write ScimRoleBindings.
	RoleBindingPolicy string
	// Metrics is where the metrics about tenants, keys, servers, event sinks and role bindings are registered; with those of
	// controller-runtime when nil.
	Metrics prometheus.Registerer
}

// NewScheme returns a scheme with all kinds that the operator deals with.
func NewScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(scimv1alpha1.AddToScheme(scheme))
	utilruntime.Must(gatewayv1.Install(scheme))
	return scheme
}

// CacheOptions says what is kept in memory: tenants, servers, keys, credentials, roles, role bindings, event sinks, the operator's own
// objects and the Leases of server pods, in the given namespaces or, when there
// are none, in all; and the records of hosts in the operator's own namespace.
// Users, groups, claims and Secrets are not; package scimrolebinding keeps what it needs of groups that are bound.
func CacheOptions(own string, namespaces []string) cache.Options {
	ours := ownObjects()
	options := cache.Options{
		// A read of a kind that nobody watches is a mistake here.
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.Deployment{}:                     ours,
			&corev1.Service{}:                        ours,
			&corev1.ServiceAccount{}:                 ours,
			&rbacv1.Role{}:                           ours,
			&rbacv1.RoleBinding{}:                    ours,
			&rbacv1.ClusterRoleBinding{}:             ours,
			&policyv1.PodDisruptionBudget{}:          ours,
			&autoscalingv2.HorizontalPodAutoscaler{}: ours,
			&networkingv1.Ingress{}:                  ours,
			&networkingv1.NetworkPolicy{}:            ours,
			&corev1.ConfigMap{}: {
				Namespaces: map[string]cache.Config{own: {LabelSelector: labels.SelectorFromSet(operand.HostRecordLabels())}},
			},
			&scimv1alpha1.ScimCredential{}: {Transform: stripCredential},
			&coordinationv1.Lease{}: {
				Label: labels.SelectorFromSet(labels.Set{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}),
			},
		},
	}
	return limitTo(namespaces, options)
}

// routeCacheOptions says how HTTPRoutes are kept in memory: the operator's own, in the same namespaces.
func routeCacheOptions(namespaces []string) cache.Options {
	return limitTo(namespaces, cache.Options{
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            cache.TransformStripManagedFields(),
		DefaultWatchErrorHandler:    handleWatchError,
		ByObject:                    map[client.Object]cache.ByObject{&gatewayv1.HTTPRoute{}: ownObjects()},
	})
}

// ownObjects are those that the operator makes.
func ownObjects() cache.ByObject {
	return cache.ByObject{Label: labels.SelectorFromSet(labels.Set{operand.LabelManagedBy: operand.ManagedBy})}
}

// limitTo limits a cache to some namespaces, if there are any.
func limitTo(namespaces []string, options cache.Options) cache.Options {
	if len(namespaces) == 0 {
		return options
	}
	options.NewInformer = newInformer
	options.DefaultNamespaces = map[string]cache.Config{}
	for _, namespace := range namespaces {
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options
}

// stripCredential drops from a ScimCredential what nobody reads in the cache: what changes one
// reads it live. Whoever may write it can make its annotations as long as 256 KiB.
func stripCredential(object any) (any, error) {
	if credential, ok := object.(*scimv1alpha1.ScimCredential); ok {
		credential.ManagedFields, credential.Annotations = nil, nil
	}
	return object, nil
}

// CachesFilled is the check of readiness: it fails until the caches have been
// filled, without which no controller starts to work. A watched namespace that is
// missing is not waited for.
func CachesFilled(caches cache.Cache) healthz.Checker {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if !caches.WaitForCacheSync(ctx) {
			return errors.New("the caches have not been filled yet; the log says what cannot be read")
		}
		return nil
	}
}

// Setup lets the manager run all reconcilers.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) error {
	live, err := client.NewWithWatch(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(),
		Scheme:     mgr.GetScheme(),
		Mapper:     mgr.GetRESTMapper(),
	})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	recorder := reconcile.NewRecorder(mgr.GetEventRecorder(recorderName), live)
	workers := controller.Options{MaxConcurrentReconciles: options.Workers}
	if options.AskPods == nil {
		options.AskPods = usage.HTTP()
	}
	// The poller may look for Leases before a controller does.
	if _, err := mgr.GetCache().GetInformer(ctx, &coordinationv1.Lease{}, cache.BlockUntilSynced(false)); err != nil {
		return fmt.Errorf("caching the Leases of server pods: %w", err)
	}
	if options.Metrics == nil {
		options.Metrics = metrics.Registry
	}
	if err := mgr.Add(&statemetrics.Exporter{Cached: mgr.GetClient(), Registry: options.Metrics}); err != nil {
		return fmt.Errorf("adding the metrics about tenants, keys, servers, event sinks and role bindings: %w", err)
	}
	poller := usage.NewPoller(mgr.GetClient(), options.AskPods)
	if err := mgr.Add(poller); err != nil {
		return fmt.Errorf("adding what asks the server pods: %w", err)
	}

	poller.Hear(requests.NewRefusals(mgr.GetClient(), recorder).Hear)
	if options.API != nil {
		if err := requests.SetupWithManager(mgr, requests.Options{Listener: options.API, Fetch: options.FetchRequests, Live: live}); err != nil {
			return fmt.Errorf("setting up what shows the log of a tenant: %w", err)
		}
	}
	if err := setupServers(ctx, mgr, live, recorder, poller, options); err != nil {
		return err
	}
	if len(options.Namespaces) > 0 {
		if err := mgr.Add(&availability{live: live, namespaces: options.Namespaces}); err != nil {
			return fmt.Errorf("adding what tells about the watched namespaces: %w", err)
		}
	}
	keys := &scimapikey.Reconciler{
		Client: mgr.GetClient(), Live: live, Recorder: recorder, MaxLifetime: options.Config.Credentials.MaxLifetime(),
		Issuers: contract.HostsOf(options.Config.Allow.Issuers.Hosts, options.Config.Allow.Issuers.Networks), Usage: poller,
	}
	if err := keys.SetupWithManager(ctx, mgr, workers); err != nil {
		return fmt.Errorf("setting up the ScimApiKey controller: %w", err)
	}
	bindings := &scimrolebinding.Reconciler{
		Client: mgr.GetClient(), Live: live, Recorder: recorder, Allow: options.Config.Allow, WholeCluster: len(options.Namespaces) == 0,
		Policy: options.RoleBindingPolicy,
	}
	if err := bindings.SetupWithManager(mgr, workers); err != nil {
		return fmt.Errorf("setting up the ScimRoleBinding controller: %w", err)
	}
	roles := &scimrole.Reconciler{Client: mgr.GetClient(), Recorder: recorder}
	if err := roles.SetupWithManager(ctx, mgr, workers); err != nil {
		return fmt.Errorf("setting up the ScimRole controller: %w", err)
	}
	sinks := &scimeventsink.Reconciler{Client: mgr.GetClient(), Recorder: recorder}
	if err := sinks.SetupWithManager(ctx, mgr, workers); err != nil {
		return fmt.Errorf("setting up the ScimEventSink controller: %w", err)
	}
	return nil
}
