package api

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kubescim/kubescim/test/internal/tool"
)

// others are programs in documents that are no part of Kubescim: a document is an example of how
// they go with it, and what comes of that is tried on the cluster, if anywhere.
var others = []string{"curl", "docker", "kind", "etcdctl", "etcdutl", "install", "prometheus", "promtool"}

// saved is a manifest that a reader is asked to write into a file.
var saved = regexp.MustCompile("(?s)`([a-z-]+\\.yaml)`[^`]{0,40}\n\n```yaml\n(.*?)\n```")

// terminal is where the commands of a document are typed: a folder with what a checkout has, and
// with programs that change nothing.
type terminal struct {
	folder      string
	environment []string
}

// newTerminal makes one, at an API server that has what the documents are about.
func newTerminal(ctx context.Context) terminal {
	GinkgoHelper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	Expect(err).NotTo(HaveOccurred())
	programs, err := filepath.Abs(filepath.Join("testdata", "documents"))
	Expect(err).NotTo(HaveOccurred())
	folder := GinkgoT().TempDir()
	for _, name := range []string{"charts", "cmd", "config", "hack", "docs", "Makefile"} {
		Expect(os.Symlink(filepath.Join(root, name), filepath.Join(folder, name))).To(Succeed())
	}
	more := GinkgoT().TempDir()
	for _, name := range others {
		Expect(os.Symlink(filepath.Join(programs, "other"), filepath.Join(more, name))).To(Succeed())
	}
	kubeconfig := filepath.Join(more, "kubeconfig")
	for file, content := range map[string]string{
		kubeconfig: string(withContexts(environment.KubeConfig, "old", "new")),
		filepath.Join(folder, ".quickstart", "env"): "SCIM_URL=http://localhost SCIM_TOKEN=token",
		filepath.Join(folder, "leaked.jwt"):         "e30.e30.e30",
		filepath.Join(folder, "acme-users.json"):    `{"items": []}`, // Of docs/backup.md.
		filepath.Join(folder, "acme.ndjson"):        "",
	} {
		Expect(os.MkdirAll(filepath.Dir(file), 0o700)).To(Succeed())
		Expect(os.WriteFile(file, []byte(content), 0o600)).To(Succeed())
	}
	realMake, err := exec.LookPath("make")
	Expect(err).NotTo(HaveOccurred())
	objects, err := os.ReadFile(filepath.Join("testdata", "documents", "objects.yaml"))
	Expect(err).NotTo(HaveOccurred())
	for text := range strings.SplitSeq(string(objects), "\n---\n") {
		object := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal([]byte(text), &object.Object)).To(Succeed())
		status := object.Object["status"]
		Expect(client.IgnoreAlreadyExists(live.Create(ctx, object))).To(Succeed(), text)
		if object.GetKind() != "Namespace" { // No namespace goes without a controller manager.
			DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(live.Delete(ctx, object))).To(Succeed()) })
		}
		if status != nil {
			object.Object["status"] = status
			Expect(live.Status().Update(ctx, object)).To(Succeed(), text)
		}
	}
	return terminal{folder: folder, environment: append(os.Environ(),
		"KUBECONFIG="+kubeconfig, "HOME="+more, "DOCUMENTS="+programs, "HELM="+helmProgram(), "MAKE_PROGRAM="+realMake, "CHECKOUT="+root,
		"PATH="+strings.Join([]string{programs, more, os.Getenv("PATH")}, string(os.PathListSeparator)))}
}

// withContexts adds contexts for the cluster of a kubeconfig, where a document is about two clusters.
func withContexts(kubeconfig []byte, names ...string) []byte {
	GinkgoHelper()
	config, err := clientcmd.Load(kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	for _, name := range names {
		config.Contexts[name] = config.Contexts[config.CurrentContext]
	}
	written, err := clientcmd.Write(*config)
	Expect(err).NotTo(HaveOccurred())
	return written
}

// helmProgram returns where Helm is.
func helmProgram() string {
	GinkgoHelper()
	program, err := tool.Helm()
	Expect(err).NotTo(HaveOccurred())
	return program
}

// run types all commands of a document, one block after the other.
func (t terminal) run(ctx context.Context, document string, blocks []snippet) error {
	for _, file := range saved.FindAllStringSubmatch(read(document), -1) {
		if err := os.WriteFile(filepath.Join(t.folder, file[1]), []byte(file[2]), 0o600); err != nil {
			return err
		}
	}
	script := `source "$DOCUMENTS/prelude.sh"` + "\n"
	for _, block := range blocks {
		script += fmt.Sprintf("block=%q\n%s\n", strings.SplitN(strings.TrimSpace(block.text), "\n", 2)[0], block.text)
	}
	bash := exec.CommandContext(ctx, "bash", "-c", script)
	bash.Dir, bash.Env = t.folder, t.environment
	if output, err := bash.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", document, err, output)
	}
	return nil
}

var _ = Describe("The commands of documents", func() {
	It("can be typed as they are written", func(ctx SpecContext) {
		t := newTerminal(ctx)
		typed := map[string][]snippet{}
		for _, block := range snippets("sh") {
			typed[block.document] = append(typed[block.document], block)
		}
		var failures []string
		for document, blocks := range typed {
			if err := t.run(ctx, document, blocks); err != nil {
				failures = append(failures, err.Error())
			}
		}
		Expect(failures).To(BeEmpty())
	})
})
