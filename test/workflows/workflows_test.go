// Package workflows checks what GitHub would run, as far as that can be seen without it. The workflows' own language is
// checked by actionlint, in `make lint`.
package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// root is the checkout, seen from here.
const root = "../.."

// workflow is the part of a workflow that is looked at.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		Permissions map[string]string `json:"permissions"`
		Steps       []struct {
			Run string `json:"run"`
		} `json:"steps"`
	} `json:"jobs"`
}

// texts returns the workflows by their files.
func texts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no workflows: %v", err)
	}
	found := map[string]string{}
	for _, file := range files {
		found[filepath.Base(file)] = read(t, file)
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func parse(t *testing.T, text string) (found workflow) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// Whoever can move a tag of an action could run what they like with the rights of a job. A commit cannot be moved.
func TestActionsArePinnedByCommit(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	pinned := regexp.MustCompile(`^(\./\.github/workflows/[a-z]+\.yaml|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	for file, text := range texts(t) {
		for _, found := range uses.FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(found[1]) {
				t.Errorf("%s uses %s: name the commit, and its version in a comment", file, found[1])
			}
		}
	}
}

func TestNoJobHasRightsThatItDoesNotName(t *testing.T) {
	for file, text := range texts(t) {
		found := parse(t, text)
		if found.Permissions == nil || len(found.Permissions) > 0 {
			t.Errorf("%s must begin without rights, with `permissions: {}`", file)
		}
		for name, job := range found.Jobs {
			if len(job.Permissions) == 0 {
				t.Errorf("the job %s of %s says nothing of its permissions", name, file)
			}
		}
	}
}

// What is called by make or as a script of the checkout is there, in the workflows and in .ci/run.
func TestWhatIsCalledIsThere(t *testing.T) {
	texts := texts(t)
	commands := map[string]string{".ci/run": read(t, filepath.Join(root, ".ci", "run"))}
	for file, text := range texts {
		for _, job := range parse(t, text).Jobs {
			for _, step := range job.Steps {
				commands[file] += step.Run + "\n"
			}
		}
	}
	makefile := read(t, filepath.Join(root, "Makefile"))
	target := regexp.MustCompile(`(?m)(?:^|[;&]|then) *(?:make|step)((?: +-\S+(?: install)?)*) +([a-z][a-z0-9-]*)\b`)
	script := regexp.MustCompile(`(?:^|[\s;])((?:hack|\.ci)/[\w./-]+)`)
	seen := 0
	for file, text := range commands {
		for _, found := range target.FindAllStringSubmatch(text, -1) {
			seen++
			if !regexp.MustCompile(`(?m)^` + found[2] + `:`).MatchString(makefile) {
				t.Errorf("%s calls make %s, which the Makefile has not", file, found[2])
			}
		}
		for _, found := range script.FindAllStringSubmatch(text, -1) {
			seen++
			if info, err := os.Stat(filepath.Join(root, found[1])); err != nil || !info.IsDir() && info.Mode()&0o100 == 0 {
				t.Errorf("%s calls %s, which is no program of the checkout (%v)", file, found[1], err)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d calls were found", seen)
	}
}

func TestNotesOfAVersionAreThoseOfTheChangelog(t *testing.T) {
	notes := func(version string) (string, error) {
		output, err := exec.Command(filepath.Join(root, "hack", "release", "notes.sh"), version).CombinedOutput()
		return string(output), err
	}
	unreleased, err := notes("Unreleased")
	if err != nil {
		t.Fatalf("%v: %s", err, unreleased)
	}
	if !strings.Contains(read(t, filepath.Join(root, "CHANGELOG.md")), "## [Unreleased]\n"+unreleased) || strings.Contains(unreleased, "\n## ") {
		t.Errorf("the notes are not the section of the changelog, but %s", unreleased)
	}
	if missing, err := notes("v99.0.0"); err == nil || !strings.Contains(missing, "CHANGELOG.md says nothing of 99.0.0") {
		t.Errorf("a version that the changelog lacks has notes: %s", missing)
	}
}
