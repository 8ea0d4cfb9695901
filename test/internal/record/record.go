// Package record writes what drills measured into a document, one section for each
// drill, and leaves the sections of drills that did not run as they are.
package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"
)

// heading begins a section.
const heading = "## "

// Section is what one drill found.
type Section struct {
	// Name is the heading. A drill that is renamed leaves its old section behind.
	Name string
	// Text is the rest, in Markdown.
	Text string
}

// Write puts the results of a run into the document at path.
func Write(path string, report types.Report) error {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the results of earlier drills: %w", err)
	}
	where, err := circumstances(filepath.Dir(path))
	if err != nil {
		return err
	}
	merged := Merge(string(content), sections(report, where))
	if err := os.WriteFile(path, []byte(merged), 0o644); err != nil {
		return fmt.Errorf("write the results of drills: %w", err)
	}
	return nil
}

// sections are one for each spec that ran.
func sections(report types.Report, where string) []Section {
	var found []Section
	for _, spec := range report.SpecReports {
		if spec.LeafNodeType != types.NodeTypeIt || spec.State.Is(types.SpecStateSkipped|types.SpecStatePending) {
			continue
		}
		found = append(found, Section{Name: spec.FullText(), Text: describe(spec, where)})
	}
	return found
}

// describe tells how a drill ended, where, and what it measured.
func describe(spec types.SpecReport, where string) string {
	var text strings.Builder
	outcome := "Passed"
	if spec.Failed() {
		outcome = "**Failed**"
	}
	fmt.Fprintf(&text, "%s after %s, on %s, %s.\n", outcome, spec.RunTime.Round(time.Second), spec.StartTime.Format("2 January 2006"), where)
	started := false
	for _, entry := range spec.ReportEntries {
		if entry.Visibility != types.ReportEntryVisibilityAlways {
			continue // What is shown of a failure alone is no result.
		}
		if !started {
			text.WriteString("\n| | |\n|---|---|\n")
			started = true
		}
		fmt.Fprintf(&text, "| %s | %s |\n", cell(entry.Name), cell(entry.StringRepresentation()))
	}
	return text.String()
}

// cell is a text that fits into one cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

// Merge puts sections into a document: each in the place of the one of its name, or else at the end.
func Merge(document string, sections []Section) string {
	parts := split(document)
	for _, section := range sections {
		text := heading + section.Name + "\n\n" + strings.TrimSpace(section.Text) + "\n"
		replaced := false
		for i, part := range parts {
			if name, _, _ := strings.Cut(part, "\n"); name == heading+section.Name {
				parts[i], replaced = text, true
			}
		}
		if !replaced {
			parts = append(parts, text)
		}
	}
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part) + "\n"
	}
	return strings.Join(parts, "\n")
}

// split cuts a document before each heading of a section. What is before the first one is the first part.
func split(document string) []string {
	if strings.TrimSpace(document) == "" {
		return nil
	}
	var parts []string
	for line := range strings.Lines(document) {
		if len(parts) == 0 || strings.HasPrefix(line, heading) {
			parts = append(parts, "")
		}
		parts[len(parts)-1] += line
	}
	return parts
}

// circumstances are what a result depends on: the commit of the checkout that dir is in, and the machine.
func circumstances(dir string) (string, error) {
	commit, err := git(dir, "rev-parse", "--short=10", "HEAD")
	if err != nil {
		return "", err
	}
	changed, err := git(dir, "status", "--porcelain", "--", ":(top)", ":(top,exclude)docs")
	if err != nil {
		return "", err
	}
	if changed != "" {
		commit += " with changes that are not committed"
	}
	return fmt.Sprintf("at commit %s, on a machine with %d cores", commit, runtime.NumCPU()), nil
}

// git asks about the checkout.
func git(dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("ask git which commit the drills ran at: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
