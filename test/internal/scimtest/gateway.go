package scimtest

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// gatewayAPI are the kinds of the Gateway API that specs use, as their definitions are named.
var gatewayAPI = []string{"gatewayclasses", "gateways", "httproutes", "backendtlspolicies", "referencegrants"}

// InstallGatewayAPI installs the definitions of the Gateway API, of the standard channel and the version that the module hack
// requires, and removes them after the spec. The cluster is another one for everybody meanwhile: such a spec is Serial.
func InstallGatewayAPI() {
	GinkgoHelper()
	const module = "sigs.k8s.io/gateway-api"
	var downloaded struct{ Dir string }
	output, err := RunShell("go -C ../../hack mod download -json " + module)
	Expect(err).NotTo(HaveOccurred())
	Expect(json.Unmarshal([]byte(output), &downloaded)).To(Succeed())
	var files, names []string
	for _, kind := range gatewayAPI {
		files = append(files, "--filename="+filepath.Join(downloaded.Dir, "config", "crd", "standard", "gateway.networking.k8s.io_"+kind+".yaml"))
		names = append(names, fmt.Sprintf("customresourcedefinition/%s.gateway.networking.k8s.io", kind))
	}
	DeferCleanup(RemoveGatewayAPI)
	Kubectl(append([]string{"apply", "--server-side"}, files...)...) // They are too large for an annotation.
	Kubectl(append([]string{"wait", "--for=condition=Established", "--timeout=60s"}, names...)...)
}

// RemoveGatewayAPI removes those definitions, and all objects of these kinds.
func RemoveGatewayAPI() {
	GinkgoHelper()
	args := []string{"delete", "customresourcedefinition", "--ignore-not-found", "--timeout=60s"}
	for _, kind := range gatewayAPI {
		args = append(args, kind+".gateway.networking.k8s.io")
	}
	Kubectl(args...)
}
