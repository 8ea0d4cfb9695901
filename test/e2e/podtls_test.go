package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// presentedMost is how long it takes at the most until pods present what is in a Secret: the kubelet brings
// it to them within two minutes.
const presentedMost = 4 * time.Minute

// certify makes a Secret with a new certificate for a host, in the place of one that is there, and returns
// the certificate.
func certify(authority *Authority, namespace, secret, host string) *x509.Certificate {
	GinkgoHelper()
	made := authority.Secret(namespace, secret, host)
	Apply(made)
	block, _ := pem.Decode(made.Data[corev1.TLSCertKey])
	certificate, err := x509.ParseCertificate(block.Bytes)
	Expect(err).NotTo(HaveOccurred())
	return certificate
}

// encrypted is the port for TLS of a tenant's pods.
type encrypted struct {
	*Client
	mu   sync.Mutex
	last *x509.Certificate // that was presented
}

// reachByTLS makes the port for TLS of the pods of a tenant reachable from here, for who trusts an authority.
func reachByTLS(ctx SpecContext, t *Tenant, authority *Authority, host string) *encrypted {
	GinkgoHelper()
	service, addresses := ExposePort(ctx, t.Namespace, "e2e-tls-", t.Labels(), "https")
	t.Exposed = append(t.Exposed, service)
	e, trust := &encrypted{}, authority.Trust()
	trust.ServerName = host
	trust.VerifyConnection = func(state tls.ConnectionState) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.last = state.PeerCertificates[0]
		return nil
	}
	e.Client = NewClient("https://"+addresses[0]+t.Path, t.Token).Trusting(trust)
	return e
}

// presented returns the certificate that a new connection gets.
func (e *encrypted) presented() (*x509.Certificate, error) {
	if _, err := e.Try(http.MethodGet, Users+"?count=0", ""); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last, nil
}

// expectPresents waits until new connections get a certificate, whichever pod they come to.
func (e *encrypted) expectPresents(certificate *x509.Certificate) {
	GinkgoHelper()
	const row = 12 // of two pods, one is missed by it once in some thousand times
	Eventually(func(g Gomega) {
		for range row {
			presented, err := e.presented()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(presented.SerialNumber).To(Equal(certificate.SerialNumber))
		}
	}).WithTimeout(presentedMost).WithPolling(time.Second).Should(Succeed())
}

// restartsOf are the pods of a tenant, with how often their containers have restarted.
func restartsOf(ctx SpecContext, t *Tenant) (restarts []string) {
	GinkgoHelper()
	for _, pod := range t.Pods(ctx) {
		restarts = append(restarts, fmt.Sprintf("%s %d", pod.Name, pod.Status.ContainerStatuses[0].RestartCount))
	}
	return restarts
}

// metricOf reads a metric of a server pod that has one series.
func metricOf(g Gomega, pod corev1.Pod, name string) float64 {
	found := regexp.MustCompile(`(?m)^` + name + `\{[^}]*\} (\S+)$`).FindStringSubmatch(MetricsOf(pod))
	g.Expect(found).NotTo(BeNil(), name)
	value, err := strconv.ParseFloat(found[1], 64)
	g.Expect(err).NotTo(HaveOccurred())
	return value
}

