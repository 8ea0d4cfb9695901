package running

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

func TestProgress(t *testing.T) {
	for name, tc := range map[string]struct {
		replicas int32
		status   appsv1.DeploymentStatus
		rollout  Rollout
		want     string
	}{
		"the first new pod is Pending": {
			2, appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 2},
			Rollout{Obstacle: "pod acme-scim-b is Pending: Unschedulable 0/1 nodes are available"},
			"0 of 2 server replicas are ready and up to date; older ones that serve meanwhile: 2" +
				" (pod acme-scim-b is Pending: Unschedulable 0/1 nodes are available)",
		},
		"the only new pod is Pending": {
			1, appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 2, UpdatedReplicas: 1, ReadyReplicas: 1}, Rollout{},
			"0 of 1 server replicas are ready and up to date; older ones that serve meanwhile: 1",
		},
		"one of each": {
			2, appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 3, UpdatedReplicas: 2, ReadyReplicas: 2}, Rollout{Ready: 1},
			"1 of 2 server replicas are ready and up to date; older ones that serve meanwhile: 1",
		},
		"an older one is still to end": {
			2, appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 3, UpdatedReplicas: 2, ReadyReplicas: 3}, Rollout{Ready: 2},
			"2 of 2 server replicas are ready and up to date; older ones that serve meanwhile: 1",
		},
		"one of the newest is gone": {
			2, appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 1}, Rollout{Ready: 1},
			"1 of 2 server replicas are ready and up to date",
		},
		"a change that was not looked at yet": {
			2, appsv1.DeploymentStatus{ObservedGeneration: 4, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2}, Rollout{Ready: 2},
			"a change of Deployment acme-scim is about to begin, with server replicas that are ready: 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{
				Server: operand.Server{Name: "acme-scim", Spec: scimv1alpha1.ServerSpec{Replicas: tc.replicas}}, Rollout: tc.rollout,
				Deployment: &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "acme-scim", Generation: 5}, Status: tc.status},
			}
			if c := s.Available(); c.Message != tc.want {
				t.Errorf("ServerAvailable says %q", c.Message)
			}
		})
	}
}

func TestNewestReplicaSet(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "acme-scim", UID: "d"}}
	set := func(name, revision string) appsv1.ReplicaSet {
		return appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{annotationRevision: revision},
			OwnerReferences: []metav1.OwnerReference{{UID: d.UID, Controller: ptr.To(true)}},
		}}
	}
	foreign := set("stranger", "99")
	foreign.OwnerReferences = nil
	sets := []appsv1.ReplicaSet{set("b", "9"), set("c", "10"), set("a", "8"), set("broken", "x"), foreign}
	if newest := newestOf(d, sets); newest == nil || newest.Name != "c" {
		t.Errorf("the newest is %v", newest)
	}
	if newest := newestOf(d, sets[3:]); newest != nil {
		t.Errorf("of none, the newest is %v", newest)
	}
}

func TestObstacleOfAPod(t *testing.T) {
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{UID: "set"}}
	pod := func(name string, status corev1.PodStatus) corev1.Pod {
		status.Phase = corev1.PodPending
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{UID: "set", Controller: ptr.To(true)}}},
			Status:     status,
		}
	}
	unschedulable := corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available: 1 Insufficient cpu.",
	}}}
	waiting := func(reason, message string) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
		}}}
	}
	ending, foreign := pod("ending", unschedulable), pod("stranger", unschedulable)
	ending.DeletionTimestamp = ptr.To(metav1.Now())
	foreign.OwnerReferences = nil
	for name, tc := range map[string]struct {
		pods []corev1.Pod
		want string
	}{
		"no pod":                 {nil, ""},
		"no room":                {[]corev1.Pod{pod("a", corev1.PodStatus{}), pod("b", unschedulable)}, "pod b is Pending: Unschedulable 0/1 nodes are available: 1 Insufficient cpu."},
		"no image":               {[]corev1.Pod{pod("a", waiting("ErrImagePull", "not found"))}, "pod a is Pending: ErrImagePull not found"},
		"only starting":          {[]corev1.Pod{pod("a", waiting("ContainerCreating", ""))}, ""},
		"ending":                 {[]corev1.Pod{ending}, ""},
		"not of this ReplicaSet": {[]corev1.Pod{foreign}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := obstacleOf(set, tc.pods); got != tc.want {
				t.Errorf("the obstacle is %q", got)
			}
		})
	}
}
