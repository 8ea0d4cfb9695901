package scimtenant

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/operand"
)

// sharedServer is a ScimServer that serves the tenant, or is to. It does nothing for the
// tenant that the tenant's status does not ask for (status.servers): its pods read there whom
// they host.
type sharedServer struct {
	reconciler *Reconciler
	scope      *scope
	name       string
	// found is the ScimServer; nil when there is none, or it is being deleted and not kept for the
	// tenant. Set by gather.
	found *scimv1alpha1.ScimServer
	// serving is how those of its pods serve the tenant that have answered, and pods how many
	// there are. Set by gatherUsage.
	serving []contract.TenantUsage
	pods    int
}

func (h *sharedServer) operand() operand.Server {
	return operand.SharedServer(&scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: h.scope.tenant.Namespace, Name: h.name}})
}

// gather reads the ScimServer.
func (h *sharedServer) gather(ctx context.Context) error {
	server := &scimv1alpha1.ScimServer{}
	err := h.reconciler.Client.Get(ctx, types.NamespacedName{Namespace: h.scope.tenant.Namespace, Name: h.name}, server)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading ScimServer %s: %w", h.name, err)
	}
	if server.DeletionTimestamp.IsZero() || h.scope.hasTraffic(h) && !server.AbandonsTenants() {
		h.found = server
	}
	return nil
}

// url is the base URL of a tenant without a host of its own; empty while that is not
// known.
func (h *sharedServer) url() string {
	if h.found == nil || h.found.Status.URL == "" {
		return ""
	}
	return h.found.Status.URL + contract.SharedPath(h.scope.tenant.Name)
}

// runs reports whether the ScimServer answers, whomever it serves.
func (h *sharedServer) runs() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionServerAvailable
	if h.found == nil {
		return conditions.False(conditionType, scimv1alpha1.ReasonServerNotFound, fmt.Sprintf(
			"there is no ScimServer %q in this namespace, or it is being deleted, so that nobody serves the tenant; its users and groups stay: "+
				"create that ScimServer, or name another one in spec.serverRef", h.name))
	}
	available := meta.FindStatusCondition(h.found.Status.Conditions, conditionType)
	switch {
	case available == nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonServerNotReady, fmt.Sprintf("ScimServer %q does not answer: it has just been made", h.name))
	case available.Status != metav1.ConditionTrue:
		return conditions.False(conditionType, scimv1alpha1.ReasonServerNotReady, fmt.Sprintf("ScimServer %q does not answer: %s", h.name, available.Message))
	default:
		return *available
	}
}

// available reports whether the ScimServer serves the tenant.
func (h *sharedServer) available() metav1.Condition {
	if runs := h.runs(); runs.Status != metav1.ConditionTrue {
		return runs
	}
	return h.attached()
}

// details implements server. How the replicas of a ScimServer are connected is in its own status.
func (h *sharedServer) details() []metav1.Condition { return nil }

// servesTLS goes by what the ScimServer says of itself. The Ingress or the HTTPRoute to one that is gone stays as it is.
func (h *sharedServer) servesTLS() (asked, served bool) {
	if h.found == nil {
		published := h.scope.endpoint.Publications()
		leads := len(published) > 0 && published[0].LeadsByTLS(h.operand().Name)
		return leads, leads
	}
	asked = h.found.Spec.TLS.SecretName != ""
	return asked, asked && meta.IsStatusConditionTrue(h.found.Status.Conditions, scimv1alpha1.ConditionTLSServed)
}

func (h *sharedServer) problem() error { return nil }

func (h *sharedServer) stuck() bool { return false }

func (h *sharedServer) again() time.Duration { return 0 }

