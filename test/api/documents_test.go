package api

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kubescim/kubescim/internal/config"
)

// documents are the patterns of the files that tell readers what to apply and to run.
var documents = []string{"README.md", "docs/*.md", "docs/*/*.md", "charts/*/README.md", "cmd/*/README.md"}

// snippet is a piece of a document between two fences.
type snippet struct{ document, text string }

var fenced = regexp.MustCompile("(?ms)^( *)```(\\w+)\n(.*?)^ *```$")

// files returns the documents.
func files() (all []string) {
	for _, pattern := range documents {
		found, err := filepath.Glob(filepath.Join("..", "..", pattern))
		Expect(err).NotTo(HaveOccurred())
		Expect(found).NotTo(BeEmpty(), pattern)
		all = append(all, found...)
	}
	return all
}

func read(file string) string {
	content, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

// snippets returns those of all documents that are in a language, without what they are
// indented by.
func snippets(language string) (all []snippet) {
	for _, file := range files() {
		for _, found := range fenced.FindAllStringSubmatch(read(file), -1) {
			if found[2] == language {
				all = append(all, snippet{document: file, text: strings.ReplaceAll("\n"+found[3], "\n"+found[1], "\n")})
			}
		}
	}
	return all
}

// anchors returns what the headings of a document are known by in links to them.
func anchors(file string) (all []string) {
	for _, heading := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(fenced.ReplaceAllString(read(file), ""), -1) {
		dropped := regexp.MustCompile("[^a-z0-9 _-]")
		all = append(all, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-"))
	}
	return all
}

// minimal are specs with no more than what is required, into which a document's part of a
// spec is put.
var minimal = map[string]string{
	"ScimTenant": "{identityProvider: Generic}",
	"ScimApiKey": "{tenantRef: {name: acme}}",
	"ScimUser":   "{tenantRef: {name: acme}, userName: babs@example.com, meta: {createdTime: '2026-05-01T12:00:00.000000Z', lastModifiedTime: '2026-05-01T12:00:00.000000Z'}}",
}

// applied is an object of a document; nil if the text is none.
func applied(text string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte(text), &object.Object)).To(Succeed(), text)
	if object.GetKind() == "" || object.GetKind() == "EncryptionConfiguration" { // A file of the API server.
		return nil
	}
	return object
}

// acceptAsWritten lets the API server check an object, whose fields must all be known to it.
func acceptAsWritten(ctx context.Context, object *unstructured.Unstructured) error {
	if namespace := object.GetNamespace(); namespace != "" {
		ensure(ctx, metav1.NamespaceDefault, "v1", "Namespace", namespace, "{}")
	}
	return live.Create(ctx, object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
}

// ensure creates an object unless it is there.
func ensure(ctx context.Context, namespace, apiVersion, kind, name, spec string) {
	GinkgoHelper()
	object := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte("spec: "+spec), &object.Object)).To(Succeed())
	object.SetAPIVersion(apiVersion)
	object.SetKind(kind)
	object.SetName(name)
	if kind != "Namespace" {
		object.SetNamespace(namespace)
	}
	err := live.Create(ctx, object)
	Expect(err == nil || apierrors.IsAlreadyExists(err)).To(BeTrue(), "%v", err)
}

// preamble lets a command of a document change nothing, and sets the variables that the
// commands before it have set.
const preamble = `kubectl() { command kubectl "$@" --dry-run=server; }; issued=2026-01-01T00:00:00Z; token=kscim_6i3kyoluoc4o2yfp_secret; `

