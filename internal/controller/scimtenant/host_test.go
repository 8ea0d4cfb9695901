package scimtenant_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// publishersOf returns the namespaces of the Ingresses that are for a host.
func publishersOf(ctx context.Context, host string) func() ([]string, error) {
	return func() ([]string, error) {
		ingresses := &networkingv1.IngressList{}
		err := env.Client.List(ctx, ingresses)
		var namespaces []string
		for i := range ingresses.Items {
			if slices.Contains(operand.ByIngress(&ingresses.Items[i]).Hosts, host) {
				namespaces = append(namespaces, ingresses.Items[i].Namespace)
			}
		}
		return namespaces, err
	}
}

// forget deletes the record of who holds a host.
func forget(ctx context.Context, host string) {
	GinkgoHelper()
	Expect(env.Client.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: controllertest.OperatorNamespace, Name: operand.HostRecordName(host),
	}})).To(Succeed())
}

// recordOf returns a function that reads the record of who holds a host.
func recordOf(ctx context.Context, host string) func() (*corev1.ConfigMap, error) {
	return func() (*corev1.ConfigMap, error) {
		record := &corev1.ConfigMap{}
		return record, env.Client.Get(ctx, client.ObjectKey{
			Namespace: controllertest.OperatorNamespace, Name: operand.HostRecordName(host),
		}, record)
	}
}

// longAgo waits until a host is given up, and lets that be for longer than a host is
// reserved.
func longAgo(ctx context.Context, host string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		record, err := recordOf(ctx, host)()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(operand.GivenUpSince(record)).NotTo(BeZero())
		operand.GiveUp(record, time.Now().Add(-config.Default().Servers.Absence.Duration))
		g.Expect(env.Client.Update(ctx, record)).To(Succeed())
	}).Should(Succeed())
}

// collect does what the garbage collector does in a cluster.
func collect(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
	GinkgoHelper()
	Expect(env.Client.Delete(ctx, &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Namespace: tenant.Namespace, Name: operand.Name(tenant.Name),
	}})).To(Succeed())
}

// refuseIngresses lets the API server refuse every Ingress for a host, until undo.
func refuseIngresses(ctx context.Context, host string) (undo func()) {
	GinkgoHelper()
	name := "refuse-" + host
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{"networking.k8s.io"}, APIVersions: []string{"v1"}, Resources: []string{"ingresses"}},
				},
			}}},
			Validations: []admissionregistrationv1.Validation{{Expression: fmt.Sprintf("object.spec.rules.all(r, r.host != '%s')", host)}},
		},
	}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}
	Expect(env.Client.Create(ctx, policy)).To(Succeed())
	Expect(env.Client.Create(ctx, binding)).To(Succeed())
	probe := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix), Backend: networkingv1.IngressBackend{
					Service: &networkingv1.IngressServiceBackend{Name: "a", Port: networkingv1.ServiceBackendPort{Number: 80}},
				},
			}}},
		}}}},
	}
	Eventually(func() error { return env.Client.Create(ctx, probe.DeepCopy(), client.DryRunAll) }).ShouldNot(Succeed())
	undo = sync.OnceFunc(func() {
		Expect(env.Client.Delete(ctx, binding)).To(Succeed())
		Expect(env.Client.Delete(ctx, policy)).To(Succeed())
		Eventually(func() error { return env.Client.Create(ctx, probe.DeepCopy(), client.DryRunAll) }).Should(Succeed())
	})
	return undo
}

