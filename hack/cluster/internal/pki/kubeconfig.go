package pki

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// NewKubeconfig renders the kubeconfig of a client, with its key inside: a file that holds all it needs can be
// copied and outlives the folder of the cluster.
func NewKubeconfig(dir layout.Dir, client string) ([]byte, error) {
	var material [3][]byte
	for i, name := range []string{"ca.crt", client + ".crt", client + ".key"} {
		content, err := os.ReadFile(dir.PKI(name))
		if err != nil {
			return nil, fmt.Errorf("read the certificates for the kubeconfig of %s: %w", client, err)
		}
		material[i] = content
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[layout.ContextName] = &clientcmdapi.Cluster{
		Server:                   layout.ServerURL,
		CertificateAuthorityData: material[0],
	}
	config.AuthInfos[client] = &clientcmdapi.AuthInfo{
		ClientCertificateData: material[1],
		ClientKeyData:         material[2],
	}
	config.Contexts[layout.ContextName] = &clientcmdapi.Context{Cluster: layout.ContextName, AuthInfo: client}
	config.CurrentContext = layout.ContextName
	content, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("render the kubeconfig of %s: %w", client, err)
	}
	return content, nil
}

// WriteKubeconfigs writes one kubeconfig per client of the API server.
func WriteKubeconfigs(dir layout.Dir) error {
	for _, client := range clients {
		content, err := NewKubeconfig(dir, client.file)
		if err != nil {
			return err
		}
		if err := layout.WriteIfChanged(dir.Kubeconfig(client.file), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
