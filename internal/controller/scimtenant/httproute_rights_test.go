package scimtenant_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("HTTPRoutes that the operator may not read", Ordered, Serial, func() {
	BeforeAll(func() {
		Eventually(env.InstallGatewayAPI).Should(Succeed(), "what is still being deleted cannot be installed")
	})
	AfterAll(func() { Expect(env.RemoveGatewayAPI()).To(Succeed()) })

	It("are no reason to keep anybody from an Ingress", func(ctx context.Context) {
		newIngressClass(ctx, "unread", false)
		role := &rbacv1.ClusterRole{}
		Expect(env.Client.Get(ctx, client.ObjectKey{Name: "kubescim"}, role)).To(Succeed())
		rules := role.DeepCopy().Rules
		ruling := func(ctx context.Context, rules []rbacv1.PolicyRule) error {
			if err := env.Client.Get(ctx, client.ObjectKeyFromObject(role), role); err != nil {
				return err
			}
			role.Rules = rules
			return env.Client.Update(ctx, role)
		}
		restart := func() {
			GinkgoHelper()
			Expect(stopManager()).To(Succeed())
			var err error
			stopManager, err = env.StartManager(controllertest.Operator)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(ruling(ctx, slices.DeleteFunc(slices.Clone(rules), func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.Resources, "httproutes") }))).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			Expect(ruling(ctx, rules)).To(Succeed())
			restart()
		})
		restart()

		asking := newTenant(ctx, withRoute("unread.example.com", "public"))
		Eventually(current(ctx, asking)).Should(HaveField("Status.Conditions", ContainElement(And(
			HaveField("Type", scimv1alpha1.ConditionReady), HaveField("Message", ContainSubstring("which the operator must be allowed to get, list, watch, create, patch and delete"))))))
		tenant := newTenant(ctx, withHost("unreada.example.com", "unread"))
		becomeReady(ctx, tenant)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Host = "unreadb.example.com" })
		Eventually(current(ctx, tenant)).Should(And(HaveField("Status.URL", "https://unreadb.example.com/scim/v2"), controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		Expect(recordOf(ctx, "unreada.example.com")()).To(WithTransform(operand.GivenUpSince, BeZero()), "an HTTPRoute may still publish it")
	})
})
