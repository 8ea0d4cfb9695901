package e2e

import (
	. "github.com/onsi/ginkgo/v2"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// serverLogs are the logs of the tenant's server pods.
func serverLogs(t *Tenant) string {
	GinkgoHelper()
	return Kubectl("logs", "-n", t.Namespace, "-l", "app.kubernetes.io/name=kubescim-server,app.kubernetes.io/instance="+t.Name,
		"--all-containers", "--prefix", "--tail=-1")
}

// operatorLogs are the logs of the operator.
func operatorLogs(ctx SpecContext) string {
	GinkgoHelper()
	var logs string
	for _, pod := range OperatorPods(ctx) {
		logs += Kubectl("logs", "-n", pod.Namespace, pod.Name, "--all-containers", "--prefix", "--tail=-1")
	}
	return logs
}
