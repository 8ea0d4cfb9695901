package chart_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// What a program may export is what docs/metrics.md has, and nothing else.
func TestMetricsAreDocumented(t *testing.T) {
	quoted := regexp.MustCompile(`"(kubescim_[a-z_]+)"`)
	var exported []string
	err := filepath.WalkDir(root+"/internal", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, found := range quoted.FindAllStringSubmatch(string(text), -1) {
			exported = append(exported, found[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, found := range regexp.MustCompile("`(kubescim_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if name := found[1]; name != "kubescim_" {
			documented = append(documented, name)
		}
	}
	unique := func(all []string) []string {
		slices.Sort(all)
		return slices.Compact(all)
	}
	NewWithT(t).Expect(unique(documented)).To(Equal(unique(exported)))
}
