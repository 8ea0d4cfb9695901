package listen_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kubescim/kubescim/internal/server/listen"
)

// mount is a folder as the kubelet has one for a Secret: all of its files change at once, by a link.
type mount struct {
	*WithT
	folder string
	number int64
}

func newMount(g *WithT, t *testing.T) *mount {
	t.Helper()
	log.SetLogger(logr.Discard()) // What is said of certificates that cannot be read, on purpose.
	return &mount{WithT: g, folder: t.TempDir()}
}

// write puts files there.
func (m *mount) write(certificate, key []byte) {
	m.number++
	version := fmt.Sprintf("..version%d", m.number)
	m.Expect(os.Mkdir(filepath.Join(m.folder, version), 0o700)).To(Succeed())
	for name, content := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		m.Expect(os.WriteFile(filepath.Join(m.folder, version, name), content, 0o600)).To(Succeed())
		if m.number == 1 {
			m.Expect(os.Symlink(filepath.Join("..data", name), filepath.Join(m.folder, name))).To(Succeed())
		}
	}
	m.Expect(os.Symlink(version, filepath.Join(m.folder, "..new"))).To(Succeed())
	m.Expect(os.Rename(filepath.Join(m.folder, "..new"), filepath.Join(m.folder, "..data"))).To(Succeed())
	m.Expect(os.RemoveAll(filepath.Join(m.folder, fmt.Sprintf("..version%d", m.number-1)))).To(Succeed())
}

// certify puts a new certificate for 127.0.0.1 there, with its key, and returns it.
func (m *mount) certify() *x509.Certificate {
	certificate, chain, key := selfSigned(m.WithT, m.number)
	m.write(chain, key)
	return certificate
}

func selfSigned(g *WithT, number int64) (certificate *x509.Certificate, chain, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(number + 1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}, &x509.Certificate{SerialNumber: big.NewInt(number + 1)}, private.Public(), private)
	g.Expect(err).NotTo(HaveOccurred())
	certificate, err = x509.ParseCertificate(der)
	g.Expect(err).NotTo(HaveOccurred())
	marshaled, err := x509.MarshalPKCS8PrivateKey(private)
	g.Expect(err).NotTo(HaveOccurred())
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: marshaled})
}

// trusting returns a client that accepts some certificates alone.
func trusting(certificates ...*x509.Certificate) *http.Client {
	roots := x509.NewCertPool()
	for _, one := range certificates {
		roots.AddCert(one)
	}
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}}
}

// secured serves over TLS, and without.
type secured struct {
	*mount
	registry       *prometheus.Registry
	address, plain string
}

func newSecured(t *testing.T, m *mount) *secured {
	t.Helper()
	s := &secured{mount: m, registry: prometheus.NewRegistry(), address: free(m.WithT), plain: free(m.WithT)}
	secure, err := listen.NewSecure(s.address, m.folder, "acme", s.registry)
	s.Expect(err).NotTo(HaveOccurred())
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	options := listen.Options{Address: s.plain, Secure: secure, HealthAddress: free(m.WithT), Linger: time.Second}
	go func() { ended <- listen.Serve(ctx, options, &namer{}, s.registry) }()
	go func() { ended <- secure.Run(ctx) }()
	t.Cleanup(func() {
		end()
		for range 2 {
			s.Eventually(ended).WithTimeout(20 * time.Second).Should(Receive(BeNil()))
		}
	})
	s.Eventually(fresh(s.plain)).WithTimeout(20 * time.Second).Should(Equal("[]"))
	return s
}

// get sends a request over TLS, and returns the certificate that was presented.
func (s *secured) get(client *http.Client) (*x509.Certificate, error) {
	response, err := client.Get("https://" + s.address + "/trusted")
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 1 {
		err = fmt.Errorf("it is answered with %s %s", response.Proto, response.Status)
	}
	_, _ = io.Copy(io.Discard, response.Body) // So that the connection can be used again.
	_ = response.Body.Close()
	return response.TLS.PeerCertificates[0], err
}

