package local

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// newKubeconfig renders the kubeconfig of a client, with its key inside: a file that holds all it needs can be
// copied and outlives the folder of the cluster.
func newKubeconfig(dir stateDir, client string) ([]byte, error) {
	var material [3][]byte
	for i, name := range []string{"ca.crt", client + ".crt", client + ".key"} {
		content, err := os.ReadFile(dir.pki(name))
		if err != nil {
			return nil, fmt.Errorf("read the certificates for the kubeconfig of %s: %w", client, err)
		}
		material[i] = content
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[ContextName] = &clientcmdapi.Cluster{
		Server:                   serverURL,
		CertificateAuthorityData: material[0],
	}
	config.AuthInfos[client] = &clientcmdapi.AuthInfo{
		ClientCertificateData: material[1],
		ClientKeyData:         material[2],
	}
	config.Contexts[ContextName] = &clientcmdapi.Context{Cluster: ContextName, AuthInfo: client}
	config.CurrentContext = ContextName
	content, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("render the kubeconfig of %s: %w", client, err)
	}
	return content, nil
}

// writeKubeconfigs writes one kubeconfig per client of the API server.
func writeKubeconfigs(dir stateDir) error {
	for _, client := range clients {
		content, err := newKubeconfig(dir, client.file)
		if err != nil {
			return err
		}
		if err := writeIfChanged(dir.kubeconfig(client.file), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
