package scimtest

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/test/internal/planted"
)

// InstallPlugin builds the plugin of kubectl from a checkout, with what completes its commands, and
// has kubectl find it until the spec, or the suite that it is installed before, has ended.
func InstallPlugin(checkout string) {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	// As it is built everywhere else, so that tests with the race detector, which have cgo on, compile nothing anew.
	_, err := runProgram(10*time.Minute, "env", "", "CGO_ENABLED=0", "go", "build", "-C", checkout, "-o", filepath.Join(folder, "kubectl-scim"), "./cmd/kubectl-scim")
	Expect(err).NotTo(HaveOccurred())
	const completing = "kubectl_complete-scim"
	script, err := os.ReadFile(filepath.Join(checkout, "cmd", "kubectl-scim", completing))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(folder, completing), script, 0o700)).To(Succeed())
	GinkgoT().Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// GenerateToken makes a token for a ScimApiKey with the plugin, and returns it and the
// manifest of its ScimCredential.
func GenerateToken(namespace, key string, flags ...string) (token, manifest string) {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "token")
	manifest = Kubectl(append([]string{"scim", "key", "generate", "--namespace", namespace, "--key", key, "--token-file", file}, flags...)...)
	text, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	NoteToken(string(text))
	return string(text), manifest
}

// NoteToken notes a token, which must not be seen anywhere.
func NoteToken(token string) {
	notes.Add(planted.Credential, "a token in a file", strings.TrimSpace(token))
}