// A certificate is replaced while requests come: no one fails, connections that are open stay, and new ones
// see the new certificate.
func TestACertificateIsReloadedUnderLoad(t *testing.T) {
	m := newMount(NewWithT(t), t)
	former := m.certify()
	s := newSecured(t, m)
	next, chain, key := selfSigned(s.WithT, 100)
	lasting := trusting(former)
	s.Expect(s.get(lasting)).To(Equal(former))

	var clients sync.WaitGroup
	stop, failures := make(chan struct{}), make(chan error, 100)
	for range 4 {
		clients.Go(func() {
			kept := trusting(former, next)
			for {
				alone := trusting(former, next)
				for _, client := range []*http.Client{kept, alone} {
					if _, err := s.get(client); err != nil {
						failures <- err
						return
					}
				}
				alone.CloseIdleConnections()
				select {
				case <-stop:
					kept.CloseIdleConnections()
					return
				default:
				}
			}
		})
	}
	s.write(chain, key)
	only := trusting(next)
	s.Eventually(func() (*x509.Certificate, error) { return s.get(only) }).WithTimeout(30 * time.Second).Should(Equal(next))
	close(stop)
	clients.Wait()
	s.Expect(failures).NotTo(Receive())
	s.Expect(s.get(lasting)).To(Equal(former), "over the connection that was opened before")
}

// A certificate that cannot be read leaves the one that was, and counts.
func TestACertificateThatCannotBeReadChangesNothing(t *testing.T) {
	m := newMount(NewWithT(t), t)
	former := m.certify()
	s := newSecured(t, m)
	_, chain, _ := selfSigned(s.WithT, 100)
	_, _, key := selfSigned(s.WithT, 101)
	before := s.metric("kubescim_server_certificate_read_errors_total")
	s.write(chain, key)
	s.Eventually(func() float64 { return s.metric("kubescim_server_certificate_read_errors_total") }).
		WithTimeout(30 * time.Second).Should(BeNumerically(">", before))
	s.Expect(s.get(trusting(former))).To(Equal(former))
	s.Expect(s.metric("kubescim_server_certificate_expiry_timestamp_seconds")).To(BeEquivalentTo(former.NotAfter.Unix()))

	_, err := s.get(trusting())
	s.Expect(err).To(MatchError(ContainSubstring("unknown authority")))
	s.Eventually(func() float64 { return s.metric("kubescim_tls_handshake_failures_total") }).Should(BeEquivalentTo(1))

	next := s.certify()
	s.Eventually(func() (*x509.Certificate, error) { return s.get(trusting(next)) }).WithTimeout(30 * time.Second).Should(Equal(next))
}

// metric returns the value of one that the pod has.
func (s *secured) metric(name string) float64 {
	families, err := s.registry.Gather()
	s.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() == name {
			metric := family.GetMetric()[0]
			return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return -1
}

func TestATLSPortNeedsACertificate(t *testing.T) {
	m := newMount(NewWithT(t), t)
	_, err := listen.NewSecure(free(m.WithT), m.folder, "acme", prometheus.NewRegistry())
	m.Expect(err).To(MatchError(And(ContainSubstring("tls.secretName"), ContainSubstring("tls.crt"))))
	m.write([]byte("none"), []byte("none"))
	_, err = listen.NewSecure(free(m.WithT), m.folder, "acme", prometheus.NewRegistry())
	m.Expect(err).To(HaveOccurred())
}

// Old versions of TLS are refused, and the connections over TLS are bounded as the others are.
func TestConnectionsOverTLS(t *testing.T) {
	m := newMount(NewWithT(t), t)
	certificate := m.certify()
	s := newSecured(t, m)
	old := trusting(certificate)
	old.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS10
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	_, err := s.get(old)
	s.Expect(err).To(MatchError(ContainSubstring("protocol version")))

	good := trusting(certificate)
	s.Expect(s.get(good)).To(Equal(certificate))
	for range 1100 { // which is more than there may be
		connection, err := net.DialTimeout("tcp", s.address, 5*time.Second)
		s.Expect(err).NotTo(HaveOccurred())
		defer func() { _ = connection.Close() }()
	}
	s.Expect(s.get(good)).To(Equal(certificate), "who has sent a good token is not closed for those who did not")
	s.Eventually(func() float64 { return s.metric("kubescim_connections_shed_total") }).Should(BeNumerically(">", 0))
}
