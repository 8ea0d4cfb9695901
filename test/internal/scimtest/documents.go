package scimtest

import (
	"os"
	"path/filepath"
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
