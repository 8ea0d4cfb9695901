package operand

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

var begins = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// certificateFor is a certificate in PEM for hosts, of which one year is valid.
func certificateFor(t *testing.T, hosts ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begins, NotAfter: begins.AddDate(1, 0, 0), DNSNames: hosts}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestReadCertificate(t *testing.T) {
	own, issuer := certificateFor(t, "acme.example.com", "*.globex.example.com"), certificateFor(t, "issuer.example.com")
	key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("key")})
	for name, chain := range map[string][]byte{
		"one":                   own,
		"a chain":               append(bytes.Clone(own), issuer...),
		"behind something else": append(bytes.Clone(key), own...),
		"with text before":      append([]byte("subject=CN acme\n"), own...),
	} {
		t.Run(name, func(t *testing.T) {
			certificate, err := ReadCertificate(chain)
			if err != nil {
				t.Fatal(err)
			}
			for host, is := range map[string]bool{
				"acme.example.com": true, "ACME.example.com": true, "scim.globex.example.com": true,
				"issuer.example.com": false, "x.acme.example.com": false, "a.b.globex.example.com": false, "globex.example.com": false,
			} {
				if certificate.IsFor(host) != is {
					t.Errorf("it is for %s: %v", host, !is)
				}
			}
			if !certificate.Begins().Equal(begins) || !certificate.Expires().Equal(begins.AddDate(1, 0, 0)) {
				t.Errorf("valid from %v to %v", certificate.Begins(), certificate.Expires())
			}
		})
	}
	for name, chain := range map[string][]byte{
		"nothing":            nil,
		"a key":              key,
		"no PEM":             []byte("acme"),
		"no certificate":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("acme")}),
		"half a block":       own[:len(own)/2],
		"more than is read":  append(bytes.Repeat([]byte("#\n"), certificateLimit/2), own...),
		"a request for some": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("acme")}),
	} {
		if _, err := ReadCertificate(chain); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
