package e2e

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("A server that many tenants share", Ordered, func() {
	var (
		namespace string
		tenants   map[string]*Tenant
	)
	// add makes tenants of the server, and waits until they are served.
	add := func(ctx SpecContext, names ...string) {
		GinkgoHelper()
		var manifests []*scimv1alpha1.ScimTenant
		for _, name := range names {
			manifests = append(manifests, NewTenant(namespace, name, scimv1alpha1.IdentityProviderGeneric, On("shared")))
		}
		for _, served := range ServeIn(ctx, namespace, manifests...) {
			tenants[served.Name] = served
		}
	}
	users := func(name string) *Response { return tenants[name].Service.Get(Users) }

	BeforeAll(func(ctx SpecContext) {
		namespace, tenants = NewNamespace(ctx, "shared"), map[string]*Tenant{}
		Apply(NewServer(namespace, "shared", 2))
		WaitFor(namespace, "condition=Ready", "scimserver/shared")
		add(ctx, "first", "second")
	})

	It("serves each of them, and shows none what is another one's", func() {
		first, second := tenants["first"].Service, tenants["second"].Service
		made := first.Do(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated)
		second.Do(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated)
		Expect(made.Header.Get("Location")).To(ContainSubstring("/first/scim/v2/Users/" + made.ID()))
		second.Get(Users + "/" + made.ID()).Has(http.StatusNotFound)
		second.WithToken(tenants["first"].Token).Get(Users).Has(http.StatusUnauthorized)
		Expect(users("first").Has(http.StatusOK).At("totalResults")).To(BeEquivalentTo(1))
		Expect(users("second").Has(http.StatusOK).At("totalResults")).To(BeEquivalentTo(1))
		Expect(KubectlList(namespace, "deployments")).To(HaveLen(1), "none has pods of its own")
	})

	It("finds a tenant by its own host, and no other one there", func(ctx SpecContext) {
		host, class := "hosted."+namespace+".example.com", &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"},
		}
		Expect(Cluster.Create(ctx, class)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, class)).To(Succeed()) })
		Apply(NewTenant(namespace, "hosted", scimv1alpha1.IdentityProviderGeneric, On("shared"), func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.Host, spec.Endpoint.Path = host, "/api/scim"
			spec.Endpoint.TLS.Termination = scimv1alpha1.TLSTerminationElsewhere
			spec.Endpoint.Ingress = scimv1alpha1.EndpointIngress{ClassName: class.Name}
		}))
		origin := strings.TrimSuffix(tenants["first"].Service.Base, tenants["first"].Path)
		token, credential := GenerateToken(namespace, "hosted")
		Apply(NewKey(namespace, "hosted", "hosted", Offline))
		ApplyText(credential)
		own := NewClient(origin+"/api/scim", token).With("Host", host)
		Eventually(func() int { return own.Get(Users).Status }).WithTimeout(time.Minute).Should(Equal(http.StatusOK))
		made := own.Do(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated)
		Expect(made.Header.Get("Location")).To(HavePrefix("https://" + host + "/api/scim/Users/"))
		NewClient(origin+tenants["first"].Path, tenants["first"].Token).With("Host", host).Get(Users).Has(http.StatusUnauthorized)
		NewClient(origin+"/hosted/scim/v2", token).Get(Users).Has(http.StatusOK)
	})

	It("takes in a tenant that comes, and gives up one that goes, while it serves the others", func(ctx SpecContext) {
		add(ctx, "third")
		tenants["third"].Service.Do(http.MethodPost, Users, PlainUser("jim@example.com")).Has(http.StatusCreated)
		Eventually(func() any { return KubectlGet(namespace, "scimtenant", "third")["status"] }).Should(HaveKeyWithValue("users", BeEquivalentTo(1)))

		Kubectl("delete", "scimtenant", "-n", namespace, "third", "--wait=false")
		Eventually(func() int { return users("third").Status }).Should(Equal(http.StatusUnauthorized))
		Expect(users("first").Has(http.StatusOK).At("totalResults")).To(BeEquivalentTo(1))
	})
})
