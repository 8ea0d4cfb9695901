package controller_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// TestAFailureWhoseTextVariesIsRetriedEverMoreSlowly has Services refused as a
// webhook does that tells the id of each request: no status is like the one before.
func TestAFailureWhoseTextVariesIsRetriedEverMoreSlowly(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	ctx := context.Background()
	env := startEnvironment(t)
	var refused atomic.Int32
	stop, err := env.StartManagerWith(controllertest.ManagerOptions{NewClient: refusing(&refused)}, controllertest.Operator)
	g.Expect(err).NotTo(HaveOccurred())
	atEnd(t, stop)

	namespace, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderEntra},
	}
	g.Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	g.Eventually(func() (*scimv1alpha1.ScimTenant, error) {
		return tenant, env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)
	}).Should(controllertest.Have(scimv1alpha1.ConditionReady, metav1.ConditionFalse, scimv1alpha1.ReasonReconcileFailed))

	// Each of the five objects that the tenant does get is an event; after those, there
	// are none but of the tenant's own status. Ten pauses, each twice as long as the
	// one before, take 5 s.
	g.Consistently(refused.Load, "3s").Should(BeNumerically("<", 20))
	g.Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
	g.Expect(tenant.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring("the id of this request is"))))
}

// refusing makes a client to which every Service is refused, and counts that.
func refusing(count *atomic.Int32) client.NewClientFunc {
	return func(config *rest.Config, options client.Options) (client.Client, error) {
		c, err := client.NewWithWatch(config, options)
		if err != nil {
			return nil, err
		}
		return interceptor.NewClient(c, interceptor.Funcs{
			Apply: func(ctx context.Context, c client.WithWatch, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
				if kind, ok := obj.(interface{ GetKind() string }); ok && kind.GetKind() == "Service" {
					return fmt.Errorf("admission webhook denied the request: the id of this request is %d", count.Add(1))
				}
				return c.Apply(ctx, obj, opts...)
			},
		}), nil
	}
}
