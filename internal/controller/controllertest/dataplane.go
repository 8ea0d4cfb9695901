package controllertest

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// RollOut does as if all replicas of a tenant's Deployment had become ready.
func (e *Environment) RollOut(ctx context.Context, namespace, tenant string) error {
	return e.SetReady(ctx, namespace, tenant, -1)
}

// SetReady does as if so many replicas of a tenant's Deployment, or all of them
// if negative, were up to date and ready.
func (e *Environment) SetReady(ctx context.Context, namespace, tenant string, ready int32) error {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: namespace, Name: operand.Name(tenant)}
	if err := e.Client.Get(ctx, key, deployment); err != nil {
		return err
	}
	return e.setReady(ctx, deployment, ready)
}

func (e *Environment) setReady(ctx context.Context, deployment *appsv1.Deployment, ready int32) error {
	wanted := *deployment.Spec.Replicas
	if ready < 0 {
		ready = wanted
	}
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           wanted,
		UpdatedReplicas:    wanted,
		ReadyReplicas:      ready,
		AvailableReplicas:  ready,
	}
	if ready == wanted {
		deployment.Status.Conditions = []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable", LastUpdateTime: metav1.Now(),
		}}
	}
	return e.Client.Status().Update(ctx, deployment)
}

// GiveUp does as if a tenant's Deployment had made no progress for too long.
func (e *Environment) GiveUp(ctx context.Context, namespace, tenant string) error {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: namespace, Name: operand.Name(tenant)}
	if err := e.Client.Get(ctx, key, deployment); err != nil {
		return err
	}
	deployment.Status.ObservedGeneration = deployment.Generation
	deployment.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
	}}
	return e.Client.Status().Update(ctx, deployment)
}

// Accept does as if a server pod were alive and went by the ScimCredentials of its
// namespace as they are now.
func (e *Environment) Accept(ctx context.Context, namespace, tenant, pod string) error {
	revision, err := e.credentialsRevision(ctx, namespace)
	if err != nil {
		return err
	}
	return e.KeepLease(ctx, namespace, tenant, pod, revision, time.Now())
}

// credentialsRevision returns the resourceVersion of a list of a namespace's
// ScimCredentials.
func (e *Environment) credentialsRevision(ctx context.Context, namespace string) (string, error) {
	credentials := &scimv1alpha1.ScimCredentialList{}
	err := e.Client.List(ctx, credentials, client.InNamespace(namespace))
	return credentials.ResourceVersion, err
}

// KeepLease does as if a server pod had, at a time, renewed its Lease and said up to which
// revision it goes by the ScimCredentials.
func (e *Environment) KeepLease(ctx context.Context, namespace, tenant, pod, revision string, at time.Time) error {
	return e.keepLease(ctx, namespace, tenant, pod, map[string]string{contract.AnnotationCredentialsRevision: revision}, at)
}

func (e *Environment) keepLease(
	ctx context.Context, namespace, tenant, pod string, annotations map[string]string, at time.Time,
) error {
	return e.keepLeaseLabelled(ctx, namespace, pod, map[string]string{
		scimv1alpha1.LabelTenant: tenant, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
	}, annotations, at)
}

func (e *Environment) keepLeaseLabelled(
	ctx context.Context, namespace, pod string, labels, annotations map[string]string, at time.Time,
) error {
	lease := &coordinationv1.Lease{}
	err := e.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: pod}, lease)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	lease.Name, lease.Namespace = pod, namespace
	lease.Labels, lease.Annotations = labels, annotations
	lease.Spec = coordinationv1.LeaseSpec{
		HolderIdentity:       ptr.To(pod),
		RenewTime:            ptr.To(metav1.NewMicroTime(at)),
		LeaseDurationSeconds: ptr.To(int32(contract.ReplicaLeaseDuration / time.Second)),
	}
	if apierrors.IsNotFound(err) {
		return e.Client.Create(ctx, lease)
	}
	return e.Client.Update(ctx, lease)
}

// ReportUsage does as if a server pod, which has a Lease, had counted its users
// and renewed the Lease with that.
func (e *Environment) ReportUsage(ctx context.Context, namespace, pod string, usage contract.Usage) error {
	lease := &coordinationv1.Lease{}
	if err := e.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: pod}, lease); err != nil {
		return err
	}
	lease.Annotations[contract.AnnotationUsage] = contract.EncodeUsage(usage)
	lease.Spec.RenewTime = ptr.To(metav1.NowMicro())
	return e.Client.Update(ctx, lease)
}

// StopPod does as if a server pod had ended.
func (e *Environment) StopPod(ctx context.Context, namespace, pod string) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod}}
	return client.IgnoreNotFound(e.Client.Delete(ctx, lease))
}
