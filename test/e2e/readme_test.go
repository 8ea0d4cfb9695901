package e2e

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// readme is the document that begins with how to come to a provisioned user.
const readme = "../../README.md"

// forwarding is a command that goes on in the background.
var forwarding = regexp.MustCompile(`(?m)^(kubectl port-forward .*?)(?: >\S+)? &\n`)

// freePort returns a port of this machine that nobody listens at.
func freePort(ctx context.Context) string {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}

var _ = Describe("README", func() {
	It("leads from an operator to a provisioned user, and shows what is printed then", func(ctx SpecContext) {
		namespace, port := NewNamespace(ctx, "readme"), freePort(ctx)
		// Everything is as it is written, but for the namespace and the port of this machine.
		here := strings.NewReplacer("-n acme", "-n "+namespace, "namespace: acme\n", "namespace: "+namespace+"\n", "acme-scim.acme.svc",
			"acme-scim."+namespace+".svc", "Namespace: acme", "Namespace: "+namespace, "8080", port).Replace

		_, customer, _ := strings.Cut(ManifestIn(readme), "---\n") // What comes first is the Namespace.
		ApplyText(here(customer))
		_, waits, _ := strings.Cut(Documented("../..", "../README.md", "apply -f acme.yaml"), "acme.yaml\n")
		_, err := RunShell(here(waits))
		Expect(err).NotTo(HaveOccurred())
		TokenOf(namespace, "entra")

		plays := here(Documented("../..", "../README.md", "port-forward"))
		forward := exec.CommandContext(ctx, "bash", "-c", "exec "+forwarding.FindStringSubmatch(plays)[1])
		Expect(forward.Start()).To(Succeed())
		DeferCleanup(func() {
			_ = forward.Process.Kill()
			_ = forward.Wait() // It says that it was killed.
		})
		answer, err := RunShell(forwarding.ReplaceAllString(plays, ""))
		Expect(err).NotTo(HaveOccurred())
		Expect(answer).To(ContainSubstring(`"userName":"alice.martin@acme.example.com"`))

		commands := PrintedIn(readme)
		Expect(len(commands)).To(BeNumerically(">", 3))
		for _, command := range commands {
			By(command.Command)
			Eventually(func() ([]string, error) {
				output, err := RunShell(here(command.Command))
				return Shape(output), err
			}).WithTimeout(90*time.Second).WithPolling(2*time.Second).Should(Equal(lines(here(strings.Join(Shape(command.Output), "\n")))), "README shows something else than is printed")
		}
	})
})
