package publishing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/hosts"
)

const (
	// lookInterval is how soon to look again whether the definitions of the Gateway API have come, for
	// who asks for an HTTPRoute; and retryInterval, for who does not.
	lookInterval  = 10 * time.Second
	retryInterval = time.Minute
	// lookTimeout bounds a look, and so how long the first list of HTTPRoutes is waited for.
	lookTimeout = 10 * time.Second

	// resourceHTTPRoutes is what the API server calls HTTPRoutes, and verbPatch what it does not allow any more
	// while their definition is being deleted.
	resourceHTTPRoutes = "httproutes"
	verbPatch          = "patch"
)

// GatewayAPI knows whether the cluster has HTTPRoutes. Their definitions are not Kubernetes' own: they come
// and go while the operator runs. While they are there, the operator's own are in a cache by themselves: one that
// cannot be filled would keep the manager's from being taken for filled. It is safe for concurrent use.
type GatewayAPI struct {
	manager   manager.Manager
	live      client.Reader
	discovery discovery.ServerResourcesInterfaceWithContext
	options   cache.Options
	onStart   []func(cache.Cache) error
	onEnd     []func()

	// mu is not held while somebody looks, which takes as long as the API server does.
	mu sync.Mutex
	// looking is closed when the look that goes on has ended; nil while none does.
	looking chan struct{}
	looked  time.Time
	failed  error
	found   *Routes
}

// NewGatewayAPI returns what knows of the Gateway API of a manager's cluster. The options say how its HTTPRoutes are
// kept in memory.
func NewGatewayAPI(mgr manager.Manager, live client.Reader, options cache.Options) (*GatewayAPI, error) {
	discover, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for what the API server has: %w", err)
	}
	options.HTTPClient, options.Scheme, options.Mapper = mgr.GetHTTPClient(), mgr.GetScheme(), mgr.GetRESTMapper()
	return &GatewayAPI{manager: mgr, live: live, discovery: discover, options: options}, nil
}

// OnStart has something done with each cache of HTTPRoutes when it is filled, such as having a controller watch
// it. It is to be called before the manager starts.
func (g *GatewayAPI) OnStart(do func(cache.Cache) error) { g.onStart = append(g.onStart, do) }

// OnEnd has something done when there are no HTTPRoutes in the cluster any more. Which of them have been seen to
// go before, is not known.
func (g *GatewayAPI) OnEnd(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onEnd = append(g.onEnd, do)
}

func (g *GatewayAPI) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, do := range g.onEnd {
		do()
	}
}

// Routes returns the operator's HTTPRoutes; nil while the cluster has none. To who asks for an HTTPRoute, it says
// what was so some seconds ago at most, and to others, what was so a minute ago. One caller looks, and the others go on by
// what was found last meanwhile. They wait only where nothing has been.
func (g *GatewayAPI) Routes(ctx context.Context, asks bool) (*Routes, error) {
	g.mu.Lock()
	if g.found != nil && g.found.hasEnded() {
		g.found, g.looked = nil, time.Time{}
	}
	looking, found, failed := g.looking, g.found, g.failed
	switch {
	case found != nil, g.isKnown(asks), looking != nil && !g.looked.IsZero():
		g.mu.Unlock()
		return found, failed
	case looking == nil:
		g.looking = make(chan struct{})
		g.mu.Unlock()
		return g.lookAndNote(ctx)
	}
	g.mu.Unlock()
	select {
	case <-looking:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for what is found about HTTPRoutes: %w", ctx.Err())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.found, g.failed
}

// lookAndNote looks, and notes what is found for all who ask.
func (g *GatewayAPI) lookAndNote(ctx context.Context) (found *Routes, err error) {
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		close(g.looking)
		g.looking, g.looked, g.found, g.failed = nil, time.Now(), found, err
	}()
	return g.look(ctx)
}

// Reader returns what reads the operator's HTTPRoutes, for who asks for none; nil while the cluster has none.
func (g *GatewayAPI) Reader(ctx context.Context) (client.Reader, error) {
	routes, err := g.Routes(ctx, false)
	if err != nil || routes == nil {
		return nil, err
	}
	return routes.Client, nil
}

