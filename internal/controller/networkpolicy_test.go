package controller_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// What isolates servers is the operator's configuration alone: it comes back as it was when somebody widens it
// or takes it away, and goes when the configuration says so.
func TestServersAreIsolated(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	g.SetDefaultConsistentlyDuration(time.Second)
	ctx := context.Background()
	env := startEnvironment(t)
	namespace, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	configuration := config.Default()
	configuration.NetworkPolicy.Enabled = true
	configuration.NetworkPolicy.Clients = []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{"kubernetes.io/metadata.name": "ingress-nginx"},
	}}}
	stop, err := env.StartManager(controllertest.OperatorWith(configuration))
	g.Expect(err).NotTo(HaveOccurred())
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "acme"}
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: meta, Spec: scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderGeneric}}
	server := &scimv1alpha1.ScimServer{ObjectMeta: meta}
	for _, object := range []client.Object{tenant, server} {
		g.Expect(env.Client.Create(ctx, object)).To(Succeed())
	}

	policies := map[string]operand.Server{"acme-scim": operand.DedicatedServer(tenant), "acme-scim-server": operand.SharedServer(server)}
	read := func(name string) (*networkingv1.NetworkPolicy, error) {
		policy := &networkingv1.NetworkPolicy{}
		return policy, env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, policy)
	}
	made := map[string]networkingv1.NetworkPolicySpec{}
	for name, server := range policies {
		g.Eventually(func() error { _, err := read(name); return err }).Should(Succeed())
		policy, _ := read(name)
		g.Expect(policy.Spec.PodSelector.MatchLabels).To(Equal(server.Selector))
		g.Expect(policy.Spec.Ingress[0].From).To(Equal(configuration.NetworkPolicy.Clients))
		g.Expect(policy.OwnerReferences).To(ConsistOf(HaveField("Kind", server.Owner.Kind)))
		made[name] = policy.Spec
	}
	asMade := func(name string) {
		t.Helper()
		g.Eventually(func() any { policy, _ := read(name); return policy.Spec }).Should(Equal(made[name]))
	}

	for name := range policies {
		for _, strip := range []func(*networkingv1.NetworkPolicy){
			func(policy *networkingv1.NetworkPolicy) { policy.Labels = nil },
			func(policy *networkingv1.NetworkPolicy) { policy.OwnerReferences = nil },
		} {
			widened, err := read(name)
			g.Expect(err).NotTo(HaveOccurred())
			widened.Spec.Ingress[0].From = nil
			strip(widened)
			g.Expect(env.Client.Update(ctx, widened)).To(Succeed())
			asMade(name)
		}
		policy, err := read(name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(policy.OwnerReferences).To(HaveLen(1))
		g.Expect(policy.Labels).To(Equal(policies[name].Labels()))
		g.Expect(env.Client.Delete(ctx, policy)).To(Succeed())
		asMade(name)
	}
	g.Expect(stop()).To(Succeed())

	theirs := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default-deny"}}
	g.Expect(env.Client.Create(ctx, theirs)).To(Succeed())
	stop, err = env.StartManager(controllertest.Operator)
	g.Expect(err).NotTo(HaveOccurred())
	atEnd(t, stop)
	for name := range policies {
		g.Eventually(func() bool { _, err := read(name); return apierrors.IsNotFound(err) }).Should(BeTrue(), name)
	}
	g.Consistently(func() error { _, err := read(theirs.Name); return err }).Should(Succeed())
}
