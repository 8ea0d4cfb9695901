package operand

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// certificateLimit bounds what is read of a certificate, in bytes. A chain of five
// takes some 10 KiB.
const certificateLimit = 256 << 10

// Certificate is what a certificate says about itself.
type Certificate struct {
	leaf *x509.Certificate
}

// ReadCertificate reads the first certificate of a chain in PEM, as it is in a
// Secret of type kubernetes.io/tls under corev1.TLSCertKey.
func ReadCertificate(chain []byte) (Certificate, error) {
	if len(chain) > certificateLimit {
		return Certificate{}, fmt.Errorf("it has %d bytes, and may have %d", len(chain), certificateLimit)
	}
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			leaf, err := x509.ParseCertificate(block.Bytes)
			return Certificate{leaf: leaf}, err
		}
	}
	return Certificate{}, errors.New(corev1.TLSCertKey + " has no certificate in PEM")
}

// IsFor reports whether the certificate is for a host.
func (c Certificate) IsFor(host string) bool { return c.leaf.VerifyHostname(host) == nil }

// Begins returns when the certificate begins to be valid.
func (c Certificate) Begins() time.Time { return c.leaf.NotBefore }

// Expires returns when the certificate ends to be valid.
func (c Certificate) Expires() time.Time { return c.leaf.NotAfter }
