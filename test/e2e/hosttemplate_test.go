package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// giving gives a host below a domain to tenants that name none. What has a certificate for them all is
// the Ingress controller.
const giving = `
config:
  endpoint:
    hostTemplate: "{tenant}.%s"
    tls: {termination: Elsewhere}
    ingress: {className: %s}
`

// certified is giving for a cluster whose Ingress controller has none: the certificate for them all is in
// the namespace of the tenants.
const certified = `
config:
  endpoint:
    hostTemplate: "{tenant}.%s"
    tls: {secretName: wildcard}
    ingress: {className: %s}
`

// It starts the operator again, under other rules for all tenants: no other spec runs beside it.
var _ = Describe("The operator's configuration decides the hosts of tenants", Serial, func() {
	It("which are theirs from then on", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "template")
		class := namespace
		ingressClass := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"}}
		Expect(Cluster.Create(ctx, ingressClass)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, ingressClass)).To(Succeed()) })
		tenant := func(name string, change ...func(*scimv1alpha1.ScimTenantSpec)) *scimv1alpha1.ScimTenant {
			return NewTenant(namespace, name, scimv1alpha1.IdentityProviderOkta, append(change, OneReplica)...)
		}
		users := 0
		create := func(t *Tenant) *Response {
			users++
			return t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("ada%d@example.com", users))).Has(http.StatusCreated)
		}
		// isAt sends a request to a tenant, and sees that it is published at a host, and says so itself.
		isAt := func(t *Tenant, host string) {
			GinkgoHelper()
			url := "https://" + host + "/scim/v2"
			Want{"status/host": host, "status/url": url}.In(KubectlGet(namespace, "scimtenant", t.Name), "the tenant")
			Want{"spec/ingressClassName": class, "spec/rules/0/host": host, "spec/tls": BeNil()}.In(KubectlGet(namespace, "ingress", t.Name+"-scim"), "the Ingress")
			r := create(t)
			Expect(r.Header.Get("Location")).To(Equal(url + Users + "/" + r.ID()))
		}
		inside := ServeIn(ctx, namespace, tenant("inside"))[0]
		one, two := "one."+namespace+".example.com", "two."+namespace+".example.com"
		release := ChangeRelease(chart)

		By("giving hosts to those that name none")
		release.Upgrade(ctx, fmt.Sprintf(giving, one, class))
		served := ServeIn(ctx, namespace, tenant("acme"), tenant("globex"), tenant("private", func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.HostPolicy = scimv1alpha1.HostPolicyNone
		}))
		acme, globex := served[0], served[1]
		isAt(acme, "acme."+one)
		isAt(globex, "globex."+one)
		for _, t := range []*Tenant{inside, served[2]} {
			Expect(Dig(KubectlGet(namespace, "scimtenant", t.Name), "status/url")).To(Equal("http://" + t.Name + "-scim." + namespace + ".svc/scim/v2"))
			Expect(KubectlGet(namespace, "ingress", t.Name+"-scim")).To(BeNil())
		}

		By("giving others to those that come later")
		before := &networkingv1.Ingress{}
		Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme-scim"}, before)).To(Succeed())
		release.Upgrade(ctx, fmt.Sprintf(giving, two, class))
		initech := ServeIn(ctx, namespace, tenant("initech"))[0]
		isAt(initech, "initech."+two)
		isAt(acme, "acme."+one)
		isAt(globex, "globex."+one)
		after := &networkingv1.Ingress{}
		Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(before), after)).To(Succeed())
		Expect(after.ResourceVersion).To(Equal(before.ResourceVersion))

		By("letting a tenant name a host itself")
		host := "acme." + two
		Kubectl("patch", "scimtenant", "acme", "-n", namespace, "--type=merge", "-p",
			fmt.Sprintf(`{"spec":{"endpoint":{"host":%q,"tls":{"termination":"Elsewhere"},"ingress":{"className":%q}}}}`, host, class))
		Eventually(func() any { return Dig(KubectlGet(namespace, "scimtenant", "acme"), "status/url") }).Should(Equal("https://" + host + "/scim/v2"))
		Expect(Dig(KubectlGet(namespace, "scimtenant", "acme"), "status/host")).To(BeNil())
		Eventually(func() string {
			return create(acme).Header.Get("Location")
		}).Should(HavePrefix("https://" + host + "/"))
	})

	It("at which identity providers find them, with one certificate for all", Label("edge"), func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "wildcard")
		domain, authority := namespace+".example.com", NewAuthority()
		Apply(authority.Secret(namespace, "wildcard", "*."+domain))
		ChangeRelease(chart).Upgrade(ctx, fmt.Sprintf(certified, domain, EdgeClass))
		served := ServeIn(ctx, namespace, NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderOkta, OneReplica),
			NewTenant(namespace, "globex", scimv1alpha1.IdentityProviderOkta, OneReplica))
		for i, t := range served {
			WaitFor(namespace, "condition="+scimv1alpha1.ConditionEndpointConfirmed, "scimtenant/"+t.Name)
			url := Kubectl("get", "scimtenant", "-n", namespace, t.Name, "-o", "jsonpath={.status.url}")
			Expect(url).To(Equal("https://" + t.Name + "." + domain + "/scim/v2"))
			through := ThroughEdge(url, t.Token, authority.Trust())
			Eventually(func() error { _, err := through.Try(http.MethodGet, Users+"?count=0", ""); return err }).Should(Succeed())
			created := through.Do(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)
			Expect(created.Header.Get("Location")).To(Equal(url + Users + "/" + created.ID()))
			through.WithToken(served[1-i].Token).Get(Users).IsError(http.StatusUnauthorized, "")
		}
	})
})
