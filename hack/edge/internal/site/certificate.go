package site

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// longestChain bounds the certificates of one Secret.
const longestChain = 10

// shortestRSA is the least that the OpenSSL of Debian accepts, in bits.
const shortestRSA = 2048

// signatures are the algorithms that the OpenSSL of Debian accepts in the chain of a server.
var signatures = []x509.SignatureAlgorithm{
	x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
	x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519,
}

// Certificate is a chain and the key of its first certificate, in PEM.
type Certificate struct{ chain, key []byte }

// ParseCertificate reads what a Secret of type kubernetes.io/tls has. nginx refuses a whole configuration for one certificate
// that it cannot load, so it gets those only that it can, and written anew.
func ParseCertificate(chain, key []byte) (*Certificate, error) {
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, errors.New("its certificate and key cannot be read, or are not of each other") // without a part of the key
	}
	if len(pair.Certificate) > longestChain {
		return nil, fmt.Errorf("its chain has more than %d certificates", longestChain)
	}
	certificate := &Certificate{}
	for i, der := range pair.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of its chain cannot be read", i+1)
		}
		if !slices.Contains(signatures, one.SignatureAlgorithm) {
			return nil, fmt.Errorf("certificate %d of its chain is signed by %s, which clients accept no longer", i+1, one.SignatureAlgorithm)
		}
		if !isStrong(one.PublicKey) {
			return nil, fmt.Errorf("the key of certificate %d of its chain is none of RSA with %d bits or more, P-256, P-384, P-521 or Ed25519", i+1, shortestRSA)
		}
		certificate.chain = append(certificate.chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return nil, errors.New("its key cannot be written")
	}
	certificate.key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return certificate, nil
}

// isStrong reports whether the OpenSSL of Debian accepts a key.
func isStrong(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= shortestRSA
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	case ed25519.PublicKey:
		return true
	default:
		return false
	}
}

// ID is the same for the same chain and key, and says nothing of them.
func (c *Certificate) ID() string {
	sum := sha256.Sum256(append(slices.Clone(c.chain), c.key...))
	return hex.EncodeToString(sum[:16])
}

// Chain is the chain in PEM.
func (c *Certificate) Chain() []byte { return c.chain }

// Key is the key in PEM.
func (c *Certificate) Key() []byte { return c.key }
