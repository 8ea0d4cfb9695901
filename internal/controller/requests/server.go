package requests

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// The API server publishes in a ConfigMap which CA it accepts client certificates of.
	authenticationNamespace = "kube-system"
	authenticationConfig    = "extension-apiserver-authentication"
	clientCAKey             = "client-ca-file"

	shutdownTimeout = 5 * time.Second

	// mostConnections and mostHeaders bound what anybody can make the operator hold in memory, without any credentials:
	// connections, and bytes of the headers of each.
	mostConnections = 64
	mostHeaders     = 32 << 10
)

// Options say where the logs of tenants are shown.
type Options struct {
	// Listener is where, without TLS.
	Listener net.Listener
	// Fetch asks pods; over HTTP when nil.
	Fetch Fetch
	// Live reads at the API server.
	Live client.Reader
}

// SetupWithManager has the manager serve the logs of tenants, in every replica of the operator: one
// that waits for its turn knows the pods, too.
func SetupWithManager(mgr ctrl.Manager, o Options) error {
	clients, err := newClientCA(mgr)
	if err != nil {
		return err
	}
	access, err := newAccess(mgr.GetConfig(), mgr.GetHTTPClient(), clients)
	if err != nil {
		return err
	}
	if o.Fetch == nil {
		o.Fetch = HTTP()
	}
	settings, err := newTLS()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           newAPI(&Gatherer{Cached: mgr.GetClient(), Live: o.Live, Fetch: o.Fetch}, access),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 5 * time.Second,
		MaxHeaderBytes: mostHeaders,
		ErrorLog:       stdlog.New(io.Discard, "", 0), // Whoever opens connections at will writes no lines with it.
	}
	return mgr.Add(&manager.Server{
		Name: "log", Server: server, Listener: tls.NewListener(netutil.LimitListener(o.Listener, mostConnections), settings), ShutdownTimeout: ptr.To(shutdownTimeout),
	})
}

// newClientCA returns the CA that the API server accepts client certificates of, as it is at the
// moment.
func newClientCA(mgr ctrl.Manager) (dynamiccertificates.CAContentProvider, error) {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for the CA of client certificates: %w", err)
	}
	clients, err := dynamiccertificates.NewDynamicCAFromConfigMapController(
		"client-ca", authenticationNamespace, authenticationConfig, clientCAKey, clientset)
	if err != nil {
		return nil, fmt.Errorf("preparing to follow the CA of client certificates: %w", err)
	}
	return clients, mgr.Add(everywhere(func(ctx context.Context) error {
		clients.Run(ctx, 1)
		return nil
	}))
}

// newTLS makes the certificate, which nobody can check, and nobody has to: who comes here has come
// through the API server, which knows the pod. TLS is there for client certificates.
func newTLS() (*tls.Config, error) {
	certificate, key, err := cert.GenerateSelfSignedCertKey("kubescim", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate that was just made: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"http/1.1"},
	}, nil
}

// everywhere is a Runnable of every replica of the operator.
type everywhere func(ctx context.Context) error

// Start implements manager.Runnable.
func (e everywhere) Start(ctx context.Context) error { return e(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (everywhere) NeedLeaderElection() bool { return false }
