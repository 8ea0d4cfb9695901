package scimtenant

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/usage"
)

// sharedServer is the ScimServer of a tenant that has a serverRef. It does nothing for the
// tenant that the tenant's status does not ask for (status.servers): its pods read there whom
// they host.
type sharedServer struct {
	name string
	// found is the ScimServer; nil when there is none, or it is being deleted. Set by
	// gatherShared.
	found *scimv1alpha1.ScimServer
	// serving is how those of its pods serve the tenant that have answered, and pods how many
	// there are. Set by gatherUsage.
	serving []contract.TenantUsage
	pods    int
}

// gatherShared reads the ScimServer that the tenant names.
func (r *Reconciler) gatherShared(ctx context.Context, s *scope) error {
	server := &scimv1alpha1.ScimServer{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: s.tenant.Namespace, Name: s.shared.name}, server)
	if apierrors.IsNotFound(err) || (err == nil && !server.DeletionTimestamp.IsZero()) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading ScimServer %s: %w", s.shared.name, err)
	}
	s.shared.found = server
	return nil
}

// hosting is what the tenant's status says of who hosts it: its ScimServer, while it is
// there. The host is what is published, since another one may hold what the spec asks for.
func (s *scope) hosting() []scimv1alpha1.TenantServer {
	if s.shared == nil || s.shared.found == nil {
		return nil
	}
	how := scimv1alpha1.TenantServer{Name: contract.SharedServiceName(s.shared.name), Mode: scimv1alpha1.HostingModeMemory}
	if hosts := s.endpoint.PublishedHosts(); len(hosts) > 0 {
		how.Host = hosts[0]
	}
	return []scimv1alpha1.TenantServer{how}
}

// sharedURL is the base URL of a tenant without a host of its own; empty while that is not
// known.
func (s *scope) sharedURL() string {
	if s.shared.found == nil || s.shared.found.Status.URL == "" {
		return ""
	}
	return s.shared.found.Status.URL + contract.SharedPath(s.tenant.Name)
}

// sharedAvailable reports whether the ScimServer serves the tenant.
func sharedAvailable(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionServerAvailable
	server := s.shared.found
	if server == nil {
		return conditions.False(conditionType, scimv1alpha1.ReasonServerNotFound, fmt.Sprintf(
			"there is no ScimServer %q in this namespace, or it is being deleted, so that nobody serves the tenant; its users and groups stay: "+
				"create that ScimServer, or another ScimTenant with another spec.serverRef", s.shared.name))
	}
	if available := meta.FindStatusCondition(server.Status.Conditions, conditionType); available == nil || available.Status != metav1.ConditionTrue {
		message := "it has just been made"
		if available != nil {
			message = available.Message
		}
		return conditions.False(conditionType, scimv1alpha1.ReasonServerNotReady, fmt.Sprintf("ScimServer %q does not answer: %s", s.shared.name, message))
	}
	return attached(s)
}

// sharedAccepted reports whether a tenant without a host of its own is published by its
// ScimServer.
func sharedAccepted(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointAccepted
	server := s.shared.found
	switch {
	case server == nil:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonServerNotFound, fmt.Sprintf("there is no ScimServer %q", s.shared.name))
	case s.sharedURL() != "" && server.Spec.Endpoint.Host == "":
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, fmt.Sprintf("ScimServer %q has no host: the tenant can be reached inside the cluster only", s.shared.name))
	case s.sharedURL() != "":
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("the tenant is at the host of ScimServer %q", s.shared.name))
	}
	message := "it has just been made"
	if accepted := meta.FindStatusCondition(server.Status.Conditions, conditionType); accepted != nil {
		message = accepted.Message
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonProgressing, fmt.Sprintf("ScimServer %q is not published: %s", s.shared.name, message))
}

// attached reports whether the pods of the ScimServer host the tenant: at first all of them
// must; later, while pods come and go, one is enough, and while none has been asked, as after
// a start of the operator, it stays as it was.
func attached(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionServerAvailable
	serving, nothing := 0, ""
	for _, answer := range s.shared.serving {
		switch answer.State {
		case contract.ServingMemory, contract.ServingLive:
			serving++
		case contract.ServingNothing:
			nothing = answer.Message
		}
	}
	was := meta.IsStatusConditionTrue(s.tenant.Status.Conditions, conditionType)
	switch {
	case nothing != "":
		return conditions.False(conditionType, scimv1alpha1.ReasonNotServed, fmt.Sprintf("ScimServer %q cannot serve the tenant: %s", s.shared.name, nothing))
	case was && len(s.shared.serving) == 0, serving > 0 && (was || serving >= s.shared.pods):
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("ScimServer %q serves the tenant", s.shared.name))
	case len(s.shared.serving) < s.shared.pods:
		return conditions.False(conditionType, scimv1alpha1.ReasonAttaching, fmt.Sprintf(
			"waiting until all replicas of ScimServer %q say that they have the tenant: %d of %d do, and %d have not answered; if that lasts, allow the operator to reach their port %d, in NetworkPolicies and firewalls",
			s.shared.name, serving, s.shared.pods, s.shared.pods-len(s.shared.serving), contract.PortHealth))
	default:
		return conditions.False(conditionType, scimv1alpha1.ReasonAttaching, fmt.Sprintf(
			"waiting until all replicas of ScimServer %q say that they have the tenant: %d of %d do", s.shared.name, serving, s.shared.pods))
	}
}

// gatherServing reads how the pods of the ScimServer serve the tenant, and hurries them while
// the tenant waits for that.
func (r *Reconciler) gatherServing(s *scope, answers []contract.ServerUsage) {
	for _, answer := range answers {
		s.shared.serving = append(s.shared.serving, answer.Tenants[s.tenant.Name])
	}
	s.shared.pods = r.Usage.Pods(usage.ServerOf(s.tenant))
	if s.shared.found != nil && attached(s).Status != metav1.ConditionTrue {
		r.Usage.Hurry(usage.ServerOf(s.tenant))
	}
}

// stillHosting returns what is to be waited for while a pod of the ScimServer has the tenant,
// or does not say whether it has; nothing once none has it.
func (r *Reconciler) stillHosting(ctx context.Context, s *scope) (waiting string, err error) {
	leases := &coordinationv1.LeaseList{}
	err = r.Live.List(ctx, leases, client.InNamespace(s.tenant.Namespace), client.MatchingLabels{
		scimv1alpha1.LabelServer: s.shared.name, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
	})
	if err != nil {
		return "", fmt.Errorf("listing the Leases of the pods of ScimServer %s: %w", s.shared.name, err)
	}
	pod := r.Usage.Hosting(ctx, r.Keeper.Replicas.Live(leases.Items, time.Now()), s.tenant.Name)
	if pod == "" {
		return "", nil
	}
	return fmt.Sprintf("waiting until no replica of ScimServer %q has the tenant any more, for example %s", s.shared.name, pod), nil
}
