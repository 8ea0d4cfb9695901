// Package outbound connects to hosts at URLs that others write, over TLS: to issuers of federated keys, and to
// receivers of events.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"

	"github.com/kubescim/kubescim/internal/publicaddress"
)

// Transport returns what connects to a host whose TLS the certificates of caBundle vouch for, which is PEM, or those of
// the public when it is empty. It uses no proxy that the environment names, and dials public addresses and those
// in the networks; the error of others is refused. How long it waits, and how much it reads, the caller bounds.
func Transport(caBundle string, networks []netip.Prefix, refused error) (*http.Transport, error) {
	roots, err := authorities(caBundle)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:              nil,
		DialContext:        (&net.Dialer{Control: control(networks, refused)}).DialContext,
		TLSClientConfig:    &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableCompression: true,
	}, nil
}

// control lets a connection be made if its address is allowed. It is asked for each address
// that a name stands for, when it is dialed.
func control(networks []netip.Prefix, refused error) func(network, address string, c syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !publicaddress.Allowed(at.Addr(), networks) {
			return refused
		}
		return nil
	}
}

// authorities returns the certificates that vouch for a host: those of a bundle in PEM, or those of the
// public when it is empty.
func authorities(caBundle string) (*x509.CertPool, error) {
	if caBundle == "" {
		return publicAuthorities()
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(caBundle)) {
		return nil, errors.New("caBundle has no certificate that can be read; it must be in PEM")
	}
	return pool, nil
}
