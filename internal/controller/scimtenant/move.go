package scimtenant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/moving"
)

const (
	// moveInterval is how soon to look again how far a move has come. No watch tells: what pods
	// acknowledge, they write into their Leases all the time.
	moveInterval = time.Second
	// delayInterval is how soon to look again what a move that has not begun waits for.
	delayInterval = 5 * time.Second
)

// settled reports whether the tenant is served where its spec says, and nowhere else.
func (s *scope) settled() bool {
	return len(s.listed) == 1 && s.listed[0].Name == s.targetName() && s.listed[0].Mode == scimv1alpha1.HostingModeMemory
}

// move finds the next step of a tenant to the server that it is to have, as package moving decides.
// The step is written with the status.
func (r *Reconciler) move(ctx context.Context, s *scope) error {
	if s.settled() && !s.lacksPort() {
		r.traffic.forget(s.tenant.UID)
		return nil
	}
	if len(s.listed) == 0 { // nobody has served the tenant so far
		if s.own.left { // nor is the server of an earlier tenant of its name to serve it
			s.moveAfter = pollInterval
			return nil
		}
		if s.target.runs().Reason != scimv1alpha1.ReasonServerNotFound {
			return r.decide(ctx, s, moving.Situation{Target: s.targetName()})
		}
		return nil
	}
	s.pass.Lock() // What is decided is right for this list alone.
	if s.obstacle = refusalOf(s); s.obstacle != nil && s.listed[0].Mode == scimv1alpha1.HostingModeMemory {
		return nil // and nothing changes until somebody acts
	}
	return r.nextStep(ctx, s)
}

// nextStep gathers what pods acknowledge and say, and decides by that.
func (r *Reconciler) nextStep(ctx context.Context, s *scope) error {
	pods, err := r.gatherPods(ctx, s)
	if err != nil {
		return err
	}
	if s.obstacle == nil {
		s.obstacle = delayOf(s, pods)
	}
	if s.obstacle == nil {
		if s.obstacle, err = r.exchangeKeys(ctx, s, pods); err != nil {
			return err
		}
	}
	s.moveAfter = moveInterval
	if s.obstacle != nil {
		s.moveAfter = delayInterval
	}
	situation := moving.Situation{
		Servers: s.listed, Target: s.targetName(), Obstructed: s.obstacle != nil, Replicas: replicasOf(s, pods, nil),
		IdleBeforeOff: r.IdleBeforeOff,
	}
	if situation.Led, err = r.gatherLed(ctx, s); err != nil {
		return err
	}
	var asked []coordinationv1.Lease
	var answers map[string]contract.ServerUsage
	if about := situation.Asks(); about != "" {
		asked = ofServers(pods, s.find(about))
		answers = r.Usage.Ask(ctx, asked)
		situation.Replicas = replicasOf(s, pods, answers)
	}
	if err := r.decide(ctx, s, situation); err != nil {
		return err
	}
	return r.gatherCallers(ctx, s, &situation, asked, answers)
}

// gatherPods reads at the API server the Leases of all pods that are alive of the servers that could
// serve the tenant: those that do, and any that may not have heard that they do not.
func (r *Reconciler) gatherPods(ctx context.Context, s *scope) ([]coordinationv1.Lease, error) {
	found, err := usage.Leases(ctx, r.Live, s.tenant.Namespace, usage.CouldServe(s.tenant.Name)...)
	if err != nil {
		return nil, err
	}
	live := r.Keeper.Replicas.Live(found, time.Now())
	slices.SortFunc(live, func(a, b coordinationv1.Lease) int { return strings.Compare(a.Name, b.Name) })
	return live, nil
}

// refusalOf returns why the tenant cannot be moved to its target until somebody acts; nil when that
// is not so.
func refusalOf(s *scope) *metav1.Condition {
	switch {
	case s.first() == s.target:
		return nil
	case s.urlWouldChange():
		return stays(s, scimv1alpha1.ReasonURLWouldChange, "it is known by the URL of its ScimServer only; set spec.serverRef back, give it a spec.endpoint.host, "+
			"and the identity provider the URL that it has then, before it is moved")
	case s.target.runs().Reason == scimv1alpha1.ReasonServerNotFound:
		return stays(s, scimv1alpha1.ReasonServerNotFound, "there is no such ScimServer in this namespace, or it is being deleted: "+
			"create it, or correct spec.serverRef")
	default:
		return nil
	}
}

// delayOf returns why the tenant cannot be moved to its target yet; nil when it can.
func delayOf(s *scope, pods []coordinationv1.Lease) *metav1.Condition {
	if s.first() == s.target {
		return nil
	}
	if pod := outdatedPod(s, pods); pod != "" {
		return stays(s, scimv1alpha1.ReasonServerOutdated, fmt.Sprintf("pod %s is of an older release, or has just begun; if that lasts, "+
			"set spec.serverRef back until UpToDate of the tenant and of the ScimServers is True", pod))
	}
	if runs := s.target.runs(); runs.Status != metav1.ConditionTrue || runs.Reason != scimv1alpha1.ReasonSucceeded {
		return stays(s, scimv1alpha1.ReasonServerNotReady, runs.Message)
	}
	if asked, served := s.target.servesTLS(); asked && !served {
		return stays(s, scimv1alpha1.ReasonServerNotReady, "not all of its pods serve TLS yet, as they are to: see its TLSServed")
	}
	return nil
}

