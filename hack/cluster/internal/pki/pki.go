// Package pki makes the certificates and keys of the cluster, and the kubeconfigs with them.
//
// It does not use kubeadm's phases (cmd/kubeadm/app/phases/certs and kubeconfig of k8s.io/kubernetes v1.37.2): those have
// no serving certificate of a kubelet and no client certificate of kube-proxy, name contexts and files their own way, and
// write to standard output, where up prints what a shell evaluates. They bring 14 packages, two seconds to compile on two
// cores, forty lines of go.mod, and a module of 22 MB that a checkout with another cluster and a kubectl does not need.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// pkiLifetime is longer than any development cluster lives, so that nothing has to renew certificates.
const pkiLifetime = 10 * 365 * 24 * time.Hour

// identity is a certificate of the cluster. Kubernetes takes the user from the common name and the groups from
// the organizations; a certificate with names or addresses serves too.
type identity struct {
	file          string
	commonName    string
	organizations []string
	dnsNames      []string
	addresses     []string
}

// Clients of the API server, each with its own identity, so that RBAC and the Node authorizer see them apart.
const (
	Admin             = "admin"
	Kubelet           = "kubelet"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	KubeProxy         = "kube-proxy"
)

// clients are the identities that get a kubeconfig.
var clients = []identity{
	{file: Admin, commonName: "kubescim-admin", organizations: []string{"system:masters"}},
	{file: Kubelet, commonName: "system:node:" + layout.NodeName, organizations: []string{"system:nodes"}},
	{file: ControllerManager, commonName: "system:kube-controller-manager"},
	{file: Scheduler, commonName: "system:kube-scheduler"},
	{file: KubeProxy, commonName: "system:kube-proxy"},
}

// servers are the identities of what listens, and of the API server as a client of etcd and the kubelet.
var servers = []identity{
	{
		file: "apiserver", commonName: "kube-apiserver",
		dnsNames: []string{"localhost", layout.NodeName, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		addresses: []string{layout.Loopback, layout.NodeAddress, layout.ServiceAddress},
	},
	{
		file: "kubelet-server", commonName: "system:node:" + layout.NodeName,
		dnsNames: []string{layout.NodeName}, addresses: []string{layout.NodeAddress, layout.Loopback},
	},
	{file: "etcd", commonName: "etcd", dnsNames: []string{"localhost"}, addresses: []string{layout.Loopback}},
	{file: "apiserver-etcd-client", commonName: "kube-apiserver-etcd-client"},
	{
		file: "apiserver-kubelet-client", commonName: "kube-apiserver-kubelet-client",
		organizations: []string{"system:masters"},
	},
}

// FrontProxyClient names the files and the user of the API server towards APIs that others serve.
const FrontProxyClient = "front-proxy-client"

// frontProxy is the API server towards APIs that others serve on its behalf. It has an authority of its own: who
// is trusted to name the user of a request must not be mixed up with users.
var frontProxy = identity{file: FrontProxyClient, commonName: FrontProxyClient}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// Ensure makes all certificates and keys unless they are there. They appear together, by the rename of a
// folder: a killed run leaves either all or none.
func Ensure(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temporary := dir + ".new"
	if err := os.RemoveAll(temporary); err != nil {
		return fmt.Errorf("remove half-made certificates: %w", err)
	}
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		return fmt.Errorf("make the folder for certificates: %w", err)
	}
	if err := writePKI(temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, dir); err != nil {
		return fmt.Errorf("put the certificates in place: %w", err)
	}
	return nil
}

// writePKI makes the authorities, everything that they sign, and the key for ServiceAccount tokens.
func writePKI(dir string) error {
	if err := writeAuthority(dir, "ca", append(append([]identity{}, clients...), servers...)...); err != nil {
		return err
	}
	if err := writeAuthority(dir, "front-proxy-ca", frontProxy); err != nil {
		return err
	}
	return writeServiceAccountKey(dir)
}

// writeAuthority makes an authority and the certificates of identities that it signs.
func writeAuthority(dir, name string, identities ...identity) error {
	ca, err := newAuthority(layout.ContextName + "-" + name)
	if err != nil {
		return err
	}
	if err := writePair(dir, name, ca.certificate.Raw, ca.key); err != nil {
		return err
	}
	for _, identity := range identities {
		certificate, key, err := ca.issue(identity)
		if err != nil {
			return err
		}
		if err := writePair(dir, identity.file, certificate, key); err != nil {
			return err
		}
	}
	return nil
}

// newAuthority makes a self-signed authority.
func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the certificate authority: %w", err)
	}
	template, err := newTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority back: %w", err)
	}
	return &authority{certificate: certificate, key: key}, nil
}

// issue makes the certificate and key of an identity.
func (a *authority) issue(id identity) (certificate []byte, key crypto.Signer, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the key of %s: %w", id.file, err)
	}
	template, err := newTemplate(pkix.Name{CommonName: id.commonName, Organization: id.organizations})
	if err != nil {
		return nil, nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	template.DNSNames = id.dnsNames
	for _, address := range id.addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	if len(id.dnsNames)+len(id.addresses) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	certificate, err = x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign the certificate of %s: %w", id.file, err)
	}
	return certificate, key, nil
}

// newTemplate is what all certificates have in common. They start an hour ago, for clocks that get set back.
func newTemplate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(pkiLifetime),
	}, nil
}

// writePair writes NAME.crt and NAME.key.
func writePair(dir, name string, certificate []byte, key crypto.Signer) error {
	if err := writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", certificate); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key of %s: %w", name, err)
	}
	return writePEM(filepath.Join(dir, name+".key"), "PRIVATE KEY", der)
}

// writeServiceAccountKey writes the pair that signs and checks the tokens of ServiceAccounts. It is RSA because
// that is what every client of the token issuer understands.
func writeServiceAccountKey(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("make the key for ServiceAccount tokens: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode the key for ServiceAccount tokens: %w", err)
	}
	if err := writePEM(filepath.Join(dir, "service-account.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, "service-account.key"), "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

// writePEM writes one block, readable by its owner alone.
func writePEM(path, kind string, der []byte) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
