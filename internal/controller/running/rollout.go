package running

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// rolloutInterval is how soon to look again what keeps new pods from running. No
	// watch tells about pods.
	rolloutInterval = 5 * time.Second
	// listedPods bounds how many pods of one ReplicaSet are looked at.
	listedPods = 50
	// annotationRevision numbers the ReplicaSets of a Deployment in the order in which
	// their templates were wanted (k8s.io/kubectl/pkg/util/deployment.RevisionAnnotation).
	annotationRevision = "deployment.kubernetes.io/revision"
)

// Rollout is how far the newest template of the server's Deployment has come.
type Rollout struct {
	// Ready is how many pods of the newest template are ready.
	Ready int32
	// Obstacle is what keeps a pod of it from running; empty when nothing is known.
	Obstacle string
}

// GatherRollout reads how far a roll-out has come that is under way. The Deployment's
// own status counts the pods that are ready and those that are of the newest template,
// and not those that are both.
func (k *Keeper) GatherRollout(ctx context.Context, s *Server) error {
	d := s.Deployment
	if d == nil || s.RolledOut() {
		return nil
	}
	sets := &appsv1.ReplicaSetList{}
	if err := k.Live.List(ctx, sets, client.InNamespace(d.Namespace), client.MatchingLabels(s.Selector)); err != nil {
		return fmt.Errorf("listing the ReplicaSets of Deployment %s: %w", d.Name, err)
	}
	newest := newestOf(d, sets.Items)
	if newest == nil {
		return nil
	}
	s.Rollout.Ready = min(newest.Status.ReadyReplicas, d.Status.UpdatedReplicas)
	pods := &corev1.PodList{}
	err := k.Live.List(ctx, pods, client.InNamespace(d.Namespace), client.MatchingLabels(newest.Spec.Selector.MatchLabels), client.Limit(listedPods))
	if err != nil {
		return fmt.Errorf("listing the pods of ReplicaSet %s: %w", newest.Name, err)
	}
	s.Rollout.Obstacle = obstacleOf(newest, pods.Items)
	return nil
}

// newestOf returns the ReplicaSet of a Deployment's newest template; nil while there is
// none.
func newestOf(d *appsv1.Deployment, sets []appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var newest *appsv1.ReplicaSet
	var highest int64
	for i := range sets {
		revision, err := strconv.ParseInt(sets[i].Annotations[annotationRevision], 10, 64)
		if err == nil && metav1.IsControlledBy(&sets[i], d) && revision > highest {
			newest, highest = &sets[i], revision
		}
	}
	return newest
}

// obstacleOf says what keeps the first of a ReplicaSet's pods from running that does not.
func obstacleOf(set *appsv1.ReplicaSet, pods []corev1.Pod) string {
	for i := range pods {
		pod := &pods[i]
		if !metav1.IsControlledBy(pod, set) || !pod.DeletionTimestamp.IsZero() {
			continue
		}
		if why := waitsFor(pod); why != "" {
			return fmt.Sprintf("pod %s is %s: %s", pod.Name, pod.Status.Phase, why)
		}
	}
	return ""
}

// waitsFor is why a pod is on no node, or why its container does not run.
func waitsFor(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return strings.TrimSpace(c.Reason + " " + c.Message)
		}
	}
	for i := range pod.Status.ContainerStatuses {
		waiting := pod.Status.ContainerStatuses[i].State.Waiting
		if waiting != nil && waiting.Reason != "" && waiting.Reason != "ContainerCreating" {
			return strings.TrimSpace(waiting.Reason + " " + waiting.Message)
		}
	}
	return ""
}

// rolloutWait is how soon to look again at a roll-out that has not ended: seldom at one
// that gets no further until somebody acts.
func rolloutWait(d *appsv1.Deployment) time.Duration {
	if d.Spec.Paused || isStuck(d) {
		return conflictInterval
	}
	return rolloutInterval
}

// RolledOut reports whether all replicas that are wanted are there, up to date
// and ready, and no others. There must be a Deployment.
func (s *Server) RolledOut() bool { return s.rolledOut(s.Deployment) }

func (s *Server) rolledOut(d *appsv1.Deployment) bool {
	wanted := s.Spec.WantedReplicas()
	return d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas >= wanted &&
		d.Status.ReadyReplicas >= wanted && d.Status.Replicas <= wanted
}

// progressOf counts the replicas that are ready: those of the newest template, and the
// older ones that serve until those are enough.
func progressOf(s *Server) string {
	d, wanted := s.Deployment, s.Spec.WantedReplicas()
	if d.Status.ObservedGeneration < d.Generation {
		return fmt.Sprintf("a change of Deployment %s is about to begin, with server replicas that are ready: %d", d.Name, d.Status.ReadyReplicas)
	}
	ready := min(s.Rollout.Ready, wanted)
	text := fmt.Sprintf("%d of %d server replicas are ready and up to date", ready, wanted)
	if older := d.Status.ReadyReplicas - s.Rollout.Ready; older > 0 {
		text += fmt.Sprintf("; older ones that serve meanwhile: %d", older)
	}
	return text
}

// trouble repeats what is known to keep pods from running.
func trouble(s *Server) string {
	var found []string
	d := s.Deployment
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			found = append(found, fmt.Sprintf("Deployment %s: %s", d.Name, c.Message))
		}
	}
	if isStuck(d) {
		found = append(found, fmt.Sprintf("Deployment %s has made no progress for %d s: see its pods' events", d.Name, progressDeadline(d)))
	}
	if s.Rollout.Obstacle != "" {
		found = append(found, s.Rollout.Obstacle)
	}
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, "; ") + ")"
}

// IsStuck reports whether the Deployment has given up hope of getting ready.
func (s *Server) IsStuck() bool { return isStuck(s.Deployment) }

func isStuck(d *appsv1.Deployment) bool {
	if d == nil || d.Status.ObservedGeneration < d.Generation {
		return false
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return true
		}
	}
	return false
}

func progressDeadline(d *appsv1.Deployment) int32 {
	if d.Spec.ProgressDeadlineSeconds == nil {
		return 600
	}
	return *d.Spec.ProgressDeadlineSeconds
}
