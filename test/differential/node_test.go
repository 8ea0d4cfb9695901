package differential

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// nodeTimeout bounds a run of a script over all of its cases.
const nodeTimeout = 2 * time.Minute

// ask sends each case to a script of node/ as a line of JSON, and returns the
// answers, which the script gives in the same order.
func ask[Case, Answer any](t *testing.T, script string, cases []Case) []Answer {
	t.Helper()
	if _, err := os.Stat("node_modules"); err != nil {
		t.Fatalf("the packages to compare with are not installed; run 'make differential': %v", err)
	}
	var in, out, problems bytes.Buffer
	lines := json.NewEncoder(&in)
	lines.SetEscapeHTML(false)
	for _, c := range cases {
		if err := lines.Encode(c); err != nil {
			t.Fatalf("writing a case for %s: %v", script, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), nodeTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "node", filepath.Join("node", script))
	command.Stdin, command.Stdout, command.Stderr = &in, &out, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("running %s: %v\n%s", script, err, problems.String())
	}
	answers := make([]Answer, 0, len(cases))
	scanner := bufio.NewScanner(&out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var a Answer
		if err := json.Unmarshal(scanner.Bytes(), &a); err != nil {
			t.Fatalf("reading an answer of %s: %v", script, err)
		}
		answers = append(answers, a)
	}
	if err := scanner.Err(); err != nil || len(answers) != len(cases) {
		t.Fatalf("%s gave %d answers to %d cases: %v", script, len(answers), len(cases), err)
	}
	return answers
}