// urlWouldChange reports whether the tenant's clients would need another URL if it were moved: all
// that they have is that of its ScimServer. Once that is gone, nobody answers them there.
func (s *scope) urlWouldChange() bool {
	return len(s.listed) > 0 && s.first() != s.target && !s.keepsService() && len(s.endpoint.PublishedHosts()) == 0 &&
		s.first().runs().Reason != scimv1alpha1.ReasonServerNotFound
}

// outdatedPod returns a pod of the servers that the move is between which does not state what it
// goes by; none, "", when there is no such pod. One of the release before knows tokens by a Secret.
func outdatedPod(s *scope, pods []coordinationv1.Lease) string {
	for i := range pods {
		if s.serverOfPod(&pods[i]) != nil && (!contract.StatesTenants(pods[i]) || s.verifiers != nil) {
			return pods[i].Name
		}
	}
	return ""
}

// ofServers returns those of the pods that are of one of the servers.
func ofServers(pods []coordinationv1.Lease, servers ...server) []coordinationv1.Lease {
	return slices.DeleteFunc(slices.Clone(pods), func(pod coordinationv1.Lease) bool {
		name := usage.ServerOfLease(&pod).Service()
		return !slices.ContainsFunc(servers, func(one server) bool { return one.operand().Name == name })
	})
}

// serverOfPod returns the server of the tenant that a pod is of; nil when it is of another one.
func (s *scope) serverOfPod(pod *coordinationv1.Lease) server {
	return s.find(usage.ServerOfLease(pod).Service())
}

// replicasOf returns what is known of the pods: whether they go by the tenant as it is, and what
// those say that have been asked.
func replicasOf(s *scope, pods []coordinationv1.Lease, answers map[string]contract.ServerUsage) []moving.Replica {
	replicas := make([]moving.Replica, 0, len(pods))
	for i := range pods {
		said := answers[pods[i].Name].Tenants[s.tenant.Name]
		replicas = append(replicas, moving.Replica{
			Server:       usage.ServerOfLease(&pods[i]).Service(),
			Acknowledged: contract.HasReached(pods[i], s.tenant.ResourceVersion),
			Serves:       said.State == contract.ServingLive || said.State == contract.ServingMemory,
			Idle:         time.Duration(ptr.Deref(said.IdleSeconds, 0)) * time.Second,
		})
	}
	return replicas
}

// exchangeKeys has the two servers of a move check each other's access tokens, if the tenant has keys
// that get any. A move does not begin before all of their pods do.
func (r *Reconciler) exchangeKeys(ctx context.Context, s *scope, pods []coordinationv1.Lease) (*metav1.Condition, error) {
	signs, err := r.getsAccessTokens(ctx, s)
	if err != nil || !signs || len(s.servers) < 2 {
		return nil, err
	}
	one, other, bothServe := s.servers[0], s.servers[1], len(s.listed) > 1
	ofOne, ofOther, err := r.Keeper.ExchangeKeys(ctx, s.tenant.Name, one.operand(), other.operand(), bothServe)
	if err != nil || bothServe {
		return nil, err
	}
	needed := map[server][]string{one: ofOther, other: ofOne}
	pods = ofServers(pods, one, other)
	answers := r.Usage.Ask(ctx, pods)
	for i := range pods {
		for _, id := range needed[s.serverOfPod(&pods[i])] {
			if !answers[pods[i].Name].Verifies(s.tenant.Name, id) {
				return stays(s, scimv1alpha1.ReasonServerNotReady, "not all replicas of the two check access tokens of the other one yet; "+
					"the kubelets bring them its keys within some minutes"), nil
			}
		}
	}
	return nil, nil
}

// getsAccessTokens reports whether one of the tenant's keys gets access tokens.
func (r *Reconciler) getsAccessTokens(ctx context.Context, s *scope) (bool, error) {
	keys, err := r.keysOf(ctx, s.tenant)
	return slices.ContainsFunc(keys, func(key scimv1alpha1.ScimApiKey) bool { return contract.ClientID(&key) != "" }), err
}

// keysOf returns the keys of a tenant, which are not to be changed.
func (r *Reconciler) keysOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) ([]scimv1alpha1.ScimApiKey, error) {
	all := &scimv1alpha1.ScimApiKeyList{}
	if err := r.Client.List(ctx, all, client.InNamespace(tenant.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the keys of the tenant: %w", err)
	}
	var keys []scimv1alpha1.ScimApiKey
	for i := range all.Items {
		if all.Items[i].Spec.TenantRef.Name == tenant.Name {
			keys = append(keys, all.Items[i])
		}
	}
	return keys, nil
}
