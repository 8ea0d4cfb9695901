// Package edgetest is what tests of the edge have in common: objects from files, certificates, and the configuration that is
// made of them, compared with the one that is kept.
package edgetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"math/big"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/nginx"
	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

var rewrite = flag.Bool("rewrite", false, "write the configurations in testdata anew")

// certify is what a Secret in a file has in place of a certificate, to get one.
const certify = "example.com/certify"

// codecs read objects of Kubernetes and of the Gateway API.
var codecs = func() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(gatewayv1.Install(scheme))
	return serializer.NewCodecFactory(scheme)
}()

// Read reads objects, in YAML. A Secret with the annotation example.com/certify gets a certificate for that name.
func Read(t *testing.T, file string) *objects.Objects {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := &objects.Objects{}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		object, _, err := codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if secret, ok := object.(*corev1.Secret); ok && secret.Annotations[certify] != "" {
			chain, key := Certify(t, NewKey(t), secret.Annotations[certify])
			secret.Data = map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: key}
		}
		found.Add(object)
	}
	return found
}

// NewKey makes a key as most certificates have one.
func NewKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Certify makes a certificate that is signed by its own key, and writes both in PEM.
func Certify(t *testing.T, signer crypto.Signer, host string) (chain, key []byte) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

// Settings are those of the tests.
func Settings(t *testing.T) nginx.Settings {
	t.Helper()
	fallback, err := site.ParseCertificate(Certify(t, NewKey(t), "edge.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	return nginx.Settings{
		Directory: "/edge", User: "nobody", Fallback: fallback,
		Listen: netip.MustParseAddrPort("127.0.0.1:10443"), Health: netip.MustParseAddrPort("127.0.0.1:10444"),
	}
}

// Expect compares what is made of sites with the configuration in a file. What is another in each run has a name in it.
func Expect(t *testing.T, file string, o *objects.Objects, sites []site.Site) {
	t.Helper()
	settings := Settings(t)
	made, err := nginx.Render(settings, sites)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{made.Generation, "GENERATION", settings.Fallback.ID(), "FALLBACK"}
	for key, secret := range o.Secrets {
		if certificate, err := site.ParseCertificate(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); err == nil {
			names = append(names, certificate.ID(), strings.ToUpper(key.Name))
		}
	}
	got := []byte(strings.NewReplacer(names...).Replace(made.Text))
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the configuration is another than %s has, which -args -rewrite writes anew:\n%s", file, got)
	}
}
