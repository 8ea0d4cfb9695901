// Package staging brings what changes the pods of all servers to a few of them at a time,
// as package rollout decides, for the reconcilers of all kinds that have servers.
package staging

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/rollout"
)

// Stager knows the Deployments of all servers.
type Stager struct {
	cached   client.Reader
	live     client.Client
	settings operand.Settings
	policy   rollout.Policy
	release  string
}

// New returns a Stager that reads Deployments from cached, and scales them at live.
func New(cached client.Reader, live client.Client, settings operand.Settings, pace config.Rollout) (*Stager, error) {
	release, err := operand.ReleaseOf(settings)
	return &Stager{
		cached: cached, live: live, settings: settings, release: release,
		policy: rollout.Policy{MaxConcurrent: int(pace.MaxConcurrent), Pause: pace.Pause.Duration},
	}, err
}

// Deployment returns what is to be applied as the Deployment of a server; nil if the turn of
// the server to be changed has not come. Edited says whether the spec of its owner
// has changed since it was last acted upon.
func (s *Stager) Deployment(ctx context.Context, server operand.Server, edited bool) (apply.Intent, rollout.Turn, error) {
	existing := &appsv1.Deployment{}
	err := s.cached.Get(ctx, types.NamespacedName{Namespace: server.Namespace(), Name: server.Name}, existing)
	exists := err == nil
	if client.IgnoreNotFound(err) != nil {
		return nil, rollout.Turn{}, fmt.Errorf("reading Deployment %s: %w", server.Name, err)
	}
	wanted, err := operand.RecordOf(server, s.settings, s.release)
	if err != nil {
		return nil, rollout.Turn{}, err
	}
	was := rollout.ReadRecord(existing.Annotations)
	decision := rollout.Decide(rollout.Deployment{Exists: exists, Was: was, Wanted: wanted, Edited: edited}, func() rollout.Turn {
		var stage rollout.Stage
		stage, _, err = s.stage(ctx)
		return stage.TurnOf(rollout.ServerOf(existing))
	})
	if err != nil || !decision.Write {
		return nil, decision.Turn, err
	}
	return operand.RecordedDeployment(server, s.settings, decision.Record), decision.Turn, nil
}

// Scale gives the Deployment of a server that waits for its turn the number of replicas
// that is wanted, and its pods stay as they are. While it gets them, it is in the middle of no
// release: it would get the next one at once as one that has a place.
func (s *Stager) Scale(ctx context.Context, server operand.Server, existing *appsv1.Deployment) error {
	wanted := server.Spec.WantedReplicas()
	if existing.Spec.Replicas != nil && *existing.Spec.Replicas == wanted {
		return nil
	}
	before := existing.DeepCopy()
	existing.Spec.Replicas = &wanted
	if record := rollout.ReadRecord(existing.Annotations); record.Staged {
		record.Staged = false
		metav1.SetMetaDataAnnotation(&existing.ObjectMeta, rollout.Annotation, record.String())
	}
	if err := s.live.Patch(ctx, existing, client.MergeFrom(before), apply.FieldManager); err != nil {
		return fmt.Errorf("scaling Deployment %s: %w", existing.Name, err)
	}
	return nil
}

// Next returns a function that finds, after a change of any server's Deployment, the owners
// of a kind whose servers' turn has come.
func (s *Stager) Next(kind string) handler.MapFunc {
	return func(ctx context.Context, obj client.Object) []ctrl.Request {
		if obj.GetLabels()[operand.LabelComponent] != operand.ComponentServer {
			return nil
		}
		stage, owners, err := s.stage(ctx)
		if err != nil {
			log.FromContext(ctx).Error(err, "Looking for the servers whose turn has come")
		}
		var requests []ctrl.Request
		for _, uid := range stage.Next() {
			if owner := owners[uid]; owner.Kind == kind {
				requests = append(requests, ctrl.Request{NamespacedName: types.NamespacedName{Namespace: owner.Namespace, Name: owner.Name}})
			}
		}
		return requests
	}
}

// stage reads how far the release has come, and whose the servers are that wait.
func (s *Stager) stage(ctx context.Context) (rollout.Stage, map[types.UID]operand.Owner, error) {
	list := &appsv1.DeploymentList{}
	err := s.cached.List(ctx, list, client.MatchingLabels{operand.LabelComponent: operand.ComponentServer}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return rollout.Stage{}, nil, fmt.Errorf("listing the Deployments of all servers: %w", err)
	}
	servers := make([]rollout.Server, len(list.Items))
	owners := map[types.UID]operand.Owner{}
	for i := range list.Items {
		d := &list.Items[i]
		servers[i] = rollout.ServerOf(d)
		if owner := metav1.GetControllerOfNoCopy(d); owner != nil && servers[i].Record.Release != s.release {
			owners[d.UID] = operand.Owner{Kind: owner.Kind, Namespace: d.Namespace, Name: owner.Name}
		}
	}
	return s.policy.StageOf(s.release, servers, time.Now()), owners, nil
}
