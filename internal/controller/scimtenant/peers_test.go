package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("Server pods that cannot reach each other", func() {
	It("show in the tenant's status until they can", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		complain := func(about string) {
			GinkgoHelper()
			Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-a")).To(Succeed())
			lease := &coordinationv1.Lease{}
			Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: tenant.Namespace, Name: "acme-scim-a"}, lease)).To(Succeed())
			if about != "" {
				lease.Annotations[contract.AnnotationUnreachablePeers] = about
			}
			Expect(env.Client.Update(ctx, lease)).To(Succeed())
		}
		complain("acme-scim-b")
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonPeersUnreachable),
			controllertest.Have(scimv1alpha1.ConditionReplicasConnected, metav1.ConditionFalse, scimv1alpha1.ReasonPeersUnreachable)))
		complain("")
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})
})
