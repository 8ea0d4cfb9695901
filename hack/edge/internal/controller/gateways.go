package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/gateway"
	"github.com/kubescim/kubescim/hack/edge/internal/objects"
)

// gatewayInterval is how soon to look again at Gateways and HTTPRoutes, while there are definitions of them. They are looked at
// and not watched: a watch of a kind that has gone goes on failing, and tells nobody when the kind is back.
const gatewayInterval = time.Second

// definitionKind is that of definitions.
var definitionKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

// definitions are those that have to be there for Gateways to be served.
var definitions = []string{
	"gatewayclasses." + gatewayv1.GroupName, "gateways." + gatewayv1.GroupName, "httproutes." + gatewayv1.GroupName,
}

// definition is what a watch of all definitions is asked for by.
func definition() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(definitionKind)
	return object
}

// gatherGateways reads what there is of the Gateway API, and returns when to do so again; 0 while it is not there.
func (c *Controller) gatherGateways(ctx context.Context, found *objects.Objects) (again time.Duration, err error) {
	for _, name := range definitions {
		err := c.Client.Get(ctx, types.NamespacedName{Name: name}, definition())
		if apierrors.IsNotFound(err) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("look whether there is a Gateway API: %w", err)
		}
	}
	for _, list := range []client.ObjectList{&gatewayv1.GatewayClassList{}, &gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{}} {
		err := c.Live.List(ctx, list)
		if isGone(err) {
			continue // The definition is too new to be served, or is being deleted.
		}
		if err != nil {
			return 0, fmt.Errorf("list what is to be served: %w", err)
		}
		err = meta.EachListItem(list, func(object runtime.Object) error {
			found.Add(object)
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("read what is to be served: %w", err)
		}
	}
	return gatewayInterval, nil
}

// isGone reports whether an error is that an object, or its kind, is not there.
func isGone(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }

// isOutdated reports whether an error is that an object has changed since it was read, or has gone. What has changed is looked at
// again by itself.
func isOutdated(err error) bool { return isGone(err) || apierrors.IsConflict(err) }

// reportGateways writes the statuses that are others than they were.
func (c *Controller) reportGateways(ctx context.Context, found *objects.Objects, result gateway.Result) error {
	var changed []client.Object
	for _, class := range result.Classes {
		before := named(found.GatewayClasses, class)
		if !equality.Semantic.DeepEqual(before.Status, class.Status) {
			changed = append(changed, class)
		}
	}
	for _, one := range result.Gateways {
		before := named(found.Gateways, one)
		if !equality.Semantic.DeepEqual(before.Status, one.Status) {
			changed = append(changed, one)
		}
	}
	for _, route := range result.Routes {
		before := named(found.HTTPRoutes, route)
		if !equality.Semantic.DeepEqual(before.Status, route.Status) {
			changed = append(changed, route)
		}
	}
	for _, object := range changed {
		if err := c.Client.Status().Update(ctx, object); err != nil && !isOutdated(err) {
			return fmt.Errorf("write the status of %T %s/%s: %w", object, object.GetNamespace(), object.GetName(), err)
		}
	}
	return nil
}

// named is the object of a list that has the name of another one.
func named[T any, P interface {
	*T
	client.Object
}](list []T, object P) P {
	for i := range list {
		if one := P(&list[i]); one.GetNamespace() == object.GetNamespace() && one.GetName() == object.GetName() {
			return one
		}
	}
	return new(T)
}
