package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kubescim/kubescim/internal/config"
)

// documents are the patterns of the files that tell readers what to apply and to run.
var documents = []string{"*.md", "docs/*.md", "docs/*/*.md", "charts/*/README.md", "cmd/*/README.md"}

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

// foreign are kinds in documents that are no objects of this cluster's: files of other programs, and what these define.
var foreign = []string{"EncryptionConfiguration", "Certificate", "BackendTLSPolicy"}

// applies returns why a text is neither objects that the API server accepts, nor a part of a spec, nor values
// of the chart with a configuration that the operator starts with.
func applies(ctx context.Context, text string) error {
	for document := range strings.SplitSeq(text, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			return fmt.Errorf("reading it: %w", err)
		}
		var err error
		switch {
		case slices.Contains(foreign, object.GetKind()):
		case object.GetKind() != "":
			err = acceptAsWritten(ctx, object)
		case object.Object["spec"] != nil:
			err = acceptPart(ctx, object.Object["spec"].(map[string]any))
		default:
			err = renders(ctx, object.Object)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// acceptAsWritten lets the API server check an object, whose fields must all be known to it.
func acceptAsWritten(ctx context.Context, object *unstructured.Unstructured) error {
	if namespace := object.GetNamespace(); namespace != "" {
		ensure(ctx, namespace)
	}
	// What is there already was accepted before that was found out.
	return client.IgnoreAlreadyExists(live.Create(ctx, object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)))
}

// acceptPart lets the API server check a part of a spec: it must be one of some kind.
func acceptPart(ctx context.Context, part map[string]any) error {
	var refusals []error
	for kind, spec := range minimal {
		object := parse(kind, "part", spec)
		for name, value := range part {
			object.Object["spec"].(map[string]any)[name] = value
		}
		err := acceptAsWritten(ctx, object)
		if err == nil {
			return nil
		}
		refusals = append(refusals, err)
	}
	return errors.Join(refusals...)
}

// renders lets Helm check values of the chart, and the operator what its configuration is then.
func renders(ctx context.Context, values map[string]any) error {
	file := filepath.Join(GinkgoT().TempDir(), "values.yaml")
	write := func(content any) {
		text, err := yaml.Marshal(content)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
	}
	write(values)
	chart := filepath.Join("..", "..", "charts", "kubescim")
	if output, err := exec.CommandContext(ctx, helmProgram(), "template", "kubescim", chart, "--values", file).CombinedOutput(); err != nil {
		return fmt.Errorf("it is neither an object, nor a part of one, nor values of the chart: %w: %s", err, output)
	}
	if values["config"] == nil {
		return nil
	}
	write(values["config"])
	_, err := config.Load(file)
	return err
}

// ensure makes a namespace, unless it is there.
func ensure(ctx context.Context, name string) {
	GinkgoHelper()
	namespace := &unstructured.Unstructured{}
	namespace.SetAPIVersion("v1")
	namespace.SetKind("Namespace")
	namespace.SetName(name)
	Expect(client.IgnoreAlreadyExists(live.Create(ctx, namespace))).To(Succeed())
}

var _ = Describe("What the documents say", func() {
	It("can be applied as it is written, or is a part of what can be", func(ctx SpecContext) {
		for _, snippet := range snippets("yaml") {
			Expect(applies(ctx, snippet.text)).To(Succeed(), "%s: %s", snippet.document, snippet.text)
		}
	})

	It("is in a language that is looked at", func() {
		opening := regexp.MustCompile("(?m)^ *```(.*)$")
		for _, file := range files() {
			byHand, _, _ := strings.Cut(read(file), "<!-- What follows is written by `make generate`. -->")
			for i, fence := range opening.FindAllStringSubmatch(byHand, -1) {
				if i%2 == 0 {
					Expect([]string{"sh", "yaml", "json", "text", "console"}).To(ContainElement(fence[1]), "%s: fence %d", file, i/2)
				}
			}
		}
		for _, snippet := range snippets("json") {
			if strings.Contains(snippet.text, "…") {
				continue // Something is left out.
			}
			values := json.NewDecoder(strings.NewReader(snippet.text))
			for values.More() {
				Expect(values.Decode(new(any))).To(Succeed(), "%s: %s", snippet.document, snippet.text)
			}
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
})
