package rollout

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// reasonComplete is why a Deployment's condition Progressing is True once all of its pods
// are of the newest template and available. It stays so if pods fail later.
const reasonComplete = "NewReplicaSetAvailable"

// Server is what is known of the Deployment of a server.
type Server struct {
	// UID orders the servers: nobody can choose it, to be the first or the last.
	UID types.UID
	// Record is what the Deployment was written from.
	Record Record
	// Settled is true once all pods are of the newest template and were available, at the
	// time SettledAt.
	Settled   bool
	SettledAt time.Time
	// Stuck is true if the Deployment has made no progress for too long.
	Stuck bool
	// Idle is true if there is nothing to lose or to wait for: the Deployment is paused, is
	// being deleted, or is stuck without a single pod that is ready.
	Idle bool
}

// ServerOf reads the state of a server.
func ServerOf(d *appsv1.Deployment) Server {
	s := Server{UID: d.UID, Record: ReadRecord(d.Annotations)}
	observed := d.Status.ObservedGeneration >= d.Generation
	for _, c := range d.Status.Conditions {
		if c.Type != appsv1.DeploymentProgressing || !observed {
			continue
		}
		s.Stuck = c.Status == corev1.ConditionFalse
		if c.Reason == reasonComplete && d.Status.UpdatedReplicas == d.Status.Replicas {
			s.Settled, s.SettledAt = true, c.LastUpdateTime.Time
		}
	}
	s.Idle = d.Spec.Paused || d.DeletionTimestamp != nil || (s.Stuck && d.Status.ReadyReplicas == 0)
	return s
}