var _ = Describe("What the documents say", func() {
	It("can be applied as it is written", func(ctx SpecContext) {
		for _, snippet := range snippets("yaml") {
			for text := range strings.SplitSeq(snippet.text, "\n---\n") {
				if object := applied(text); object != nil {
					Expect(acceptAsWritten(ctx, object)).To(Succeed(), "%s: %s", snippet.document, text)
				}
			}
		}
	})

	It("has parts of specs that fit into one", func(ctx SpecContext) {
		for _, snippet := range snippets("yaml") {
			part := struct {
				Kind string         `json:"kind"`
				Spec map[string]any `json:"spec"`
			}{}
			if strings.Contains(snippet.text, "\n---\n") || yaml.Unmarshal([]byte(snippet.text), &part) != nil || part.Kind != "" || part.Spec == nil {
				continue
			}
			var refusals []error
			for kind, spec := range minimal {
				object := parse(kind, "acme", spec)
				for name, value := range part.Spec {
					object.Object["spec"].(map[string]any)[name] = value
				}
				refusals = append(refusals, acceptAsWritten(ctx, object))
			}
			Expect(refusals).To(ContainElement(BeNil()), "%s: %s", snippet.document, snippet.text)
		}
	})

	It("leads where it says", func() {
		link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]*))?\)`)
		for _, file := range files() {
			text := read(file)
			for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
				target := file
				if found[1] != "" {
					target = filepath.Join(filepath.Dir(file), found[1])
					Expect(target).To(BeAnExistingFile(), "%s: %s", file, found[0])
				}
				if found[2] != "" {
					Expect(anchors(target)).To(ContainElement(found[2]), "%s: %s", file, found[0])
				}
			}
		}
	})

	It("has figures in README that stand where it says that they were measured", func() {
		figure, link := regexp.MustCompile(`(?m)^\| (\*\*.*) \| .*\]\(([^)#]*).*$`), regexp.MustCompile(`\*\*(.*?)\*\*`)
		readme := filepath.Join("..", "..", "README.md")
		rows := figure.FindAllStringSubmatch(read(readme), -1)
		Expect(rows).To(HaveLen(3))
		for _, row := range rows {
			for _, number := range link.FindAllStringSubmatch(row[1], -1) {
				Expect(read(filepath.Join("..", "..", row[2]))).To(ContainSubstring(number[1]), row[0])
			}
		}
	})

	It("has configurations of the operator that it starts with", func() {
		started := 0
		for _, snippet := range snippets("yaml") {
			values := struct {
				Config map[string]any `json:"config"`
			}{}
			if strings.Contains(snippet.text, "\n---\n") || yaml.Unmarshal([]byte(snippet.text), &values) != nil || values.Config == nil {
				continue
			}
			content, err := yaml.Marshal(values.Config)
			Expect(err).NotTo(HaveOccurred())
			file := filepath.Join(GinkgoT().TempDir(), "config.yaml")
			Expect(os.WriteFile(file, content, 0o600)).To(Succeed())
			_, err = config.Load(file)
			Expect(err).NotTo(HaveOccurred(), snippet.text)
			started++
		}
		Expect(started).To(BeNumerically(">", 0))
	})

	It("has commands that change what is there, as they are written", func(ctx SpecContext) {
		kubeconfig := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
		Expect(os.WriteFile(kubeconfig, environment.KubeConfig, 0o600)).To(Succeed())
		changing := regexp.MustCompile(`(?m)^kubectl (?:patch|annotate) (scimtenant|scimapikey|scimcredential) (\S+) -n (\S+) .*$`)
		run := 0
		for _, snippet := range snippets("sh") {
			text := strings.ReplaceAll(snippet.text, "\\\n", " ")
			for _, command := range changing.FindAllStringSubmatch(text, -1) {
				kind, name, namespace := command[1], command[2], command[3]
				ensure(ctx, "", "v1", "Namespace", namespace, "{}")
				made := map[string][2]string{
					"scimtenant":     {"ScimTenant", "{identityProvider: Okta}"},
					"scimapikey":     {"ScimApiKey", "{tenantRef: {name: " + namespace + "}}"},
					"scimcredential": {"ScimCredential", "{apiKeyRef: {name: okta}, sha256: " + strings.Repeat("ab", 32) + ", issueTime: '2026-01-01T00:00:00Z'}"},
				}[kind]
				ensure(ctx, namespace, "scim.kubescim.dev/v1alpha1", made[0], name, made[1])
				bash := exec.CommandContext(ctx, "bash", "-ec", preamble+command[0])
				bash.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+os.Getenv("KUBEBUILDER_ASSETS")+":"+os.Getenv("PATH"))
				output, err := bash.CombinedOutput()
				Expect(err).NotTo(HaveOccurred(), "%s: %s: %s", snippet.document, command[0], output)
				run++
			}
		}
		Expect(run).To(BeNumerically(">", 5))
	})
})
