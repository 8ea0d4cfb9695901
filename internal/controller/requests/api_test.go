package requests_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	operatorconfig "github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/signingkey"
)

var (
	env         *controllertest.Environment
	stopManager func() error
	// address is where the operator answers, and pods what it asks.
	address string
	pods    = &fleet{}
)

// fleet are the pods that the operator asks.
type fleet struct {
	// keys are those of their server.
	keys signingkey.Set
	// answers are the last requests at each address.
	answers map[netip.Addr][]requestlog.Record
	// names are those of the pods.
	names map[netip.Addr]string
}

func (f *fleet) fetch(_ context.Context, address netip.Addr, tenant, pass string) ([]requestlog.Record, error) {
	records, answers := f.answers[address]
	if !answers {
		return nil, errors.New("it does not answer")
	}
	if !f.keys.Admits(pass, contract.PassAudience("acme", f.names[address], tenant), time.Now()) {
		return nil, errors.New("the pass is not good")
	}
	return records, nil
}

func TestRequests(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "The logs of tenants")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	log.SetLogger(GinkgoLogr)
	ctrl.SetLogger(GinkgoLogr)
	var err error
	env, err = controllertest.Start()
	Expect(err).NotTo(HaveOccurred())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	address = listener.Addr().String()
	stopManager, err = env.StartManager(func(ctx context.Context, mgr ctrl.Manager) error {
		return controller.Setup(ctx, mgr, controller.Options{
			ServerImage: controllertest.ServerImage, Workers: 1, Namespace: controllertest.OperatorNamespace, Config: operatorconfig.Default(),
			AskPods: func(context.Context, netip.Addr, int) (contract.ServerUsage, error) {
				return contract.ServerUsage{}, errors.New("nobody counts")
			},
			API: listener, FetchRequests: pods.fetch, Metrics: prometheus.NewRegistry(),
		})
	})
	Expect(err).NotTo(HaveOccurred())
	prepare(ctx)
})

var _ = AfterSuite(func() {
	if stopManager != nil {
		Expect(stopManager()).To(Succeed())
	}
	if env != nil {
		Expect(env.Stop()).To(Succeed())
	}
})

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func record(second int, id string) requestlog.Record {
	return requestlog.Record{
		Time: noon.Add(time.Duration(second) * time.Second), RequestID: id, KeyID: "abcdefghjkmnpqrs", Method: http.MethodPost,
		Operation: requestlog.Create, Resource: "Users", Status: http.StatusConflict, ScimType: "uniqueness",
	}
}

// prepare makes a tenant of a shared server with three pods, of which one does not answer, and its keys.
func prepare(ctx context.Context) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "acme"}})).To(Succeed())
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderGeneric},
	}
	Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	pods.answers, pods.names = map[netip.Addr][]requestlog.Record{}, map[netip.Addr]string{}
	for i, records := range [][]requestlog.Record{{record(1, "a"), record(4, "d")}, {record(2, "b"), record(3, "c")}, nil} {
		name, address := "acme-scim-"+string('0'+rune(i)), netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)})
		if pods.names[address] = name; records != nil {
			pods.answers[address] = records
		}
		Expect(env.Client.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "acme", Name: name, Annotations: map[string]string{contract.AnnotationPeerAddress: address.String() + ":8082"},
				Labels: map[string]string{scimv1alpha1.LabelTenant: "acme", scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			},
			Spec: coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NowMicro()), LeaseDurationSeconds: ptr.To[int32](3600)},
		})).To(Succeed())
	}
	secret := &corev1.Secret{}
	Eventually(func() error {
		return env.Client.Get(ctx, client.ObjectKey{Namespace: "acme", Name: contract.SigningName(contract.ServiceName("acme"))}, secret)
	}).Should(Succeed())
	pods.keys = operand.SigningKeys(secret)
	Expect(pods.keys).NotTo(BeEmpty())
}

// get asks the operator under a configuration, as the plugin of kubectl does.
func get(config *rest.Config, namespace, tenant string) (int, contract.RequestLog, metav1.Status) {
	GinkgoHelper()
	config = rest.CopyConfig(config)
	config.Insecure, config.CAData, config.CAFile = true, nil, ""
	httpClient, err := rest.HTTPClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	response, err := httpClient.Get("https://" + address + contract.LogPath(namespace, tenant))
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(response.Body.Close()).To(Succeed()) }()
	if response.StatusCode == http.StatusOK {
		found, err := contract.DecodeRequestLog(response.Body)
		Expect(err).NotTo(HaveOccurred())
		return response.StatusCode, found, metav1.Status{}
	}
	var status metav1.Status
	Expect(json.NewDecoder(response.Body).Decode(&status)).To(Succeed())
	return response.StatusCode, contract.RequestLog{}, status
}

// withCertificate is the configuration of somebody with a client certificate.
func withCertificate(name string, groups ...string) *rest.Config {
	GinkgoHelper()
	config, err := env.ConfigOf(envtest.User{Name: name, Groups: groups})
	Expect(err).NotTo(HaveOccurred())
	return config
}

// withToken is that of somebody with a token of a ServiceAccount.
func withToken(ctx context.Context, name string) *rest.Config {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: name}}
	Expect(env.Client.Create(ctx, account)).To(Succeed())
	token, err := kubernetes.NewForConfigOrDie(env.Config).CoreV1().ServiceAccounts("acme").
		CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	config := rest.AnonymousClientConfig(env.Config)
	config.BearerToken = token.Status.Token
	return config
}

