package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// availabilityInterval is how often the watched namespaces are looked at.
const availabilityInterval = 15 * time.Second

// namespaceAvailable is 1 for each watched namespace in which the operator can
// work, and 0 for each that is missing or in which it has no rights.
var namespaceAvailable = prometheus.NewGaugeVec(prometheus.GaugeOpts{
	Name: "kubescim_watched_namespace_available",
	Help: "Whether the operator can work in a watched namespace: 1, or 0 when the namespace or the operator's rights in it are missing.",
}, []string{"namespace"})

func init() { metrics.Registry.MustRegister(namespaceAvailable) }

// availability reports, in the log and as a metric, in which of the watched
// namespaces the operator can work. The informers find that out by themselves, and
// take up a namespace that appears later.
type availability struct {
	live       client.Client
	namespaces []string
	// reported is what is wrong with each namespace, as it was reported last.
	reported map[string]string
}

// NeedLeaderElection makes every replica report.
func (a *availability) NeedLeaderElection() bool { return false }

// Start looks at the namespaces until the operator ends.
func (a *availability) Start(ctx context.Context) error {
	ticker := time.NewTicker(availabilityInterval)
	defer ticker.Stop()
	for {
		a.look(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *availability) look(ctx context.Context) {
	for _, namespace := range a.namespaces {
		wrong, err := obstacleIn(ctx, a.live, namespace)
		if err != nil {
			log.FromContext(ctx).Error(err, "Asking whether a watched namespace can be worked in", "namespace", namespace)
			continue
		}
		a.report(ctx, namespace, wrong)
	}
}

// report reports what is wrong with a namespace, if that has changed.
func (a *availability) report(ctx context.Context, namespace, wrong string) {
	last, known := a.reported[namespace]
	if known && last == wrong {
		return
	}
	if a.reported == nil {
		a.reported = map[string]string{}
	}
	a.reported[namespace] = wrong
	logger := log.FromContext(ctx).WithValues("namespace", namespace)
	if wrong == "" {
		namespaceAvailable.WithLabelValues(namespace).Set(1)
		logger.Info("Working in a watched namespace")
		return
	}
	namespaceAvailable.WithLabelValues(namespace).Set(0)
	logger.Error(nil, "Skipping a watched namespace until that changes", "reason", wrong)
}

// obstacleIn returns why the operator cannot work in a namespace; nothing if it can.
func obstacleIn(ctx context.Context, live client.Client, namespace string) (string, error) {
	err := live.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})
	if apierrors.IsNotFound(err) {
		return "the namespace does not exist", nil
	}
	// The right to read namespaces may be missing: what counts is asked next.
	if err != nil && !apierrors.IsForbidden(err) {
		return "", fmt.Errorf("reading namespace %s: %w", namespace, err)
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "list", Group: "apps", Resource: "deployments",
		},
	}}
	if err := live.Create(ctx, review); err != nil {
		return "", fmt.Errorf("asking for the operator's rights in namespace %s: %w", namespace, err)
	}
	if !review.Status.Allowed {
		return "the operator has no rights in it: its RoleBinding is missing", nil
	}
	return "", nil
}
