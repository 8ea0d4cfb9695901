package controllertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// SelfSigned returns a certificate for a host, in PEM, that is valid from a time on
// for so long.
func SelfSigned(host string, from time.Time, lifetime time.Duration) ([]byte, error) {
	pair, err := SelfSignedPair(host, from, lifetime)
	return pair[corev1.TLSCertKey], err
}

// SelfSignedPair returns a certificate as SelfSigned does, with its private key, as the data of a Secret of
// type kubernetes.io/tls.
func SelfSignedPair(host string, from time.Time, lifetime time.Duration) (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: from, NotAfter: from.Add(lifetime),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}