// selfSigned is a certificate for a client that its own key has signed, and that key.
func selfSigned(name string, groups ...string) (certificate, key []byte) {
	GinkgoHelper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: groups}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	Expect(err).NotTo(HaveOccurred())
	encoded, err := x509.MarshalECPrivateKey(private)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}

// allow lets somebody see the log of the tenant acme.
func allow(ctx context.Context, subject rbacv1.Subject) {
	GinkgoHelper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "log-" + subject.Name}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{scimv1alpha1.GroupVersion.Group}, Resources: []string{"scimtenants/log"}, Verbs: []string{"get"}, ResourceNames: []string{"acme"}},
	}}
	Expect(env.Client.Create(ctx, role)).To(Succeed())
	Expect(env.Client.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name}, Subjects: []rbacv1.Subject{subject},
	})).To(Succeed())
}

var _ = Describe("The log of a tenant", func() {
	It("has what all pods say, in the order of time, and which do not", func() {
		status, found, _ := get(withCertificate("admin", "system:masters"), "acme", "acme")
		Expect(status).To(Equal(http.StatusOK))
		var ids, from []string
		for _, r := range found.Requests {
			ids, from = append(ids, r.RequestID), append(from, r.Pod)
		}
		Expect(ids).To(Equal([]string{"a", "b", "c", "d"}))
		Expect(from).To(Equal([]string{"acme-scim-0", "acme-scim-1", "acme-scim-1", "acme-scim-0"}))
		Expect(found.Pods).To(Equal([]string{"acme-scim-0", "acme-scim-1"}))
		Expect(found.SilentPods).To(Equal([]string{"acme-scim-2"}))
	})

	It("is for those who may get scimtenants/log, whatever they prove themselves with", func(ctx SpecContext) {
		alice, robot := withCertificate("alice"), withToken(ctx, "robot")
		for name, config := range map[string]*rest.Config{"alice": alice, "system:serviceaccount:acme:robot": robot} {
			code, _, refused := get(config, "acme", "acme")
			Expect(code).To(Equal(http.StatusForbidden), name)
			Expect(refused.Reason).To(Equal(metav1.StatusReasonForbidden))
			Expect(refused.Message).To(And(ContainSubstring(`"`+name+`"`), ContainSubstring("scimtenants/log")))
			code, _, _ = get(config, "acme", "nobody")
			Expect(code).To(Equal(http.StatusForbidden), "it does not say which tenants there are")
		}
		allow(ctx, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "User", Name: "alice"})
		allow(ctx, rbacv1.Subject{Kind: "ServiceAccount", Namespace: "acme", Name: "robot"})
		for _, config := range []*rest.Config{alice, robot} {
			Eventually(func() int {
				code, _, _ := get(config, "acme", "acme")
				return code
			}).Should(Equal(http.StatusOK))
			code, _, _ := get(config, "default", "acme")
			Expect(code).To(Equal(http.StatusForbidden), "in another namespace")
		}
	})

	It("is for nobody whom the API server does not know", func() {
		bad := rest.AnonymousClientConfig(env.Config)
		bad.BearerToken = "no-token-of-anybody"
		// A certificate that says what it likes, of no CA that anybody knows.
		forged := rest.AnonymousClientConfig(env.Config)
		forged.CertData, forged.KeyData = selfSigned("admin", "system:masters")
		for name, config := range map[string]*rest.Config{"nothing": rest.AnonymousClientConfig(env.Config), "a bad token": bad, "a certificate of nobody": forged} {
			code, _, refused := get(config, "acme", "acme")
			Expect(code).To(Equal(http.StatusUnauthorized), name)
			Expect(refused.Reason).To(Equal(metav1.StatusReasonUnauthorized))
		}
	})

	It("says who may see it that there is no such tenant", func() {
		code, _, refused := get(withCertificate("admin", "system:masters"), "acme", "nobody")
		Expect(code).To(Equal(http.StatusNotFound))
		Expect(refused.Reason).To(Equal(metav1.StatusReasonNotFound))
	})

	It("costs no more memory than is meant for it, however many connections somebody opens", func() {
		var silent []net.Conn
		for range 200 {
			connection, err := net.DialTimeout("tcp", address, time.Second)
			if err != nil {
				break // The backlog is full.
			}
			silent = append(silent, connection)
		}
		Expect(len(silent)).To(BeNumerically(">", 64))
		connection, err := net.DialTimeout("tcp", address, time.Second)
		Expect(err).NotTo(HaveOccurred())
		secured := tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		Expect(secured.SetDeadline(time.Now().Add(time.Second))).To(Succeed())
		Expect(secured.Handshake()).NotTo(Succeed(), "more are served than there is memory for")
		Expect(connection.Close()).To(Succeed())
		Expect(silent[0].SetDeadline(time.Now().Add(30 * time.Second))).To(Succeed())
		_, err = silent[0].Read(make([]byte, 1))
		Expect(err).To(MatchError(io.EOF), "one that says nothing ends soon")
		for _, one := range silent {
			Expect(one.Close()).To(Succeed())
		}
		status, _, _ := get(withCertificate("admin", "system:masters"), "acme", "acme")
		Expect(status).To(Equal(http.StatusOK))
	})

	It("is shown over TLS alone", func() {
		connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		if err == nil {
			Expect(connection.Close()).To(Succeed())
		}
		Expect(err).To(HaveOccurred(), "with TLS 1.2")
	})
})
