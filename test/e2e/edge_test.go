package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// largestBody is what a server accepts, in bytes. The nginx of the local cluster passes on twice as much.
const largestBody = 8 << 20

// unreachable is an address of the local cluster's network that hardly any pod gets, and discard a port at which none listens.
const (
	unreachable = "10.244.0.250"
	discard     = 9
)

// padded is the body of a user, with blanks up to a size.
func padded(userName string, size int) string {
	user := strings.TrimSuffix(PlainUser(userName), "}")
	return user + strings.Repeat(" ", size-len(user)-1) + "}"
}

// publishedAt has the edge of the local cluster end the TLS of a tenant's host.
func publishedAt(host string) func(*scimv1alpha1.ScimTenantSpec) {
	return func(spec *scimv1alpha1.ScimTenantSpec) {
		spec.Endpoint.Host = host
		spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{SecretName: "certificate"}
		spec.Endpoint.Ingress = scimv1alpha1.EndpointIngress{ClassName: EdgeClass}
	}
}

// The nginx is that of the local cluster (make edge): another cluster's own controller has other defaults.
var _ = Describe("A tenant that is served by nginx", Ordered, ContinueOnFailure, Label("edge"), func() {
	const (
		office   = "127.9.0.0/16"
		inside   = "127.9.1.1"
		outside  = "127.8.1.1"
		slowness = 10 * time.Second // longer than a server has for a request
	)
	var (
		t         *Tenant
		host      string
		proxy     scimv1alpha1.CIDR // of nginx, as pods see it
		authority *Authority
		through   *Client
	)
	BeforeAll(func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "nginx")
		host, authority = namespace+".example.com", NewAuthority()
		Apply(authority.Secret(namespace, "certificate", host))
		proxy = scimv1alpha1.CIDR(AddressOfThisMachine(ctx) + "/32")
		t = ServeIn(ctx, namespace, NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderOkta, OneReplica, publishedAt(host),
			func(spec *scimv1alpha1.ScimTenantSpec) {
				spec.Endpoint.TrustedProxies = []scimv1alpha1.CIDR{proxy}
				// By default it has no memory for a body of the largest size.
				spec.Server.Resources = &corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
				}
			}))[0]
		WaitFor(namespace, "condition="+scimv1alpha1.ConditionEndpointConfirmed, "scimtenant/acme")
		url := Kubectl("get", "scimtenant", "-n", namespace, "acme", "-o", "jsonpath={.status.url}")
		Expect(url).To(Equal("https://" + host + "/scim/v2"))
		through = ThroughEdge(url, t.Token, authority.Trust()).With("User-Agent", "Okta SCIM Client 1.0.0")
		Eventually(func() error { _, err := through.Try(http.MethodGet, Users+"?count=0", ""); return err }).Should(Succeed())
	})

	It("has an Ingress with the address at which it is to be found", func() {
		Want{
			"status/loadBalancer/ingress/0/ip":           "127.0.0.1",
			"status/loadBalancer/ingress/0/ports/0/port": 10443,
		}.In(KubectlGet(t.Namespace, "ingress", "acme-scim"), "the Ingress")
	})

	It("is used by an identity provider that verifies its certificate", func() {
		lasting, closeIdle := through.Lasting()
		defer closeIdle()
		lasting.Get(Users + "?startIndex=1&count=2").IsList(0)
		s := &session{client: lasting, prefix: "through"}
		for n := range 30 {
			s.step(n)
		}
		Expect(s.retries).To(BeZero())
		nothingLost(t, s)
		created := through.Do(http.MethodPost, Users, fmt.Sprintf(oktaUser, "located@example.com", "located@example.com", Unique("00u"), Unique("password"))).Has(http.StatusCreated)
		Expect(created.Header.Get("Location")).To(Equal("https://" + host + "/scim/v2/Users/" + created.ID()))
		metadata := ThroughEdge("https://"+host, "", authority.Trust()).Get("/.well-known/oauth-authorization-server/scim/v2")
		Expect(metadata.At("issuer")).To(Equal("https://" + host + "/scim/v2"))
	})

	It("is not to be confused with others", func() {
		_, err := ThroughEdge(through.Base, t.Token, NewAuthority().Trust()).Try(http.MethodGet, Users, "")
		Expect(err).To(MatchError(ContainSubstring("certificate signed by unknown authority")))
		blind := &tls.Config{InsecureSkipVerify: true}
		for _, base := range []string{"https://nobody." + host, "https://" + host + "/scim", "https://" + host + "/scim/v23"} {
			Expect(ThroughEdge(base, t.Token, blind).Get("/Users").Status).To(Equal(http.StatusNotFound), base)
		}
	})

	It("gets bodies of all sizes that it accepts, and refuses itself what is larger", func() {
		through.Do(http.MethodPost, Users, padded("largest@example.com", largestBody)).Has(http.StatusCreated)
		through.Do(http.MethodPost, Users, padded("larger@example.com", largestBody+1)).IsError(http.StatusRequestEntityTooLarge, "")
		answer := through.Do(http.MethodPost, Users, padded("huge@example.com", 2*largestBody+1))
		Expect(answer.Status).To(Equal(http.StatusRequestEntityTooLarge))
		Expect(answer.Header.Get("Content-Type")).To(Equal("text/html"), "it is nginx that has refused it")
		for name, count := range map[string]int{"largest@example.com": 1, "larger@example.com": 0, "huge@example.com": 0} {
			t.Get(Filter(Users, "userName eq %q", name)).IsList(count)
		}
	})

	It("is not kept waiting by a client that is slow", func(ctx SpecContext) {
		slow, err := through.WithTimeout(time.Minute).Begin(ctx, http.MethodPost, Users, PlainUser("slow@example.com"))
		Expect(err).NotTo(HaveOccurred())
		Eventually(slow.Begun()).Should(BeClosed())
		began := time.Now()
		Consistently(func() int { return through.Get(Users + "?count=1").Status }).
			WithTimeout(slowness).WithPolling(500 * time.Millisecond).Should(Equal(http.StatusOK))
		answer, err := slow.End()
		Expect(err).NotTo(HaveOccurred())
		answer.Has(http.StatusCreated)
		Expect(time.Since(began)).To(BeNumerically(">=", slowness))
	})

	It("knows where its clients are, whatever they say", func() {
		token := keyWith(t, "office", func(spec *scimv1alpha1.ScimApiKeySpec) { spec.AllowedCIDRs = []scimv1alpha1.CIDR{office, proxy} })
		c := through.WithToken(token)
		c.From(inside).Get(Users + "?count=0").Has(http.StatusOK)
		c.From(inside).With("X-Forwarded-For", outside).Get(Users + "?count=0").Has(http.StatusOK)
		c.From(outside).Get(Users).IsError(http.StatusUnauthorized, "")
		for _, header := range []string{"X-Forwarded-For", "X-Real-IP"} {
			c.From(outside).With(header, inside).Get(Users).IsError(http.StatusUnauthorized, "")
		}
		c.From(outside).With("Forwarded", "for="+inside).Get(Users).IsError(http.StatusUnauthorized, "")
	})

	It("gets a renewed certificate presented, without a request that fails", func() {
		before, err := PresentedByEdge(host)
		Expect(err).NotTo(HaveOccurred())
		stop, failed := make(chan struct{}), make(chan error, 4)
		var sent sync.WaitGroup
		for range cap(failed) {
			sent.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					r, err := through.Try(http.MethodGet, Users+"?count=1", "")
					if err == nil && r.Status != http.StatusOK {
						err = fmt.Errorf("%s", r)
					}
					if err != nil {
						failed <- err
						return
					}
				}
			})
		}
		for range 3 {
			renewed := authority.Secret(t.Namespace, "certificate", host)
			Apply(renewed)
			Eventually(func(g Gomega) {
				now, err := PresentedByEdge(host)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(now.SerialNumber).NotTo(Equal(before.SerialNumber))
				before = now
			}).Should(Succeed())
		}
		close(stop)
		sent.Wait()
		Expect(failed).NotTo(Receive())
	})

	It("leaves it to the author of another Ingress to mend what cannot be served", func(ctx SpecContext) {
		paths := func(service string) networkingv1.IngressRuleValue {
			return networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix),
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Number: 80}}},
			}}}}
		}
		nobody := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.Namespace, Name: "nobody"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "nobody"}, Ports: []corev1.ServicePort{{Port: 80}}},
		}
		Expect(Cluster.Create(ctx, nobody)).To(Succeed())
		absent := "absent." + host
		object := &networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.Namespace, Name: "absent"},
			Spec: networkingv1.IngressSpec{
				IngressClassName: ptr.To(EdgeClass),
				TLS:              []networkingv1.IngressTLS{{Hosts: []string{absent}, SecretName: "absent"}},
				Rules:            []networkingv1.IngressRule{{Host: absent, IngressRuleValue: paths("nobody")}},
			},
		}
		Expect(Cluster.Create(ctx, object)).To(Succeed())
		Eventually(func() string {
			return Kubectl("get", "events", "-n", t.Namespace, "--field-selector=involvedObject.name=absent,reason=NotServed", "-o", "jsonpath={.items[*].message}")
		}).Should(ContainSubstring(`there is no Secret "absent" of type kubernetes.io/tls`))
		_, err := PresentedByEdge(absent)
		Expect(err).To(MatchError(ContainSubstring("unrecognized name")))
		Expect(KubectlGet(t.Namespace, "ingress", "absent")).NotTo(HaveKeyWithValue("status", HaveKeyWithValue("loadBalancer", HaveKey("ingress"))))

		By("mending it, but for pods")
		Apply(authority.Secret(t.Namespace, "absent", absent))
		Eventually(func() (int, error) {
			r, err := ThroughEdge("https://"+absent, t.Token, authority.Trust()).Try(http.MethodGet, "/", "")
			if err != nil {
				return 0, err
			}
			return r.Status, nil
		}).Should(Equal(http.StatusServiceUnavailable))
		Eventually(func() any {
			return Dig(KubectlGet(t.Namespace, "ingress", "absent"), "status/loadBalancer/ingress/0/ip")
		}).Should(Equal("127.0.0.1"))
		through.Get(Users + "?count=0").Has(http.StatusOK)

		By("having a pod that cannot be reached")
		Expect(Cluster.Create(ctx, &discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: t.Namespace, Name: "nobody", Labels: map[string]string{discoveryv1.LabelServiceName: "nobody"}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Ports:       []discoveryv1.EndpointPort{{Port: ptr.To[int32](discard)}},
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{unreachable}}},
		})).To(Succeed())
		Eventually(func(g Gomega) {
			r, err := ThroughEdge("https://"+absent, t.Token, authority.Trust()).Try(http.MethodGet, "/", "")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(r.Status).To(BeElementOf(http.StatusBadGateway, http.StatusGatewayTimeout))
			g.Expect(r.Took).To(BeNumerically("<", 8*time.Second))
		}).Should(Succeed())
		through.Get(Users + "?count=0").Has(http.StatusOK)

		By("deleting it")
		Expect(Cluster.Delete(ctx, object)).To(Succeed())
		Eventually(func() error {
			_, err := ThroughEdge("https://"+absent, t.Token, authority.Trust()).Try(http.MethodGet, "/", "")
			return err
		}).Should(MatchError(ContainSubstring("certificate")))
	})
})
