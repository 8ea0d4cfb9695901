package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// configure starts the operator anew, with a template for hosts.
func configure(hostTemplate string, endpoint config.Endpoint) {
	GinkgoHelper()
	Expect(stopManager()).To(Succeed())
	configuration := config.Default()
	configuration.Endpoint, configuration.Endpoint.HostTemplate = endpoint, hostTemplate
	var err error
	stopManager, err = env.StartManager(controllertest.OperatorWith(configuration))
	Expect(err).NotTo(HaveOccurred())
}

func at(host string) types.GomegaMatcher { return HaveField("Status.URL", "https://"+host+"/scim/v2") }

var _ = Describe("A host by the operator's configuration", func() {
	const class = "chosen"
	elsewhere := config.Endpoint{
		TLS:     scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere},
		Ingress: scimv1alpha1.EndpointIngress{ClassName: class, Annotations: map[string]scimv1alpha1.IngressAnnotation{"example.com/by": "platform"}},
	}
	named := func(name string) func(*scimv1alpha1.ScimTenant) {
		return func(t *scimv1alpha1.ScimTenant) { t.Name = name }
	}
	BeforeEach(func(ctx context.Context) {
		newIngressClass(ctx, class, false)
		DeferCleanup(func() { configure("", config.Endpoint{}) })
	})

	It("is a tenant's that names none, and stays when the configuration changes", func(ctx context.Context) {
		before := newTenant(ctx, named("before"))
		becomeReady(ctx, before)
		configure("{tenant}.one.example.com", elsewhere)
		first := newTenant(ctx, named("first"), func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Path = "/api" })
		becomeReady(ctx, first)
		Expect(current(ctx, first)()).To(And(HaveField("Status.Host", "first.one.example.com"), HaveField("Status.URL", "https://first.one.example.com/api")))
		ingress, err := ingressOf(ctx, first)()
		Expect(err).NotTo(HaveOccurred())
		Expect(ingress.Spec.IngressClassName).To(HaveValue(Equal(class)))
		Expect(ingress.Spec.TLS).To(BeEmpty())
		Expect(ingress.Annotations).To(Equal(map[string]string{"example.com/by": "platform"}), "which authors of tenants may not ask for")
		Expect(operand.ByIngress(ingress).URL).To(Equal("https://first.one.example.com/api"))

		By("not publishing what is served inside the cluster, or wants to be")
		Expect(current(ctx, before)()).To(HaveField("Status.URL", HavePrefix("http://before-scim.")))
		Eventually(func() (string, error) {
			now, err := current(ctx, before)()
			return meta.FindStatusCondition(now.Status.Conditions, scimv1alpha1.ConditionEndpointAccepted).Message, err
		}).Should(ContainSubstring(`that of a new tenant would be "before.one.example.com"`))
		inside := newTenant(ctx, named("inside"), func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.HostPolicy = scimv1alpha1.HostPolicyNone })
		becomeReady(ctx, inside)
		Expect(current(ctx, inside)()).To(And(HaveField("Status.Host", BeEmpty()), HaveField("Status.URL", HavePrefix("http://inside-scim."))))
		Expect(findIngress(ctx, inside)()).To(BeNotFound())

		By("changing the template")
		version := ingress.ResourceVersion
		configure("{tenant}.two.example.com", elsewhere)
		second := newTenant(ctx, named("second"))
		becomeReady(ctx, second)
		Expect(current(ctx, second)()).To(at("second.two.example.com"))
		Expect(current(ctx, first)()).To(HaveField("Status.URL", "https://first.one.example.com/api"))
		Expect(ingressOf(ctx, first)()).To(HaveField("ResourceVersion", version))

		By("taking the template out, and how the hosts are published with it")
		configure("", config.Endpoint{})
		third := newTenant(ctx, named("third"))
		becomeReady(ctx, third)
		Expect(current(ctx, third)()).To(HaveField("Status.URL", HavePrefix("http://third-scim.")))
		Eventually(current(ctx, first)).Should(controllertest.BeStalled(scimv1alpha1.ReasonTLSRequired))
		Expect(ingressOf(ctx, first)()).To(HaveField("ResourceVersion", version), "what is published stays")
		configure("{tenant}.two.example.com", elsewhere)
		Eventually(current(ctx, first)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("moving a tenant to a host that its spec names, and leaving that to the template")
		change(ctx, first, withHost("named.chosen.example.com", class))
		Eventually(current(ctx, first)).Should(And(HaveField("Status.Host", BeEmpty()), HaveField("Status.URL", "https://named.chosen.example.com/api")))
		change(ctx, first, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint = scimv1alpha1.EndpointSpec{} })
		Eventually(current(ctx, first)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), at("first.two.example.com")))
		change(ctx, first, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.HostPolicy = scimv1alpha1.HostPolicyNone })
		Eventually(current(ctx, first)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.Host", BeEmpty()), HaveField("Status.URL", HavePrefix("http://"))))
		Expect(findIngress(ctx, first)()).To(BeNotFound())
	})

	It("belongs to the first tenant of a name, unless the template has the namespace", func(ctx context.Context) {
		configure("{tenant}.same.example.com", elsewhere)
		first := newTenant(ctx)
		becomeReady(ctx, first)
		second := newTenant(ctx)
		Eventually(current(ctx, second)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonHostConflict), HaveField("Status.URL", BeEmpty())))
		now, err := current(ctx, second)()
		Expect(err).NotTo(HaveOccurred())
		Expect(meta.FindStatusCondition(now.Status.Conditions, scimv1alpha1.ConditionReady).Message).To(ContainSubstring("put {namespace} into endpoint.hostTemplate"))
		Expect(findIngress(ctx, second)()).To(BeNotFound())

		By("putting the namespace into the template")
		configure("{tenant}-{namespace}.same.example.com", elsewhere)
		becomeReady(ctx, second)
		Expect(current(ctx, second)()).To(at("acme-" + second.Namespace + ".same.example.com"))
		Expect(current(ctx, first)()).To(at("acme.same.example.com"))
	})

	It("is not what the name of a tenant makes of another's", func(ctx context.Context) {
		holder := newTenant(ctx, withHost("login.names.example.com", class))
		becomeReady(ctx, holder)
		configure("{tenant}.names.example.com", elsewhere)
		thief := newTenant(ctx, named("login"))
		Eventually(current(ctx, thief)).Should(controllertest.BeStalled(scimv1alpha1.ReasonHostConflict))
		Consistently(publishersOf(ctx, "login.names.example.com")).Should(ConsistOf(holder.Namespace))

		By("being no DNS name")
		configure("{tenant}-{namespace}-"+"as-long-as-a-label-may-be-in-the-dns-at-the-most.example.com", elsewhere)
		long := newTenant(ctx)
		Eventually(current(ctx, long)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonHostInvalid), HaveField("Status.URL", BeEmpty()), HaveField("Status.Host", BeEmpty())))
		Expect(findIngress(ctx, long)()).To(BeNotFound())
		configure("{tenant}.names.example.com", elsewhere)
		becomeReady(ctx, long)
		Expect(current(ctx, long)()).To(at("acme.names.example.com"))
	})

	It("is of a tenant on a ScimServer without one, and is kept by a tenant that is moved to one with a host", func(ctx context.Context) {
		configure("{tenant}.shared.example.com", elsewhere)
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(at("acme.shared.example.com"))
		newSharedServer(ctx, tenant.Namespace, "plain")
		hosted := newTenant(ctx, in(tenant, "hosted"), withServerRef("plain"))
		Eventually(current(ctx, hosted)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded), at("hosted.shared.example.com"),
			HaveField("Status.Servers", ConsistOf(HaveField("Host", "hosted.shared.example.com")))))

		newSharedServer(ctx, tenant.Namespace, "published")
		server := &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "published"}}
		change(ctx, server, func(s *scimv1alpha1.ScimServer) {
			s.Spec.Endpoint = scimv1alpha1.ServerEndpointSpec{Host: "scim.shared.example.com", TLS: elsewhere.TLS, Ingress: scimv1alpha1.EndpointIngress{ClassName: class}}
		})
		Eventually(func() (string, error) {
			err := env.Client.Get(ctx, client.ObjectKeyFromObject(server), server)
			return server.Status.URL, err
		}).Should(Equal("https://scim.shared.example.com"))
		beside := newTenant(ctx, in(tenant, "beside"), withServerRef("published"))
		Eventually(current(ctx, beside)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.URL", "https://scim.shared.example.com/beside/scim/v2")))
		Expect(findIngress(ctx, beside)()).To(BeNotFound())

		newOwnPod(tenant)
		change(ctx, tenant, withServerRef("published"))
		Eventually(current(ctx, tenant), moves).Should(And(haveMoved, at("acme.shared.example.com")))
	})

	It("comes back to a tenant that is restored without its status, though the template has changed", func(ctx context.Context) {
		configure("{tenant}.restored.example.com", elsewhere)
		tenant := newTenant(ctx, named("restored"))
		becomeReady(ctx, tenant)
		Expect(stopManager()).To(Succeed())
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Finalizers = nil })
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		collect(ctx, tenant)
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Eventually(recordOf(ctx, "restored.restored.example.com")).Should(
			WithTransform(operand.GivenUpSince, Not(BeZero())))
		configure("{tenant}.changed.example.com", elsewhere)
		again := newTenant(ctx, in(tenant, "restored"))
		Eventually(current(ctx, again)).Should(at("restored.restored.example.com"))
		Expect(current(ctx, again)()).To(HaveField("Status.Host", "restored.restored.example.com"))
	})
})
