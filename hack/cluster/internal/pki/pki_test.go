package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// newTestPKI makes the certificates of a cluster in a folder of its own.
func newTestPKI(t *testing.T) layout.Dir {
	t.Helper()
	dir := layout.Dir(t.TempDir())
	if err := Ensure(dir.Path("pki")); err != nil {
		t.Fatalf("Ensure: %v", err)
	}
	return dir
}

// readCertificate reads a certificate and checks that its key belongs to it.
func readCertificate(t *testing.T, dir layout.Dir, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(dir.PKI(name+".crt"), dir.PKI(name+".key"))
	if err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
	return pair.Leaf
}

func TestCertificates(t *testing.T) {
	dir := newTestPKI(t)
	pools := map[string]*x509.CertPool{}
	for _, name := range []string{"ca", "front-proxy-ca"} {
		pools[name] = x509.NewCertPool()
		pools[name].AddCert(readCertificate(t, dir, name))
	}
	client, server := x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth
	tests := []struct {
		name, authority, host string
		usage                 x509.ExtKeyUsage
		want                  bool
	}{
		{name: "admin", authority: "ca", usage: client, want: true},
		{name: "admin", authority: "ca", usage: server, want: false},
		{name: "admin", authority: "front-proxy-ca", usage: client, want: false},
		{name: "front-proxy-client", authority: "front-proxy-ca", usage: client, want: true},
		{name: "front-proxy-client", authority: "ca", usage: client, want: false},
		{name: "apiserver", authority: "ca", usage: server, host: layout.Loopback, want: true},
		{name: "apiserver", authority: "ca", usage: server, host: layout.NodeAddress, want: true},
		{name: "apiserver", authority: "ca", usage: server, host: layout.ServiceAddress, want: true},
		{name: "apiserver", authority: "ca", usage: server, host: "kubernetes.default.svc", want: true},
		{name: "apiserver", authority: "ca", usage: server, host: "example.com", want: false},
		{name: "kubelet-server", authority: "ca", usage: server, host: layout.NodeAddress, want: true},
		{name: "etcd", authority: "ca", usage: server, host: layout.Loopback, want: true},
		{name: "etcd", authority: "ca", usage: client, want: true},
		{name: "etcd", authority: "ca", usage: server, host: layout.NodeAddress, want: false},
	}
	for _, test := range tests {
		_, err := readCertificate(t, dir, test.name).Verify(x509.VerifyOptions{
			Roots: pools[test.authority], DNSName: test.host, KeyUsages: []x509.ExtKeyUsage{test.usage},
		})
		if (err == nil) != test.want {
			t.Errorf("%s as %v for %q by %s: error %v, want it good: %t",
				test.name, test.usage, test.host, test.authority, err, test.want)
		}
	}
}

func TestKubeletIsANode(t *testing.T) {
	subject := readCertificate(t, newTestPKI(t), Kubelet).Subject
	if subject.CommonName != "system:node:kubescim" || len(subject.Organization) != 1 ||
		subject.Organization[0] != "system:nodes" {
		t.Errorf("the kubelet is %v, which the Node authorizer does not know", subject)
	}
}

func TestEnsure(t *testing.T) {
	dir := newTestPKI(t)
	before := readCertificate(t, dir, "ca")
	if err := Ensure(dir.Path("pki")); err != nil {
		t.Fatalf("Ensure again: %v", err)
	}
	if !before.Equal(readCertificate(t, dir, "ca")) {
		t.Error("a second call replaced the authority")
	}
	files, err := filepath.Glob(dir.PKI("*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(file), info.Mode().Perm())
		}
	}
}

func TestEnsureAfterAKill(t *testing.T) {
	dir := layout.Dir(t.TempDir())
	if err := os.MkdirAll(dir.Path("pki.new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Path("pki.new", "ca.crt"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(dir.Path("pki")); err != nil {
		t.Fatalf("Ensure: %v", err)
	}
	content, err := os.ReadFile(dir.PKI("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(content); block == nil {
		t.Error("the half-written certificate was kept")
	}
}

func TestNewKubeconfig(t *testing.T) {
	content, err := NewKubeconfig(newTestPKI(t), Admin)
	if err != nil {
		t.Fatalf("NewKubeconfig: %v", err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatalf("read the kubeconfig: %v", err)
	}
	if config.Host != layout.ServerURL || config.Insecure || len(config.CAData) == 0 {
		t.Errorf("the kubeconfig leads to %s (insecure: %t, %d bytes of authority), want %s with an authority",
			config.Host, config.Insecure, len(config.CAData), layout.ServerURL)
	}
	if _, err := tls.X509KeyPair(config.CertData, config.KeyData); err != nil {
		t.Errorf("the client certificate: %v", err)
	}
}
