package site_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/hack/edge/internal/edgetest"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// One certificate that nginx cannot load would keep the configuration of all others from being loaded.
func TestParseCertificate(t *testing.T) {
	key := func(key crypto.Signer, err error) crypto.Signer {
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	weakRSA := key(rsa.GenerateKey(rand.Reader, 1024))
	weakCurve := key(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	chain, private := edgetest.Certify(t, edgetest.NewKey(t), "acme.example.com")
	_, foreign := edgetest.Certify(t, edgetest.NewKey(t), "acme.example.com")
	weakRSAChain, weakRSAKey := edgetest.Certify(t, weakRSA, "acme.example.com")
	weakCurveChain, weakCurveKey := edgetest.Certify(t, weakCurve, "acme.example.com")
	for name, test := range map[string]struct{ chain, key []byte }{
		"nothing":            {},
		"no key":             {chain, nil},
		"another's key":      {chain, foreign},
		"text":               {[]byte("none"), []byte("none")},
		"half a certificate": {chain[:len(chain)/2], private},
		"a short key of RSA": {weakRSAChain, weakRSAKey},
		"a small curve":      {weakCurveChain, weakCurveKey},
		"too long a chain":   {[]byte(strings.Repeat(string(chain), 11)), private},
	} {
		if certificate, err := site.ParseCertificate(test.chain, test.key); err == nil || certificate != nil {
			t.Errorf("%s is accepted", name)
		} else if strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s is repeated: %v", name, err)
		}
	}
	certificate, err := site.ParseCertificate(append([]byte("ssl_engine injected;\n"), chain...), append([]byte("injected\n"), private...))
	if err != nil {
		t.Fatal(err)
	}
	if string(certificate.Chain()) != string(chain) || strings.Contains(string(certificate.Key()), "injected") {
		t.Errorf("what is written is not the certificate alone: %s", certificate.Chain())
	}
}

func TestMergePrefersWhatCameFirst(t *testing.T) {
	host, err := site.ParseHost("acme.example.com")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := site.ParseCertificate(edgetest.Certify(t, edgetest.NewKey(t), "acme.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	merged := site.Merge([]site.Site{{Host: host, RefuseTLS: true}, {Host: host, Certificate: certificate}, {Host: host}})
	if len(merged) != 1 || merged[0].Certificate != certificate || merged[0].RefuseTLS {
		t.Errorf("the sites are %+v", merged)
	}
}
