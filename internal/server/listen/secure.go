package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher/metrics"
)

// Secure is the SCIM API over TLS: the same server, within the same bound of connections, at a port of
// its own. Make it with NewSecure.
type Secure struct {
	at      string
	watcher *certwatcher.CertWatcher
	failed  prometheus.Counter // handshakes
}

// NewSecure returns the SCIM API over TLS at an address, with the certificate in a folder which a Secret
// of type kubernetes.io/tls is mounted at. It fails if that cannot be read.
//
// tenant is a label of metrics; empty for many.
func NewSecure(address, folder, tenant string, registry prometheus.Registerer) (*Secure, error) {
	watcher, err := certwatcher.New(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("reading the certificate that the SCIM API presents over TLS, which the Secret in tls.secretName must have: %w", err)
	}
	s := &Secure{at: address, watcher: watcher, failed: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "kubescim_tls_handshake_failures_total",
		Help: "Connections that ended before TLS was agreed upon, for example since the client did not trust the certificate.",
	})}
	registry = prometheus.WrapRegistererWith(prometheus.Labels{"tenant": tenant}, registry)
	registry.MustRegister(s.failed, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kubescim_server_certificate_expiry_timestamp_seconds",
		Help: "When the certificate ends that the pod presents, as seconds since 1970.",
	}, s.expiry), prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "kubescim_server_certificate_read_errors_total",
		Help: "How often the certificate or its key could not be read, so that the former one stays.",
	}, readErrors))
	return s, nil
}

// Run goes by the certificate in the folder, until the context is done: connections that are made after a
// change see the new one, and those that are open stay. One that cannot be read changes nothing, is in the
// log, and counts as an error.
func (s *Secure) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if err := s.watcher.Start(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("following the certificate that the SCIM API presents over TLS: %w", err)
	}
	return nil
}

// address is where to listen; empty for nowhere.
func (s *Secure) address() string {
	if s == nil {
		return ""
	}
	return s.at
}

// wrap returns a listener whose connections speak TLS, if it is for them.
//
// They speak HTTP/1.1 over it, as without TLS. By HTTP/2, who has no token could send hundreds of requests
// at a time over each connection, and what bounds connections would bound nothing.
func (s *Secure) wrap(listener net.Listener) net.Listener {
	if s == nil {
		return listener
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: s.watcher.GetCertificate,
	})
}

// errorLog is that of the HTTP server. Handshakes that fail are counted instead: anybody can have as many
// of them as they want.
func (s *Secure) errorLog() *log.Logger {
	if s == nil {
		return nil
	}
	return log.New(handshakes{s.failed}, "", 0)
}

// handshakes passes on all but what net/http says of handshakes that fail.
type handshakes struct{ failed prometheus.Counter }

// Write implements io.Writer.
func (h handshakes) Write(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte("http: TLS handshake error ")) {
		h.failed.Inc()
	} else {
		log.Print(string(line))
	}
	return len(line), nil
}

// readErrors is how often the watcher could not read a certificate, as it counts for the process.
func readErrors() float64 {
	counted := &dto.Metric{}
	if err := metrics.ReadCertificateErrors.Write(counted); err != nil {
		return 0
	}
	return counted.GetCounter().GetValue()
}

// expiry is when the certificate ends.
func (s *Secure) expiry() float64 {
	certificate, err := s.watcher.GetCertificate(nil)
	if err != nil || certificate == nil || certificate.Leaf == nil {
		return 0
	}
	return float64(certificate.Leaf.NotAfter.Unix())
}
