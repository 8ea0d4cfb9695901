package replica

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/operand"

	"github.com/kubescim/kubescim/api/v1alpha1"
)

// leaseCall bounds one call about the Lease.
const leaseCall = 5 * time.Second

// keepLease writes the Lease whenever it is due or another version of the
// verifiers is accepted, and deletes it at the end.
func (r *Replica) keepLease(ctx context.Context, accepted <-chan string) {
	var version string
	due := time.NewTicker(operand.ReplicaLeaseRenewal)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			r.giveUpLease(context.WithoutCancel(ctx))
			return
		case version = <-accepted:
		case <-due.C:
		}
		if version == "" {
			continue // Nothing is accepted yet, so that nobody may count on this pod.
		}
		if err := r.writeLease(ctx, version); err != nil && ctx.Err() == nil {
			r.Log.Warn("writing the replica's Lease failed and is tried again", slog.Any("error", err))
		}
	}
}

// writeLease says that the pod is alive and accepts the keys of the version.
func (r *Replica) writeLease(ctx context.Context, version string) error {
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	lease := &coordinationv1.Lease{}
	err := r.Client.Get(ctx, r.leaseKey(), lease)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading it: %w", err)
	}
	missing := apierrors.IsNotFound(err)
	r.fillLease(lease, version)
	if missing {
		err = r.Client.Create(ctx, lease)
	} else {
		err = r.Client.Update(ctx, lease)
	}
	if err != nil {
		return fmt.Errorf("writing it: %w", err)
	}
	return nil
}

func (r *Replica) fillLease(lease *coordinationv1.Lease, version string) {
	lease.Namespace, lease.Name = r.Pod.Namespace, r.Pod.Name
	lease.Labels = map[string]string{v1alpha1.LabelTenant: r.Name, v1alpha1.LabelLease: v1alpha1.LeaseReplica}
	lease.Annotations = map[string]string{operand.AnnotationVerifiersVersion: version}
	lease.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Pod", Name: r.Pod.Name, UID: types.UID(r.Pod.UID),
	}}
	lease.Spec = coordinationv1.LeaseSpec{
		HolderIdentity:       &r.Pod.Name,
		LeaseDurationSeconds: ptr.To(int32(operand.ReplicaLeaseDuration.Seconds())),
		RenewTime:            ptr.To(metav1.NowMicro()),
	}
}

// giveUpLease deletes the Lease, so that nobody waits for this pod.
func (r *Replica) giveUpLease(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: r.Pod.Namespace, Name: r.Pod.Name}}
	if err := r.Client.Delete(ctx, lease); client.IgnoreNotFound(err) != nil {
		r.Log.Warn("giving up the replica's Lease failed; it ends by itself", slog.Any("error", err))
	}
}

func (r *Replica) leaseKey() client.ObjectKey {
	return client.ObjectKey{Namespace: r.Pod.Namespace, Name: r.Pod.Name}
}
