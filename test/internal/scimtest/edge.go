package scimtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EdgeClass is the IngressClass of the edge, the nginx of the local cluster.
const EdgeClass = "kubescim-local-nginx"

// EdgeAddress is where that nginx listens for clients, over TLS.
const EdgeAddress = "127.0.0.1:10443"

// Authority signs certificates, as whoever provides for the hosts of tenants does.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes an authority that nobody trusts but the clients that are given it.
func NewAuthority() *Authority {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := certificateTemplate()
	template.Subject = pkix.Name{CommonName: "Authority of a test"}
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	return &Authority{certificate: certificate, key: key}
}

func certificateTemplate() *x509.Certificate {
	GinkgoHelper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	Expect(err).NotTo(HaveOccurred())
	return &x509.Certificate{SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
}

// Secret is one of type kubernetes.io/tls, with a new certificate for hosts.
func (a *Authority) Secret(namespace, name string, hosts ...string) *corev1.Secret {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := certificateTemplate()
	template.DNSNames, template.KeyUsage = hosts, x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		},
	}
}

// Trust is what a client has that trusts the authority.
func (a *Authority) Trust() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// ThroughEdge returns a client of a URL whose host the edge serves, with a certificate that the client trusts.
func ThroughEdge(base, token string, trust *tls.Config) *Client {
	GinkgoHelper()
	target, err := url.Parse(base)
	Expect(err).NotTo(HaveOccurred())
	return NewClient(base, token).With("Host", target.Host).by(way{address: EdgeAddress, tls: trust})
}

// From returns the client with an address of its own, of this machine.
func (c *Client) From(address string) *Client {
	changed := c.way
	changed.from = net.ParseIP(address)
	return c.by(changed)
}

// PresentedByEdge is the certificate that the edge presents for a host; an error when it refuses connections to it.
func PresentedByEdge(host string) (*x509.Certificate, error) {
	dialer := &tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 2 * time.Second},
		Config:    &tls.Config{ServerName: host, InsecureSkipVerify: true}, // It is looked at, and not trusted.
	}
	connection, err := dialer.Dial("tcp", EdgeAddress)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}
