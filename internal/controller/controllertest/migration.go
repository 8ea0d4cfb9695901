package controllertest

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
)

// AcceptAsBefore does as if a server pod of the release before were alive and used the
// verifiers Secret as it is now.
func (e *Environment) AcceptAsBefore(ctx context.Context, namespace, tenant, pod string) error {
	version := contract.NoVerifiers
	secret := &corev1.Secret{}
	err := e.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: contract.VerifiersName(tenant)}, secret)
	switch {
	case err == nil:
		version = secret.ResourceVersion
	case !apierrors.IsNotFound(err):
		return err
	}
	annotations := map[string]string{contract.AnnotationVerifiersVersion: version}
	return e.keepLease(ctx, namespace, tenant, pod, annotations, time.Now())
}
