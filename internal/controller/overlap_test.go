package controller_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// TestTwoOperatorsOfOneTenantDoNotRollItOutWithoutEnd has two installations watch
// one namespace, each with its own image, and without a Lease in common.
func TestTwoOperatorsOfOneTenantDoNotRollItOutWithoutEnd(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	ctx := context.Background()
	env := startEnvironment(t)
	// Each installation has a policy of its own, which is about its own ServiceAccount;
	// here both run as one.
	g.Expect(env.ReleaseOperator(ctx)).To(Succeed())
	for _, image := range []string{"registry.example.com/kubescim:1", "registry.example.com/kubescim:2"} {
		stop, err := env.StartManager(func(ctx context.Context, mgr ctrl.Manager) error {
			return controller.Setup(ctx, mgr, controller.Options{ServerImage: image, Workers: 1, Config: config.Default(), Metrics: prometheus.NewRegistry()})
		})
		g.Expect(err).NotTo(HaveOccurred())
		atEnd(t, stop)
	}

	namespace, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderEntra},
	}
	g.Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	g.Eventually(func() (*scimv1alpha1.ScimTenant, error) {
		return tenant, env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)
	}).Should(controllertest.BeStalled(scimv1alpha1.ReasonObjectContested))
	// Five times at once by each of them, and then once a minute.
	g.Consistently(func() (int64, error) {
		deployment := &appsv1.Deployment{}
		err := env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: operand.Name(tenant.Name)}, deployment)
		return deployment.Generation, err
	}, "5s").Should(BeNumerically("<", 20))
}