// isKnown reports whether what was found last is new enough.
func (g *GatewayAPI) isKnown(asks bool) bool {
	switch {
	case g.looked.IsZero():
		return false
	case asks:
		return time.Since(g.looked) < lookInterval
	default:
		return time.Since(g.looked) < retryInterval
	}
}

// look looks for HTTPRoutes, and starts to keep them in memory if there are any.
func (g *GatewayAPI) look(ctx context.Context) (*Routes, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	served, err := g.isServed(ctx)
	if err != nil || !served {
		return nil, err
	}
	return g.start(ctx)
}

// isServed reports whether the API server has HTTPRoutes that can be written.
func (g *GatewayAPI) isServed(ctx context.Context) (bool, error) {
	resources, err := g.discovery.ServerResourcesForGroupVersionWithContext(ctx, gatewayv1.GroupVersion.String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether the cluster has the Gateway API: %w", err)
	}
	return slices.ContainsFunc(resources.APIResources, func(resource metav1.APIResource) bool {
		return resource.Name == resourceHTTPRoutes && slices.Contains(resource.Verbs, verbPatch)
	}), nil
}

// start starts to keep HTTPRoutes in memory, and returns once all of them are.
func (g *GatewayAPI) start(ctx context.Context) (*Routes, error) {
	routes := &Routes{patient: g.options.NewInformer != nil, ended: make(chan struct{})}
	options := g.options
	options.DefaultWatchErrorHandler = func(ctx context.Context, reflector *toolscache.Reflector, err error) {
		routes.handle(ctx, reflector, err, g.options.DefaultWatchErrorHandler)
	}
	cached, err := cache.New(g.manager.GetConfig(), options)
	if err != nil {
		return nil, fmt.Errorf("making a cache of HTTPRoutes: %w", err)
	}
	if err := hosts.AddRouteIndex(ctx, cached); err != nil {
		return nil, fmt.Errorf("making an index of HTTPRoutes: %w", err)
	}
	routes.Client, err = client.New(g.manager.GetConfig(), client.Options{
		HTTPClient: options.HTTPClient, Scheme: options.Scheme, Mapper: options.Mapper, Cache: &client.CacheOptions{Reader: cached},
	})
	if err != nil {
		return nil, fmt.Errorf("making a client for HTTPRoutes: %w", err)
	}
	routes.applier = apply.New(routes.Client, g.live)
	if err := g.manager.Add(manager.RunnableFunc(func(ctx context.Context) error { routes.run(ctx, cached, g.end); return nil })); err != nil {
		return nil, fmt.Errorf("starting to watch HTTPRoutes: %w", err)
	}
	err = g.fill(ctx, routes, cached)
	if err == nil {
		return routes, nil
	}
	routes.end()
	if apierrors.IsNotFound(routes.failure()) { // They have just gone.
		return nil, nil
	}
	return nil, err
}

func (g *GatewayAPI) fill(ctx context.Context, routes *Routes, cached cache.Cache) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-routes.ended:
		case <-waiting.Done():
		}
	}()
	if !cached.WaitForCacheSync(waiting) {
		return fmt.Errorf("listing the HTTPRoutes, which the operator must be allowed to get, list, watch, create, patch and delete: %w",
			errors.Join(ctx.Err(), routes.failure()))
	}
	routes.filled.Store(true)
	for _, do := range g.onStart {
		if err := do(cached); err != nil {
			return fmt.Errorf("watching the HTTPRoutes: %w", err)
		}
	}
	return nil
}

// StillServed reports whether the cluster still has HTTPRoutes. It is to be asked before one is made: while their
// definition is being deleted, it would be deleted at once.
func (g *GatewayAPI) StillServed(ctx context.Context, routes *Routes) (bool, error) {
	served, err := g.isServed(ctx)
	if err == nil && !served {
		routes.end()
	}
	return served, err
}