// accepted reports whether a tenant without a host of its own is published by its
// ScimServer.
func (h *sharedServer) accepted() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointAccepted
	if h.found == nil {
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonServerNotFound, fmt.Sprintf("there is no ScimServer %q", h.name))
	}
	accepted := meta.FindStatusCondition(h.found.Status.Conditions, conditionType)
	switch {
	case h.url() != "" && accepted != nil && publishing.Unreached(*accepted):
		return conditions.False(conditionType, scimv1alpha1.ReasonProgressing, fmt.Sprintf("the host of ScimServer %q is not published: %s", h.name, accepted.Message))
	case h.url() != "" && !h.hasHost():
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, fmt.Sprintf("ScimServer %q has no host: the tenant can be reached inside the cluster only", h.name))
	case h.url() != "":
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("the tenant is at the host of ScimServer %q", h.name))
	}
	message := "it has just been made"
	if accepted != nil {
		message = accepted.Message
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonProgressing, fmt.Sprintf("ScimServer %q is not published: %s", h.name, message))
}

// hasHost reports whether the ScimServer is to be published.
func (h *sharedServer) hasHost() bool { return h.found != nil && h.found.Spec.Endpoint.Host != "" }

// attached reports whether the pods of the ScimServer host the tenant: at first all of them
// must; later, while pods come and go, one is enough, and while none has been asked, as after
// a start of the operator, it stays as it was.
func (h *sharedServer) attached() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionServerAvailable
	serving, nothing := 0, ""
	for _, answer := range h.serving {
		switch answer.State {
		case contract.ServingMemory, contract.ServingLive:
			serving++
		case contract.ServingNothing:
			nothing = answer.Message
		}
	}
	was := meta.IsStatusConditionTrue(h.scope.tenant.Status.Conditions, conditionType)
	switch {
	case nothing != "":
		return conditions.False(conditionType, scimv1alpha1.ReasonNotServed, fmt.Sprintf("ScimServer %q cannot serve the tenant: %s", h.name, nothing))
	case was && len(h.serving) == 0, serving > 0 && (was || serving >= h.pods):
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("ScimServer %q serves the tenant", h.name))
	case len(h.serving) < h.pods:
		return conditions.False(conditionType, scimv1alpha1.ReasonAttaching, fmt.Sprintf(
			"waiting until all replicas of ScimServer %q say that they have the tenant: %d of %d do, and %d have not answered; if that lasts, allow the operator to reach their port %d, in NetworkPolicies and firewalls",
			h.name, serving, h.pods, h.pods-len(h.serving), contract.PortHealth))
	default:
		return conditions.False(conditionType, scimv1alpha1.ReasonAttaching, fmt.Sprintf(
			"waiting until all replicas of ScimServer %q say that they have the tenant: %d of %d do", h.name, serving, h.pods))
	}
}

// gatherUsage reads how the pods of the ScimServer serve the tenant, and hurries them while
// the tenant waits for that.
func (h *sharedServer) gatherUsage(_ context.Context, answers []contract.ServerUsage) (counted contract.Usage, known bool, err error) {
	for _, answer := range answers {
		h.serving = append(h.serving, answer.Tenants[h.scope.tenant.Name])
	}
	server := h.scope.usageOf(h)
	h.pods = h.reconciler.Usage.Pods(server)
	if h.found != nil && h.scope.isListed(h) && h.attached().Status != metav1.ConditionTrue {
		h.reconciler.Usage.Hurry(server)
	}
	return contract.Usage{}, false, nil
}

// stop implements server: the pods of a ScimServer forget a tenant that is being deleted.
func (h *sharedServer) stop(context.Context) (waiting string, err error) { return "", nil }

// ended returns what is to be waited for while a pod of the ScimServer has the tenant,
// or does not say whether it has; nothing once none has it.
func (h *sharedServer) ended(ctx context.Context) (waiting string, err error) {
	leases, err := usage.Leases(ctx, h.reconciler.Live, h.scope.tenant.Namespace, client.MatchingLabels(h.operand().ReplicaLabels()))
	if err != nil {
		return "", fmt.Errorf("looking for pods of ScimServer %s: %w", h.name, err)
	}
	pod := h.reconciler.Usage.Hosting(ctx, h.reconciler.Keeper.Replicas.Live(leases, time.Now()), h.scope.tenant.Name)
	if pod == "" {
		return "", nil
	}
	return fmt.Sprintf("waiting until no replica of ScimServer %q has the tenant any more, for example %s", h.name, pod), nil
}
