package running

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/operand"
)

// Exists reports whether there is a server, or something of it: its ServiceAccount is the first of its
// objects to come and the last one to go, and while somebody has deleted that, there is its Deployment.
// left is true if one is still there of the server of an earlier owner of the name.
func (k *Keeper) Exists(ctx context.Context, s *Server) (exists, left bool, err error) {
	for _, obj := range []client.Object{&corev1.ServiceAccount{}, &appsv1.Deployment{}} {
		err := k.Client.Get(ctx, types.NamespacedName{Namespace: s.Namespace(), Name: s.Name}, obj)
		if client.IgnoreNotFound(err) != nil {
			return false, false, fmt.Errorf("reading whether there is a %T %s: %w", obj, s.Name, err)
		}
		if err == nil {
			left = left || s.Owner.Left(obj)
			exists = exists || s.Owner.Made(obj) && !s.Owner.Left(obj)
		}
	}
	return exists, left, nil
}

// HasService reports whether there is a Service of the server.
func (k *Keeper) HasService(ctx context.Context, s *Server) (bool, error) {
	service, err := k.service(ctx, s)
	return service != nil, err
}

// service reads the Service of the server; nil when there is none.
func (k *Keeper) service(ctx context.Context, s *Server) (*corev1.Service, error) {
	service := &corev1.Service{}
	err := k.Client.Get(ctx, types.NamespacedName{Namespace: s.Namespace(), Name: s.Name}, service)
	if err := client.IgnoreNotFound(err); err != nil {
		return nil, fmt.Errorf("reading whether there is a Service %s: %w", s.Name, err)
	}
	if service.Name == "" || !s.Owner.Made(service) || s.Owner.Left(service) { // It stays empty when there is none.
		return nil, nil
	}
	return service, nil
}

// ApplyService applies the server's Service alone.
func (k *Keeper) ApplyService(ctx context.Context, s *Server) error {
	return k.apply(ctx, s, operand.Service(s.Server))
}

// Remove deletes the objects of a server that is not wanted any more, but for its Service, and
// returns what is still to be waited for; nothing once they are gone. What its pods may do, and
// know, goes when none of them is left.
func (k *Keeper) Remove(ctx context.Context, s *Server) (waiting string, err error) {
	for _, step := range []func(context.Context, *Server) (string, error){k.Stop, k.Ended} {
		if waiting, err := step(ctx, s); err != nil || waiting != "" {
			return waiting, err
		}
	}
	if err := k.removeSigning(ctx, s); err != nil {
		return "", err
	}
	named := metav1.ObjectMeta{Namespace: s.Namespace(), Name: s.Name}
	for _, obj := range []client.Object{
		&policyv1.PodDisruptionBudget{ObjectMeta: named}, &networkingv1.NetworkPolicy{ObjectMeta: named},
		&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named},
		&rbacv1.RoleBinding{ObjectMeta: named}, &rbacv1.Role{ObjectMeta: named}, &corev1.ServiceAccount{ObjectMeta: named},
	} {
		if err := k.Applier.Delete(ctx, s.Owner, obj); err != nil {
			return "", err
		}
	}
	return "", nil
}

// removeSigning deletes the keys that access tokens are signed with.
func (k *Keeper) removeSigning(ctx context.Context, s *Server) error {
	secret, _, err := k.readSigning(ctx, s.Server)
	if err != nil || secret == nil {
		return err
	}
	err = k.Live.Delete(ctx, secret, client.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting Secret %s: %w", secret.Name, err)
	}
	k.signings.forget(s.Owner.UID)
	return nil
}
