package outbound

import (
	"crypto/x509"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// publicAuthorities returns the certificates that vouch for the public: Mozilla's, which are
// in the program, since its image has no others. They take some milliseconds to read, and a
// megabyte of memory once they are, so that they are read for each transport, and forgotten with it.
func publicAuthorities() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate of a public authority: %w", err)
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
		} else {
			pool.AddCertWithConstraint(certificate, root.Constraint)
		}
	}
	return pool, nil
}
