// Package upgrade tests the upgrade from an earlier operator to the present one, on a real cluster, under requests.
// `make e2e` runs it after the other end-to-end tests, since it installs the earlier operator over the present one.
package upgrade

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// root is the checkout, seen from this folder.
const root = "../../.."

func TestUpgrade(t *testing.T) { RunSuite(t, "Kubescim in an upgrade") }

var _ = BeforeSuite(func(ctx SpecContext) {
	Connect(ctx, "make e2e")
	DeferCleanup(installPresent)
	run(ctx, 15*time.Minute, "hack/upgrade/install-previous.sh")
})

var _ = AfterSuite(func(ctx SpecContext) { ExpectNoNamespaceLeft(ctx) })

var _ = JustAfterEach(ReportFailure)

// run starts a program in the root of the checkout. The spec fails with what it prints when it fails.
func run(ctx context.Context, limit time.Duration, name string, args ...string) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = root
	output, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "%s %s: %s", name, strings.Join(args, " "), output)
	GinkgoWriter.Printf("%s\n", output)
}

// image is the image of the present operator, as its name and its tag.
func image() (name, tag string) {
	GinkgoHelper()
	name, tag, found := strings.Cut(os.Getenv("IMG"), ":")
	Expect(found).To(BeTrue(), "IMG is to be the name and the tag of the image that the cluster has; run `make e2e`")
	return name, tag
}

// installPresent upgrades to the operator of this checkout.
func installPresent() {
	GinkgoHelper()
	name, tag := image()
	_, err := RunHelm("", "upgrade", "--install", OperatorKey.Name, root+"/charts/kubescim",
		"--reset-values", "--set", "image.repository="+name, "--set", "image.tag="+tag, "--wait", "--timeout", "3m")
	Expect(err).NotTo(HaveOccurred())
}
