package scimserver_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

const (
	yes = metav1.ConditionTrue
	no  = metav1.ConditionFalse
)

func beNotFound() types.GomegaMatcher { return Satisfy(apierrors.IsNotFound) }

func withHost(host string) func(*scimv1alpha1.ScimServer) {
	return func(s *scimv1alpha1.ScimServer) {
		s.Spec.Endpoint.Host = host
		s.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere}
		s.Spec.Endpoint.Ingress.ClassName = "nginx"
	}
}

func withOwnHost(host string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Endpoint.Host = host
		t.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere}
		t.Spec.Endpoint.Ingress.ClassName = "nginx"
	}
}

func ingressOf(ctx context.Context, namespace, name string) func() (*networkingv1.Ingress, error) {
	return func() (*networkingv1.Ingress, error) {
		ingress := &networkingv1.Ingress{}
		return ingress, env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, ingress)
	}
}

var _ = Describe("A ScimServer", Ordered, func() {
	BeforeAll(func(ctx context.Context) {
		Expect(env.Client.Create(ctx, &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: "nginx"}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/ingress"},
		})).To(Succeed())
	})

	It("runs one server for its tenants, which have none of their own and are Ready once all replicas have them", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		server := newServer(ctx, namespace)
		acme, globex := newTenant(ctx, namespace, "acme"), newTenant(ctx, namespace, "globex")
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-1", "acme")
		host(ctx, namespace, "shared-0", "acme", "globex")
		Eventually(current(ctx, acme)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Eventually(current(ctx, globex)).Should(controllertest.BeReconciling(scimv1alpha1.ReasonAttaching))
		Expect(current(ctx, globex)()).To(HaveField("Status.Servers", Equal([]scimv1alpha1.TenantServer{
			{Name: "shared-scim-server", Mode: scimv1alpha1.HostingModeMemory},
		})))
		host(ctx, namespace, "shared-1", "acme", "globex")
		Eventually(current(ctx, globex)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.URL", "http://shared-scim-server."+namespace+".svc/globex/scim/v2"),
			HaveField("Status.Users", Equal(ptr.To[int32](3)))))
		Eventually(current(ctx, server)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.Tenants", Equal(ptr.To[int32](2))), HaveField("Status.ServerReplicas", "2/2"),
			HaveField("Status.URL", "http://shared-scim-server."+namespace+".svc")))

		deployment := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "shared-scim-server"}, deployment)).To(Succeed())
		Expect(deployment.Spec.Template.Spec.Containers[0].Args).To(ContainElement("--server=shared"))
		role := &rbacv1.Role{}
		Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "shared-scim-server"}, role)).To(Succeed())
		Expect(role.Rules).To(ContainElement(And(HaveField("Resources", ConsistOf("scimtenants")),
			HaveField("ResourceNames", BeEmpty()), HaveField("Verbs", ConsistOf("get", "list", "watch")))))
		for _, object := range []client.Object{
			&appsv1.Deployment{}, &corev1.Service{}, &corev1.ServiceAccount{}, &rbacv1.Role{}, &rbacv1.RoleBinding{}, &policyv1.PodDisruptionBudget{},
		} {
			Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme-scim"}, object)).To(beNotFound())
		}
		Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme-scim-signing"}, &corev1.Secret{})).To(beNotFound())
		Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "shared-scim-server-signing"}, &corev1.Secret{})).To(Succeed())
	})

	It("is missed by its tenants while it is not there, stays while it has any, and takes nothing away when it goes", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		tenant := newTenant(ctx, namespace, "acme")
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound), HaveField("Status.Servers", BeEmpty()), HaveField("Status.URL", BeEmpty())))
		server := newServer(ctx, namespace)
		Eventually(current(ctx, tenant)).Should(controllertest.Have(scimv1alpha1.ConditionServerAvailable, no, scimv1alpha1.ReasonServerNotReady))
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-0", "acme")
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		Expect(env.Client.Delete(ctx, server, client.PropagationPolicy(metav1.DeletePropagationForeground))).To(Succeed())
		Eventually(current(ctx, server)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonHasTenants), WithTransform(readyMessage, ContainSubstring(`ScimTenants "acme"; change spec.serverRef`)),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, yes, scimv1alpha1.ReasonSucceeded),
			HaveField("Finalizers", ConsistOf(scimv1alpha1.Finalizer))))
		Consistently(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		name := client.ObjectKey{Namespace: namespace, Name: "shared-scim-server"}
		Expect(env.Client.Delete(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}})).To(Succeed())
		Eventually(func() error { return env.Client.Get(ctx, name, &corev1.Service{}) }).Should(Succeed(), "it is kept running")

		By("taking no tenant that it does not have yet")
		late := newTenant(ctx, namespace, "globex")
		Eventually(current(ctx, late)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound), HaveField("Status.Servers", BeEmpty())))

		By("going when that is said to be meant")
		Eventually(func() error {
			now, err := current(ctx, server)()
			if err != nil {
				return err
			}
			metav1.SetMetaDataAnnotation(&now.ObjectMeta, scimv1alpha1.AnnotationAbandonTenants, "true")
			return env.Client.Update(ctx, now)
		}).Should(Succeed())
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound))
		Eventually(func() error { return env.Client.Get(ctx, client.ObjectKeyFromObject(server), server) }).Should(beNotFound())
		Expect(current(ctx, tenant)()).To(HaveField("DeletionTimestamp", BeNil()))
	})

	It("that is to be deleted goes with its last tenant, and with its namespace", func(ctx context.Context) {
		namespaces := []string{newNamespace(ctx), newNamespace(ctx)}
		var servers []*scimv1alpha1.ScimServer
		var tenants []*scimv1alpha1.ScimTenant
		for _, namespace := range namespaces {
			servers = append(servers, newServer(ctx, namespace))
			tenants = append(tenants, newTenant(ctx, namespace, "acme"))
			rollOut(ctx, namespace)
			host(ctx, namespace, "shared-0", "acme")
			Eventually(current(ctx, tenants[len(tenants)-1])).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
			Expect(env.Client.Delete(ctx, servers[len(servers)-1])).To(Succeed())
			Eventually(current(ctx, servers[len(servers)-1])).Should(controllertest.BeStalled(scimv1alpha1.ReasonHasTenants))
		}
		Expect(env.Client.Delete(ctx, tenants[0])).To(Succeed())
		Expect(env.Client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaces[1]}})).To(Succeed())
		for _, server := range servers {
			Eventually(func() error {
				return env.Client.Get(ctx, client.ObjectKeyFromObject(server), &scimv1alpha1.ScimServer{})
			}).Should(beNotFound())
		}
	})

	It("says why it cannot serve a tenant, as its pods do", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		newServer(ctx, namespace)
		tenant := newTenant(ctx, namespace, "acme")
		rollOut(ctx, namespace)
		Expect(env.HostTenants(ctx, namespace, "shared", "shared-0", broken("acme", "a group cannot be read"))).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, no, scimv1alpha1.ReasonNotServed),
			WithTransform(message, ContainSubstring("a group cannot be read"))))
	})

	It("has a host for its tenants, and these have hosts of their own", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		server := newServer(ctx, namespace, withHost(namespace+".example.com"))
		byPath := newTenant(ctx, namespace, "acme")
		byHost := newTenant(ctx, namespace, "globex", withOwnHost("globex."+namespace+".example.com"))
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-0", "acme", "globex", "initech")
		Eventually(current(ctx, byPath)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.URL", "https://"+namespace+".example.com/acme/scim/v2")))
		Eventually(current(ctx, byHost)).Should(And(HaveField("Status.URL", "https://globex."+namespace+".example.com/scim/v2"),
			HaveField("Status.Servers", ConsistOf(HaveField("Host", "globex."+namespace+".example.com")))))
		Eventually(ingressOf(ctx, namespace, "globex-scim")).Should(HaveField("Spec.Rules",
			ConsistOf(HaveField("HTTP.Paths", ContainElement(HaveField("Backend.Service.Name", "shared-scim-server"))))))
		Eventually(ingressOf(ctx, namespace, "shared-scim-server")).Should(HaveField("Spec.Rules",
			ConsistOf(And(HaveField("Host", namespace+".example.com"), HaveField("HTTP.Paths", ConsistOf(HaveField("Path", "/")))))))

		By("giving nobody the requests for the server's host")
		thief := newTenant(ctx, namespace, "initech", withOwnHost(namespace+".example.com"))
		Eventually(current(ctx, thief)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, no, scimv1alpha1.ReasonHostConflict),
			HaveField("Status.URL", BeEmpty()), HaveField("Status.Servers", ConsistOf(HaveField("Host", BeEmpty())))))
		Expect(current(ctx, server)()).To(controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, yes, scimv1alpha1.ReasonSucceeded))
	})

	It("hands the key of a tenant over once all of its replicas accept it", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		newServer(ctx, namespace)
		newTenant(ctx, namespace, "acme")
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-0", "acme")
		host(ctx, namespace, "shared-1", "acme")
		key := &scimv1alpha1.ScimApiKey{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "okta"},
			Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
		}
		Expect(env.Client.Create(ctx, key)).To(Succeed())
		credentials := &scimv1alpha1.ScimCredentialList{}
		Eventually(func() ([]scimv1alpha1.ScimCredential, error) {
			err := env.Client.List(ctx, credentials, client.InNamespace(namespace))
			return credentials.Items, err
		}).Should(HaveLen(1))
		host(ctx, namespace, "shared-0", "acme")
		Consistently(current(ctx, key)).Should(HaveField("Status.DeliveredTime.Time", BeZero()))
		host(ctx, namespace, "shared-1", "acme")
		Eventually(current(ctx, key)).Should(HaveField("Status.DeliveredTime.Time", Not(BeZero())))
	})

	It("is to forget a tenant that is deleted before anything is done to its users", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		newServer(ctx, namespace)
		tenant := newTenant(ctx, namespace, "acme", func(t *scimv1alpha1.ScimTenant) { t.Spec.DeletionPolicy = scimv1alpha1.DeletionPolicyDelete })
		other := newTenant(ctx, namespace, "globex")
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-0", "acme", "globex")
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Eventually(current(ctx, other)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		user := &scimv1alpha1.ScimUser{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "0b6d5d0e-5f7e-4a53-9d8c-0f2b4d5f6a71"},
			Spec: scimv1alpha1.ScimUserSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, UserName: "babs@example.com",
				Meta: scimv1alpha1.ResourceMeta{CreatedTime: metav1.NowMicro(), LastModifiedTime: metav1.NowMicro()},
			},
		}
		Expect(env.Client.Create(ctx, user)).To(Succeed())

		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(WithTransform(message, ContainSubstring("waiting until no replica")))
		Consistently(current(ctx, user)).Should(HaveField("DeletionTimestamp", BeNil()))
		host(ctx, namespace, "shared-0", "globex")
		Eventually(func() error { return env.Client.Get(ctx, client.ObjectKeyFromObject(user), user) }).Should(beNotFound())
		Eventually(func() error { return env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant) }).Should(beNotFound())
		Expect(current(ctx, other)()).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("and its tenants are not written when an operator takes over", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		server := newServer(ctx, namespace)
		tenant := newTenant(ctx, namespace, "acme")
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-0", "acme")
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.Users", Not(BeNil()))))
		Eventually(current(ctx, server)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.Tenants", Equal(ptr.To[int32](1)))))
		versions := func() ([]string, error) {
			t, err := current(ctx, tenant)()
			if err != nil {
				return nil, err
			}
			s, err := current(ctx, server)()
			return []string{t.ResourceVersion, s.ResourceVersion}, err
		}
		before, err := versions()
		Expect(err).NotTo(HaveOccurred())
		stop, err := env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Consistently(versions, "3s").Should(Equal(before))
		Expect(stop()).To(Succeed())
	})
})
