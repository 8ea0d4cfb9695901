package scimtest

import (
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

// Person is somebody with a kubeconfig of their own, and no rights but those that a spec has
// given them.
type Person struct{ kubeconfig string }

// NewPerson makes a ServiceAccount, and a kubeconfig for it.
func NewPerson(namespace, name string) Person {
	GinkgoHelper()
	Kubectl("create", "serviceaccount", name, "-n", namespace)
	return PersonWith(strings.TrimSpace(Kubectl("create", "token", name, "-n", namespace)))
}

// PersonWith makes a kubeconfig for who has a token.
func PersonWith(token string) Person {
	GinkgoHelper()
	settings, err := config.GetConfig()
	Expect(err).NotTo(HaveOccurred())
	Expect(rest.LoadTLSFiles(settings)).To(Succeed())
	const only = "only"
	content := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{only: {
			Server: settings.Host, CertificateAuthorityData: settings.CAData, InsecureSkipTLSVerify: settings.Insecure, TLSServerName: settings.ServerName,
		}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{only: {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{only: {Cluster: only, AuthInfo: only}},
		CurrentContext: only,
	}
	file := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(clientcmd.WriteToFile(content, file)).To(Succeed())
	return Person{kubeconfig: file}
}

// Kubectl runs kubectl as the person. The error has what it says about a failure.
func (p Person) Kubectl(input string, args ...string) (string, error) {
	return RunKubectl(input, append([]string{"--kubeconfig=" + p.kubeconfig}, args...)...)
}

// Run runs commands of a document, as the person types them. The error has what they say about a failure.
func (p Person) Run(commands string) error {
	_, err := runProgram(3*time.Minute, "env", "", "KUBECONFIG="+p.kubeconfig, "bash", "-euo", "pipefail", "-c", commands)
	return err
}