var _ = Describe("A host", func() {
	const class = "hosts"
	conflict := controllertest.BeStalled(scimv1alpha1.ReasonHostConflict)
	message := func(tenant *scimv1alpha1.ScimTenant) string {
		return meta.FindStatusCondition(tenant.Status.Conditions, scimv1alpha1.ConditionReady).Message
	}
	moveTo := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant, host string) {
		GinkgoHelper()
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Host = host })
	}
	BeforeEach(func(ctx context.Context) { newIngressClass(ctx, class, false) })

	It("belongs to the tenant that publishes it, until that has given it up", func(ctx context.Context) {
		first := newTenant(ctx, withHost("held.example.com", class))
		becomeReady(ctx, first)
		second := newTenant(ctx, withHost("held.example.com", class))
		Eventually(current(ctx, second)).Should(And(conflict, HaveField("Status.URL", BeEmpty())))
		now, err := current(ctx, second)()
		Expect(err).NotTo(HaveOccurred())
		Expect(message(now)).NotTo(ContainSubstring(first.Namespace), "the message tells who the holder is")
		Expect(message(now)).To(ContainSubstring("set spec.endpoint.host to another host"))

		By("giving it up for another one")
		moveTo(ctx, first, "moved.example.com")
		longAgo(ctx, "held.example.com")
		becomeReady(ctx, second)
		Expect(publishersOf(ctx, "held.example.com")()).To(ConsistOf(second.Namespace))

		By("asking for it again: the older tenant has no better right")
		moveTo(ctx, first, "held.example.com")
		Eventually(current(ctx, first)).Should(And(conflict, HaveField("Status.URL", "https://moved.example.com/scim/v2")))
		Consistently(publishersOf(ctx, "held.example.com")).Should(ConsistOf(second.Namespace))
		Expect(publishersOf(ctx, "moved.example.com")()).To(ConsistOf(first.Namespace), "what was published goes on")
		Expect(current(ctx, second)()).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("deleting the holder")
		Expect(env.Client.Delete(ctx, second)).To(Succeed())
		Eventually(func() error { _, err := current(ctx, second)(); return err }).Should(BeNotFound())
		Consistently(publishersOf(ctx, "held.example.com")).Should(ConsistOf(second.Namespace))
		collect(ctx, second)
		longAgo(ctx, "held.example.com")
		becomeReady(ctx, first)
		Expect(publishersOf(ctx, "held.example.com")()).To(ConsistOf(first.Namespace))
	})

	It("stays with a tenant that asks for another one until that one is published", func(ctx context.Context) {
		undo := refuseIngresses(ctx, "unwritable.example.com")
		defer undo()
		alpha := newTenant(ctx, withHost("one.example.com", class))
		becomeReady(ctx, alpha)
		moveTo(ctx, alpha, "unwritable.example.com")
		Eventually(current(ctx, alpha)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonObjectInvalid), // which is how a policy refuses
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonObjectInvalid),
			HaveField("Status.URL", "https://one.example.com/scim/v2")))

		beta := newTenant(ctx, withHost("one.example.com", class))
		Eventually(current(ctx, beta)).Should(conflict)
		Consistently(publishersOf(ctx, "one.example.com")).Should(ConsistOf(alpha.Namespace))

		undo()
		change(ctx, alpha, func(t *scimv1alpha1.ScimTenant) { t.Spec.DisplayName = "Alpha" })
		becomeReady(ctx, alpha)
		longAgo(ctx, "one.example.com")
		becomeReady(ctx, beta)
		Expect(publishersOf(ctx, "one.example.com")()).To(ConsistOf(beta.Namespace))
		Expect(publishersOf(ctx, "unwritable.example.com")()).To(ConsistOf(alpha.Namespace))
	})

	It("is published once, however many ask for it and whoever reconciles them", func(ctx context.Context) {
		other, err := env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(other()).To(Succeed()) }()
		var tenants [8]*scimv1alpha1.ScimTenant
		var asking sync.WaitGroup
		for i := range tenants {
			asking.Go(func() {
				defer GinkgoRecover()
				tenants[i] = newTenant(ctx, withHost("rush.example.com", class))
			})
		}
		asking.Wait()
		Eventually(publishersOf(ctx, "rush.example.com")).Should(HaveLen(1))
		holder, err := publishersOf(ctx, "rush.example.com")()
		Expect(err).NotTo(HaveOccurred())
		for _, tenant := range tenants {
			if tenant.Namespace != holder[0] {
				Eventually(current(ctx, tenant)).Should(conflict)
			}
		}
		Consistently(publishersOf(ctx, "rush.example.com")).Should(Equal(holder))
	})

	It("stays with who publishes it when there is no record of that", func(ctx context.Context) {
		// As after an upgrade from before there were records: the older tenant asks for
		// the host and does not have it.
		older := newTenant(ctx)
		younger := newTenant(ctx, withHost("legacy.example.com", class))
		becomeReady(ctx, younger)
		Expect(stopManager()).To(Succeed())
		forget(ctx, "legacy.example.com")
		change(ctx, older, withHost("legacy.example.com", class))
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Eventually(current(ctx, older)).Should(conflict)
		Eventually(recordOf(ctx, "legacy.example.com")).Should(
			WithTransform(operand.HolderOf, Equal(operand.TenantOwner(younger).Holder())))
		Consistently(publishersOf(ctx, "legacy.example.com")).Should(ConsistOf(younger.Namespace))
	})

	It("is published once after all when two publish it", func(ctx context.Context) {
		first := newTenant(ctx, withHost("twice.example.com", class))
		becomeReady(ctx, first)
		second := newTenant(ctx, withHost("once.example.com", class))
		becomeReady(ctx, second)
		Expect(stopManager()).To(Succeed())
		for _, host := range []string{"twice.example.com", "once.example.com"} {
			forget(ctx, host)
		}
		ingress, err := ingressOf(ctx, second)()
		Expect(err).NotTo(HaveOccurred())
		ingress.Spec.Rules[0].Host = "twice.example.com"
		Expect(env.Client.Update(ctx, ingress)).To(Succeed())
		change(ctx, second, withHost("twice.example.com", class))
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Eventually(publishersOf(ctx, "twice.example.com")).Should(HaveLen(1))
		Consistently(publishersOf(ctx, "twice.example.com")).Should(HaveLen(1))
		holder, err := publishersOf(ctx, "twice.example.com")()
		Expect(err).NotTo(HaveOccurred())
		loser := first // the older Ingress keeps the host; of equally old ones, the name decides
		if holder[0] == first.Namespace {
			loser = second
		}
		Eventually(current(ctx, loser)).Should(conflict)
	})

	It("is given up by a tenant that is gone for good while the operator was away", func(ctx context.Context) {
		gone := newTenant(ctx, withHost("away.example.com", class))
		becomeReady(ctx, gone)
		Expect(stopManager()).To(Succeed())
		change(ctx, gone, func(t *scimv1alpha1.ScimTenant) { t.Finalizers = nil })
		Expect(env.Client.Delete(ctx, gone)).To(Succeed())
		collect(ctx, gone)
		next := newTenant(ctx, withHost("away.example.com", class))
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Eventually(current(ctx, next)).Should(conflict)
		longAgo(ctx, "away.example.com")
		becomeReady(ctx, next)
	})

	It("is not published in the clear", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("clear.example.com", class), func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{}
		})
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonTLSRequired), HaveField("Status.URL", BeEmpty())))
		Consistently(findIngress(ctx, tenant)).Should(BeNotFound())
	})
})
