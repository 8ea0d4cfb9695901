package scimtenant_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// targetOf reads which port of pods the tenant's own Service leads to.
func targetOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (string, error) {
	return func() (string, error) {
		service := &corev1.Service{}
		if err := env.Client.Get(ctx, key(tenant), service); err != nil {
			return "", err
		}
		return service.Spec.Ports[0].TargetPort.String(), nil
	}
}

// portClaims reads the names of the claims of ports in the tenant's namespace, and who holds them.
func portClaims(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		claims, holders := &coordinationv1.LeaseList{}, map[string]string{}
		err := env.Client.List(ctx, claims, client.InNamespace(tenant.Namespace), client.MatchingLabels(operand.PortClaimLabels()))
		for _, claim := range claims.Items {
			holders[claim.Name] = *claim.Spec.HolderIdentity
		}
		return holders, err
	}
}

// portOf is the port that a tenant has at the server with its traffic.
func portOf(t *scimv1alpha1.ScimTenant) int32 { return t.Status.Servers[0].Port }

var _ = Describe("A tenant that is moved with its own Service", func() {
	It("has a port for itself at the ScimServer, whoever comes at the same time, for as long as it is there", func(ctx context.Context) {
		first := newTenant(ctx)
		tenants := []*scimv1alpha1.ScimTenant{first, newTenant(ctx, in(first, "globex")), newTenant(ctx, in(first, "initech"))}
		for _, tenant := range tenants {
			becomeReady(ctx, tenant)
			newOwnPod(tenant)
		}
		born := newTenant(ctx, in(first, "born"), withServerRef("shared"))
		newSharedServer(ctx, first.Namespace, "shared")
		for _, tenant := range tenants {
			change(ctx, tenant, withServerRef("shared"))
		}
		ports := map[int32]string{}
		for _, tenant := range tenants {
			Eventually(current(ctx, tenant), moves).Should(haveList("shared Memory"))
			now, err := current(ctx, tenant)()
			Expect(err).NotTo(HaveOccurred())
			ports[portOf(now)] = tenant.Name
			Expect(targetOf(ctx, tenant)()).To(Equal(fmt.Sprint(portOf(now))))
			Expect(portClaims(ctx, tenant)()).To(HaveKeyWithValue(fmt.Sprintf("shared-scim-server-port-%d", portOf(now)), tenant.Name))
		}
		Expect(slices.Sorted(maps.Keys(ports))).To(Equal([]int32{10000, 10001, 10002}), "each has one, and the first ones that are free")
		Eventually(current(ctx, born)).Should(And(haveList("shared Memory"), WithTransform(portOf, BeZero())), "it has no Service of its own")

		By("having it again when its status has lost it, by the claim")
		Eventually(func() error {
			now, err := current(ctx, first)()
			if err != nil {
				return err
			}
			now.Status.Servers[0].Port = 0
			return env.Client.Status().Update(ctx, now)
		}).Should(Succeed())
		Eventually(current(ctx, first)).Should(And(haveList("shared Memory"),
			WithTransform(func(t *scimv1alpha1.ScimTenant) string { return ports[portOf(t)] }, Equal("acme"))))
		Eventually(func(g Gomega) {
			target, err := targetOf(ctx, first)()
			g.Expect(err).NotTo(HaveOccurred())
			port, err := strconv.Atoi(target)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(ports).To(HaveKeyWithValue(int32(port), "acme"))
		}).Should(Succeed())
	})
})
