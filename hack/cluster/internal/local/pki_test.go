package local

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// newTestPKI makes the certificates of a cluster in a folder of its own.
func newTestPKI(t *testing.T) stateDir {
	t.Helper()
	dir := stateDir(t.TempDir())
	if err := ensurePKI(dir.path("pki")); err != nil {
		t.Fatalf("ensurePKI: %v", err)
	}
	return dir
}

// readCertificate reads a certificate and checks that its key belongs to it.
func readCertificate(t *testing.T, dir stateDir, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(dir.pki(name+".crt"), dir.pki(name+".key"))
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
		{name: "apiserver", authority: "ca", usage: server, host: loopback, want: true},
		{name: "apiserver", authority: "ca", usage: server, host: nodeAddress, want: true},
		{name: "apiserver", authority: "ca", usage: server, host: serviceAddress, want: true},
		{name: "apiserver", authority: "ca", usage: server, host: "kubernetes.default.svc", want: true},
		{name: "apiserver", authority: "ca", usage: server, host: "example.com", want: false},
		{name: "kubelet-server", authority: "ca", usage: server, host: nodeAddress, want: true},
		{name: "etcd", authority: "ca", usage: server, host: loopback, want: true},
		{name: "etcd", authority: "ca", usage: client, want: true},
		{name: "etcd", authority: "ca", usage: server, host: nodeAddress, want: false},
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
	subject := readCertificate(t, newTestPKI(t), clientKubelet).Subject
	if subject.CommonName != "system:node:kubescim" || len(subject.Organization) != 1 ||
		subject.Organization[0] != "system:nodes" {
		t.Errorf("the kubelet is %v, which the Node authorizer does not know", subject)
	}
}

func TestEnsurePKI(t *testing.T) {
	dir := newTestPKI(t)
	before := readCertificate(t, dir, "ca")
	if err := ensurePKI(dir.path("pki")); err != nil {
		t.Fatalf("ensurePKI again: %v", err)
	}
	if !before.Equal(readCertificate(t, dir, "ca")) {
		t.Error("a second call replaced the authority")
	}
	files, err := filepath.Glob(dir.pki("*"))
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

func TestEnsurePKIAfterAKill(t *testing.T) {
	dir := stateDir(t.TempDir())
	if err := os.MkdirAll(dir.path("pki.new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.path("pki.new", "ca.crt"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ensurePKI(dir.path("pki")); err != nil {
		t.Fatalf("ensurePKI: %v", err)
	}
	content, err := os.ReadFile(dir.pki("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(content); block == nil {
		t.Error("the half-written certificate was kept")
	}
}

func TestNewKubeconfig(t *testing.T) {
	content, err := newKubeconfig(newTestPKI(t), clientAdmin)
	if err != nil {
		t.Fatalf("newKubeconfig: %v", err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatalf("read the kubeconfig: %v", err)
	}
	if config.Host != serverURL || config.Insecure || len(config.CAData) == 0 {
		t.Errorf("the kubeconfig leads to %s (insecure: %t, %d bytes of authority), want %s with an authority",
			config.Host, config.Insecure, len(config.CAData), serverURL)
	}
	if _, err := tls.X509KeyPair(config.CertData, config.KeyData); err != nil {
		t.Errorf("the client certificate: %v", err)
	}
}
