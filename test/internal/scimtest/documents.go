package scimtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Documented returns the commands of a document of a checkout, from one fence to the next, that
// have a text in them.
func Documented(checkout, document, text string) string {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(checkout, "docs", document))
	Expect(err).NotTo(HaveOccurred())
	for _, block := range strings.Split(string(content), "```sh\n")[1:] {
		commands, _, _ := strings.Cut(block, "```")
		if strings.Contains(commands, text) {
			return commands
		}
	}
	Fail("docs/" + document + " has no commands with " + text)
	return ""
}

// Printed is what a document says that a command prints.
type Printed struct{ Command, Output string }

var (
	// printed is a command with what it prints, from one fence to the next.
	printed = regexp.MustCompile("(?ms)^```text\n\\$ (.*?)\n(.*?)\n```$")
	// manifests are objects, from one fence to the next.
	manifests = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	// changing is what is another thing with each run: ids, key ids, times and ages.
	changing = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[a-z2-7]{16}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z|\b(\d+[dhms])+\b`)
)

// PrintedIn returns the commands of a document that stand with what they print.
func PrintedIn(document string) (all []Printed) {
	GinkgoHelper()
	content, err := os.ReadFile(document)
	Expect(err).NotTo(HaveOccurred())
	for _, found := range printed.FindAllStringSubmatch(string(content), -1) {
		all = append(all, Printed{Command: found[1], Output: found[2]})
	}
	return all
}

// ManifestIn returns the first manifest of a document.
func ManifestIn(document string) string {
	GinkgoHelper()
	content, err := os.ReadFile(document)
	Expect(err).NotTo(HaveOccurred())
	found := manifests.FindStringSubmatch(string(content))
	Expect(found).NotTo(BeNil(), document)
	return found[1]
}

// Shape is what a text that was printed has in common with that of another run: its words, without
// those that change, and without the spaces that follow from how long they are.
func Shape(text string) []string {
	var shape []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		shape = append(shape, strings.Join(strings.Fields(changing.ReplaceAllString(line, "…")), " "))
	}
	return shape
}
