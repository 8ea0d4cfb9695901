package e2e

import (
	. "github.com/onsi/ginkgo/v2"
)

// serverLogs are the logs of the tenant's server pods.
func serverLogs(t *tenant) string {
	GinkgoHelper()
	return kubectl("logs", "-n", t.namespace, "-l", "app.kubernetes.io/name=kubescim-server,app.kubernetes.io/instance="+t.name,
		"--all-containers", "--prefix", "--tail=-1")
}

// operatorLogs are the logs of the operator.
func operatorLogs(ctx SpecContext) string {
	GinkgoHelper()
	var logs string
	for _, pod := range operatorPods(ctx) {
		logs += kubectl("logs", "-n", pod.Namespace, pod.Name, "--all-containers", "--prefix", "--tail=-1")
	}
	return logs
}
