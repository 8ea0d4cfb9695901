package driver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// newCertificate makes the certificate of this process, and the key, which never
// leaves it. Nobody looks at what the certificate says: peers compare its
// fingerprint with the one in the Lease.
func newCertificate() (tls.Certificate, readindex.Fingerprint, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, readindex.Fingerprint{}, fmt.Errorf("making a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "kubescim replica"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(100, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, readindex.Fingerprint{}, fmt.Errorf("making a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, sha256.Sum256(der), nil
}

// listenConfig asks who dials for a certificate, any certificate: the hello that
// follows says in whose Lease its fingerprint must be.
func listenConfig(own *identity) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{own.certificate},
		ClientAuth:             tls.RequireAnyClientCert,
		NextProtos:             offers(own.protocols),
		SessionTicketsDisabled: true,
	}
}

// dialConfig accepts the one certificate with the fingerprint.
func dialConfig(own *identity, wanted readindex.Fingerprint) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{own.certificate},
		NextProtos:   offers(own.protocols),
		// The fingerprint takes the place of a chain and a name.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection is stricter.
		VerifyConnection: func(state tls.ConnectionState) error {
			if fingerprintOf(state) != wanted {
				return errors.New("the certificate is not the one in the replica's Lease")
			}
			return nil
		},
	}
}

// fingerprintOf returns the fingerprint of the certificate whose key the other
// side has proved to have.
func fingerprintOf(state tls.ConnectionState) readindex.Fingerprint {
	if len(state.PeerCertificates) == 0 {
		return readindex.Fingerprint{}
	}
	return sha256.Sum256(state.PeerCertificates[0].Raw)
}
