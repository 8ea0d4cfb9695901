package status

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/view"
)

// mostObjects bounds the objects of one kind that are read.
const mostObjects = 500

// Objects are those of one kind that are about the tenant.
type Objects struct {
	// Count is how many there are, and NotReady which of them are not Ready.
	Count    int        `json:"count"`
	NotReady []NotReady `json:"notReady,omitempty"`
	// Unknown says why they are not known.
	Unknown string `json:"unknown,omitempty"`
}

// NotReady is an object that is not Ready, with what its condition says.
type NotReady struct {
	Name    string `json:"name"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// object is one whose conditions say how it is.
type object interface {
	client.Object
	GetConditions() []metav1.Condition
}

// listed are the objects of one kind that are about a tenant, or why they are not known.
type listed struct {
	objects []object
	unknown string
}

// objectsOf lists the objects of one kind that are about a tenant. Somebody who may see the tenant need not be one who may see
// these, and the rest of the screen does not need them. A cluster that does not know the kind has none.
func objectsOf(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant, kind string, list client.ObjectList) listed {
	ofTenant := client.MatchingFields{"spec.tenantRef.name": tenant.Name}
	err := c.List(ctx, list, client.InNamespace(tenant.Namespace), ofTenant, client.Limit(mostObjects))
	switch {
	case meta.IsNoMatchError(err):
		return listed{}
	case apierrors.IsForbidden(err):
		return listed{unknown: fmt.Sprintf("you may not list %ss in this namespace", kind)}
	case err != nil:
		return listed{unknown: fmt.Sprintf("listing %ss: %v", kind, err)}
	}
	var found listed
	err = meta.EachListItem(list, func(item runtime.Object) error {
		if one, is := item.(object); is {
			found.objects = append(found.objects, one)
		}
		return nil
	})
	if err != nil {
		return listed{unknown: err.Error()}
	}
	return found
}

// report says how many objects there are, and which are not Ready.
func (l listed) report() Objects {
	all := Objects{Count: len(l.objects), Unknown: l.unknown}
	for _, one := range l.objects {
		if ready := view.Ready(one.GetConditions()); ready.Status != metav1.ConditionTrue {
			all.NotReady = append(all.NotReady, NotReady{Name: one.GetName(), Reason: ready.Reason, Message: ready.Message})
		}
	}
	return all
}

// toDo says what is to be done about those that are not Ready, and about what their other conditions say besides.
func (l listed) toDo(noun string) (do []string) {
	for _, one := range l.objects {
		ready := view.Ready(one.GetConditions())
		if ready.Status != metav1.ConditionTrue {
			do = append(do, fmt.Sprintf("%s %s is not Ready (%s): %s", noun, one.GetName(), ready.Reason, ready.Message))
		}
		for _, condition := range one.GetConditions() {
			if condition.Type != scimv1alpha1.ConditionReady && view.Wanting(condition) && condition.Message != ready.Message {
				do = append(do, fmt.Sprintf("%s %s (%s): %s", noun, one.GetName(), condition.Reason, condition.Message))
			}
		}
	}
	return do
}

// text says it in a line; nothing where there are none.
func (o Objects) text() string {
	switch {
	case o.Unknown != "":
		return "unknown: " + o.Unknown
	case o.Count == 0:
		return ""
	case len(o.NotReady) == 0:
		return fmt.Sprint(o.Count)
	default:
		return fmt.Sprintf("%d, %d of them not ready", o.Count, len(o.NotReady))
	}
}
