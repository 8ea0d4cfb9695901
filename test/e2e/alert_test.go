package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// lasting is a line of a document by which a program is started that goes on.
var lasting = regexp.MustCompile(`(?m)^(.*) &\n`)

var _ = Describe("docs/metrics.md", func() {
	It("lets somebody see an alert, on the cluster of the quickstart", func(ctx SpecContext) {
		t := Serve(ctx, "alerting", scimv1alpha1.IdentityProviderEntra, OneReplica)
		CreateUsers(t.Service, 2)
		folder, metrics, web := GinkgoT().TempDir(), freePort(ctx), freePort(ctx)
		root, err := filepath.Abs(checkout)
		Expect(err).NotTo(HaveOccurred())
		// Everything is as it is written, but for names, folders and ports of this machine.
		here := strings.NewReplacer("source .quickstart/env\n", "", "hack/prometheus/get.sh bin\n", "", "bin/prometheus", os.Getenv("PROMETHEUS"),
			".quickstart", folder, "../config", root+"/config", "kubescim 8443", "kubescim "+metrics+":8443", "127.0.0.1:8443", "127.0.0.1:"+metrics,
			"127.0.0.1:9090", "127.0.0.1:"+web, "scimtenant acme -n acme", "scimtenant "+t.Name+" -n "+t.Namespace)

		commands := here.Replace(Documented(checkout, "metrics.md", "get.sh"))
		DeferCleanup(func() { Shell(here.Replace(Documented(checkout, "metrics.md", `"seats":null`))) })
		_, err = RunShell(lasting.ReplaceAllString(commands, ""))
		Expect(err).NotTo(HaveOccurred())
		programs := lasting.FindAllStringSubmatch(commands, -1)
		Expect(programs).To(HaveLen(2))
		for _, program := range programs {
			goesOn := exec.Command("bash", "-c", "exec "+program[1])
			Expect(goesOn.Start()).To(Succeed())
			DeferCleanup(func() {
				_ = goesOn.Process.Kill()
				_ = goesOn.Wait() // It says that it was killed.
			})
		}
		alert, err := RunShell(here.Replace(Documented(checkout, "metrics.md", "KubescimSeatsNearlyTaken")))
		Expect(err).NotTo(HaveOccurred())
		Expect(alert).To(ContainSubstring("KubescimSeatsNearlyTaken"))
	})
})