var _ = Describe("TLS to the pods", func() {
	const secret = "pods"
	withTLS := func(spec *scimv1alpha1.ScimTenantSpec) { spec.Server.TLS.SecretName = secret }
	hostOf := func(t *Tenant) string { return t.Deployment() + "." + t.Namespace + ".svc" }
	served := func(t *Tenant, status, reason string) (message string) {
		GinkgoHelper()
		kind, name, _ := strings.Cut(t.ServerObject(), "/")
		Eventually(func(g Gomega) {
			condition := conditionOf(KubectlGet(t.Namespace, kind, name), scimv1alpha1.ConditionTLSServed)
			g.Expect(condition).To(And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason)))
			message, _ = condition["message"].(string)
		}).WithTimeout(2 * time.Minute).Should(Succeed())
		return message
	}
	steady := func(c *Client, t *Tenant, prefix string) *SteadyClients {
		over := *t
		over.Service = c
		clients := &SteadyClients{Prefix: prefix}
		clients.Start(&over, 3, 150*time.Millisecond)
		DeferCleanup(clients.Stop)
		Eventually(clients.Sent).Should(BeNumerically(">", 10))
		return clients
	}
	// expectNoFailure lets some more requests come, and expects that none has failed.
	expectNoFailure := func(clients *SteadyClients) {
		GinkgoHelper()
		atEnd := clients.Sent()
		Eventually(clients.Sent).Should(BeNumerically(">", atEnd+20))
		clients.Stop()
		AddReportEntry("requests", clients.Sent())
		Expect(clients.Failures()).To(BeEmpty(), "of %d requests, the first that failed: %.300s", clients.Sent(), strings.Join(clients.Failures(), "\n"))
	}

	It("waits for its certificate, presents it, and presents the next one without a restart or a failed request", SpecPriority(1), func(ctx SpecContext) {
		namespace, authority := NewNamespace(ctx, "podtls"), NewAuthority()
		object := NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, withTLS)
		Apply(object, NewKey(namespace, "acme", "acme"))
		t := &Tenant{Namespace: namespace, Name: "acme", Path: object.Path()}
		Expect(served(t, "False", scimv1alpha1.ReasonServerCertificateNotFound)).To(And(ContainSubstring(`there is no Secret "pods"`), ContainSubstring("pods wait for it")))
		Expect(conditionOf(KubectlGet(namespace, "scimtenant", "acme"), scimv1alpha1.ConditionReady)).
			To(HaveKeyWithValue("reason", scimv1alpha1.ReasonServerCertificateNotFound))

		By("getting a certificate")
		first := certify(authority, namespace, secret, hostOf(t))
		Kubectl("wait", "-n", namespace, "--for=condition=Ready", "scimtenant/acme", "scimapikey/acme", "--timeout=4m")
		served(t, "True", scimv1alpha1.ReasonSucceeded)
		t = TenantOf(object, "acme")
		t.Expose(ctx)
		secure := reachByTLS(ctx, t, authority, hostOf(t))
		secure.expectPresents(first)
		created := secure.Do(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)
		Expect(created.Header.Get("Location")).To(HavePrefix("https://"), "who comes by TLS is sent there")
		t.Service.Get(Users + "/" + created.ID()).Has(http.StatusOK)
		_, err := secure.Trusting(NewAuthority().Trust()).Try(http.MethodGet, Users, "")
		Expect(err).To(MatchError(ContainSubstring("x509")))

		By("replacing it")
		before := restartsOf(ctx, t)
		clients := steady(secure.Client, t, "replaced")
		second := certify(authority, namespace, secret, hostOf(t))
		secure.expectPresents(second)
		Expect(restartsOf(ctx, t)).To(Equal(before))
		for _, pod := range t.Pods(ctx) {
			Expect(metricOf(Default, pod, "kubescim_server_certificate_expiry_timestamp_seconds")).To(BeEquivalentTo(second.NotAfter.Unix()))
		}

		By("having one that cannot be read, which changes nothing")
		errorsOf := func(pod corev1.Pod) func(Gomega) float64 {
			return func(g Gomega) float64 { return metricOf(g, pod, "kubescim_server_certificate_read_errors_total") }
		}
		had := map[string]float64{}
		for _, pod := range t.Pods(ctx) {
			had[pod.Name] = errorsOf(pod)(Default)
		}
		unreadable := authority.Secret(namespace, secret, hostOf(t))
		unreadable.Data[corev1.TLSCertKey] = []byte("none")
		Apply(unreadable)
		for _, pod := range t.Pods(ctx) {
			Eventually(errorsOf(pod)).WithTimeout(presentedMost).WithPolling(time.Second).Should(BeNumerically(">", had[pod.Name]))
		}
		secure.expectPresents(second)
		third := certify(authority, namespace, secret, hostOf(t))
		secure.expectPresents(third)
		Expect(restartsOf(ctx, t)).To(Equal(before))
		expectNoFailure(clients)
	})

	It("is switched on once its certificate is there, and off, without a failed request", SpecPriority(1), func(ctx SpecContext) {
		class := &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: Unique("podtls")}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"},
		}
		Expect(Cluster.Create(ctx, class)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, class)).To(Succeed()) })
		t := Serve(ctx, "switched", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.Host = class.Name + ".example.com"
			spec.Endpoint.TLS.Termination = scimv1alpha1.TLSTerminationElsewhere
			spec.Endpoint.Ingress.ClassName = class.Name
		})
		authority := NewAuthority()
		patch := func(text string) {
			Kubectl("patch", "-n", t.Namespace, "scimtenant", t.Name, "--type=merge", "-p", text)
		}
		// leads reports whether the Service leads to TLS, and whether the Ingress does.
		leads := func() [2]bool {
			GinkgoHelper()
			key := client.ObjectKey{Namespace: t.Namespace, Name: t.Deployment()}
			made, published := &corev1.Service{}, &networkingv1.Ingress{}
			Expect(Cluster.Get(ctx, key, made)).To(Succeed())
			Expect(Cluster.Get(ctx, key, published)).To(Succeed())
			return [2]bool{operand.HasTLSPort(made), operand.ByIngress(published).LeadsByTLS(made.Name)}
		}
		plain, before := steady(t.Service, t, "plain"), restartsOf(ctx, t)

		By("asking for it without a certificate")
		patch(`{"spec":{"server":{"tls":{"secretName":"pods"}}}}`)
		Expect(served(t, "False", scimv1alpha1.ReasonServerCertificateNotFound)).To(ContainSubstring("goes on without TLS"))
		Expect(restartsOf(ctx, t)).To(Equal(before), "what runs stays as it is")

		By("having one with another's key, with which a new pod would not start")
		mismatch := authority.Secret(t.Namespace, "mismatch", hostOf(t))
		mismatch.Data[corev1.TLSPrivateKeyKey] = authority.Secret(t.Namespace, "other", hostOf(t)).Data[corev1.TLSPrivateKeyKey]
		Apply(mismatch)
		patch(`{"spec":{"server":{"tls":{"secretName":"mismatch"}}}}`)
		Expect(served(t, "False", scimv1alpha1.ReasonServerCertificateInvalid)).To(ContainSubstring("the private key"))
		Expect(restartsOf(ctx, t)).To(Equal(before))
		Expect(leads()).To(Equal([2]bool{false, false}))

		By("getting a certificate")
		certificate := certify(authority, t.Namespace, secret, hostOf(t))
		patch(`{"spec":{"server":{"tls":{"secretName":"pods"}}}}`)
		served(t, "True", scimv1alpha1.ReasonSucceeded)
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)
		Eventually(leads).Should(Equal([2]bool{true, true}))
		secure := reachByTLS(ctx, t, authority, hostOf(t))
		secure.expectPresents(certificate)
		over := steady(secure.Client, t, "secure")

		By("replacing the pods, under calls by TLS")
		former := NamesOf(t.Pods(ctx))
		patch(`{"spec":{"server":{"resources":{"requests":{"cpu":"20m","memory":"48Mi"},"limits":{"memory":"192Mi"}}}}}`)
		Eventually(func() []string { return NamesOf(t.Pods(ctx)) }).WithTimeout(2 * time.Minute).ShouldNot(ContainElement(BeElementOf(former)))
		Recovered(ctx, t)
		Expect(leads()).To(Equal([2]bool{true, true}))
		expectNoFailure(over)

		By("switching it off")
		patch(`{"spec":{"server":{"tls":null}}}`)
		Eventually(leads).WithTimeout(2 * time.Minute).Should(Equal([2]bool{false, false}))
		Recovered(ctx, t)
		expectNoFailure(plain)
	})

	It("is spoken by nginx, without a failed request through it while that is switched on and off", Label("edge"), func(ctx SpecContext) {
		namespace, authority := NewNamespace(ctx, "podtls"), NewAuthority()
		host := namespace + ".example.com"
		Apply(authority.Secret(namespace, "certificate", host))
		t := ServeIn(ctx, namespace, NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, publishedAt(host)))[0]
		through := ThroughEdge("https://"+host+t.Path, t.Token, authority.Trust())
		Eventually(func() error { _, err := through.Try(http.MethodGet, Users+"?count=0", ""); return err }).Should(Succeed())
		clients := steady(through, t, "through")
		patch := func(text string) { Kubectl("patch", "-n", namespace, "scimtenant", t.Name, "--type=merge", "-p", text) }
		leads := func() bool {
			GinkgoHelper()
			published := &networkingv1.Ingress{}
			Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: t.Deployment()}, published)).To(Succeed())
			return operand.ByIngress(published).LeadsByTLS(t.Deployment())
		}

		certify(authority, namespace, secret, hostOf(t))
		patch(`{"spec":{"server":{"tls":{"secretName":"pods"}}}}`)
		served(t, "True", scimv1alpha1.ReasonSucceeded)
		Eventually(leads).Should(BeTrue())
		WaitFor(namespace, "condition=Ready", "scimtenant/acme")
		sent := clients.Sent()
		Eventually(clients.Sent).Should(BeNumerically(">", sent+100), "by TLS")
		patch(`{"spec":{"server":{"tls":null}}}`)
		Eventually(leads).Should(BeFalse())
		Eventually(func() bool {
			made := &corev1.Service{}
			Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: t.Deployment()}, made)).To(Succeed())
			return operand.HasTLSPort(made)
		}).WithTimeout(2 * time.Minute).Should(BeFalse())
		Recovered(ctx, t)
		expectNoFailure(clients)
	})

	It("is served for all tenants of a ScimServer", func(ctx SpecContext) {
		namespace, authority := NewNamespace(ctx, "podtls"), NewAuthority()
		certificate := certify(authority, namespace, secret, "shared-scim-server."+namespace+".svc")
		server := NewServer(namespace, "shared", 1)
		server.Spec.TLS.SecretName = secret
		Apply(server)
		for _, t := range ServeIn(ctx, namespace,
			NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, On("shared")),
			NewTenant(namespace, "globex", scimv1alpha1.IdentityProviderGeneric, On("shared"))) {
			secure := reachByTLS(ctx, t, authority, hostOf(t))
			secure.expectPresents(certificate)
			secure.Do(http.MethodPost, Users, PlainUser("ada@"+t.Name+".example.com")).Has(http.StatusCreated)
			served(t, "True", scimv1alpha1.ReasonSucceeded)
		}
	})
})
