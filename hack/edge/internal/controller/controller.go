// Package controller keeps nginx to what the cluster has, and the cluster's objects to what nginx serves.
package controller

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kubescim/kubescim/hack/edge/internal/gateway"
	"github.com/kubescim/kubescim/hack/edge/internal/ingress"
	"github.com/kubescim/kubescim/hack/edge/internal/nginx"
	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// Name is how classes name this controller.
const Name = "kubescim.dev/local-nginx"

// ClassName is that of the IngressClass which is there whenever the edge is.
const ClassName = "kubescim-local-nginx"

// settle is how long to wait for more events after one. What a reload of nginx costs does not depend on how much has changed.
const settle = 200 * time.Millisecond

// everything is the one request that there is: a configuration is made of all objects.
var everything = ctrl.Request{NamespacedName: types.NamespacedName{Name: "everything"}}

// Controller makes nginx serve what the cluster has.
type Controller struct {
	// Client reads through the cache, but for the Gateway API, which Live reads at the API server.
	Client   client.Client
	Live     client.Reader
	Recorder events.EventRecorder
	Settings nginx.Settings
	Nginx    *nginx.Program

	// reported are the problems of each Ingress that there is an event of.
	reported map[types.NamespacedName][]string
}

// CacheOptions keep the Secrets out of memory that are no certificates.
func CacheOptions() cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Field: fields.OneTermEqualSelector("type", string(corev1.SecretTypeTLS))},
		},
	}
}

// SetUp has the manager run the controller.
func (c *Controller) SetUp(manager ctrl.Manager) error {
	builder := ctrl.NewControllerManagedBy(manager).Named("edge")
	for _, kind := range []client.Object{
		&networkingv1.IngressClass{}, &networkingv1.Ingress{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}, &corev1.Secret{},
		&corev1.Namespace{}, definition(),
	} {
		builder = builder.Watches(kind, soon())
	}
	if err := builder.Complete(c); err != nil {
		return fmt.Errorf("set the controller up: %w", err)
	}
	return nil
}

// soon asks for a pass once it has been settled what else has changed.
func soon() handler.EventHandler {
	add := func(queue workqueue.TypedRateLimitingInterface[ctrl.Request]) { queue.AddAfter(everything, settle) }
	return handler.Funcs{
		CreateFunc: func(_ context.Context, _ event.CreateEvent, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			add(queue)
		},
		UpdateFunc: func(_ context.Context, _ event.UpdateEvent, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			add(queue)
		},
		DeleteFunc: func(_ context.Context, _ event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			add(queue)
		},
	}
}

// Reconcile makes one pass.
func (c *Controller) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	found, err := c.gather(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	again, err := c.gatherGateways(ctx, found)
	if err != nil {
		return ctrl.Result{}, err
	}
	sites, findings := ingress.Sites(found, Name)
	attached := gateway.Controller{Name: Name, Listen: c.Settings.Listen, Now: metav1.Now()}.Sites(found)
	configuration, err := nginx.Render(c.Settings, site.Merge(append(sites, attached.Sites...)))
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := c.Nginx.Load(ctx, configuration); err != nil {
		return ctrl.Result{}, err
	}
	if err := c.report(ctx, found.Ingresses, findings); err != nil {
		return ctrl.Result{}, err
	}
	if err := c.reportGateways(ctx, found, attached); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: again}, nil
}

// gather reads what the cluster has.
func (c *Controller) gather(ctx context.Context) (*objects.Objects, error) {
	found := &objects.Objects{}
	for _, list := range []client.ObjectList{
		&networkingv1.IngressClassList{}, &networkingv1.IngressList{}, &corev1.ServiceList{}, &discoveryv1.EndpointSliceList{}, &corev1.SecretList{}, &corev1.NamespaceList{},
	} {
		if err := c.Client.List(ctx, list); err != nil {
			return nil, fmt.Errorf("list what is to be served: %w", err)
		}
		err := meta.EachListItem(list, func(object runtime.Object) error {
			found.Add(object)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what is to be served: %w", err)
		}
	}
	return found, nil
}

// report writes the edge's address into the status of what is served as it stands, and an event about what is not.
func (c *Controller) report(ctx context.Context, ingresses []networkingv1.Ingress, findings []ingress.Finding) error {
	byName := map[types.NamespacedName]*networkingv1.Ingress{}
	for i := range ingresses {
		byName[client.ObjectKeyFromObject(&ingresses[i])] = &ingresses[i]
	}
	reported := map[types.NamespacedName][]string{}
	for _, finding := range findings {
		object := byName[finding.Ingress]
		if len(finding.Problems) > 0 {
			reported[finding.Ingress] = finding.Problems
			if !slices.Equal(c.reported[finding.Ingress], finding.Problems) {
				c.Recorder.Eventf(object, nil, corev1.EventTypeWarning, "NotServed", "Serve", "%s", short(finding.Problems))
			}
		}
		if err := c.state(ctx, object, len(finding.Problems) == 0); err != nil {
			return err
		}
	}
	c.reported = reported
	return nil
}

// state writes the address, or removes it.
func (c *Controller) state(ctx context.Context, object *networkingv1.Ingress, served bool) error {
	wanted := Addresses(c.Settings.Listen, served)
	if isSame(object.Status.LoadBalancer.Ingress, wanted) {
		return nil
	}
	object.Status.LoadBalancer.Ingress = wanted
	if err := c.Client.Status().Update(ctx, object); err != nil && !isOutdated(err) {
		return fmt.Errorf("write the status of Ingress %s/%s: %w", object.Namespace, object.Name, err)
	}
	return nil
}

// Addresses are those that the status of an Ingress states.
func Addresses(listen netip.AddrPort, served bool) []networkingv1.IngressLoadBalancerIngress {
	if !served {
		return nil
	}
	return []networkingv1.IngressLoadBalancerIngress{{
		IP:    listen.Addr().String(),
		Ports: []networkingv1.IngressPortStatus{{Port: int32(listen.Port()), Protocol: corev1.ProtocolTCP}},
	}}
}

// isSame reports whether two lists of addresses, of at most one port each, say the same.
func isSame(a, b []networkingv1.IngressLoadBalancerIngress) bool {
	return slices.EqualFunc(a, b, func(a, b networkingv1.IngressLoadBalancerIngress) bool {
		return a.IP == b.IP && a.Hostname == b.Hostname && slices.Equal(a.Ports, b.Ports)
	})
}
