package replica

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/signingkey"
)

func TestSigningKeysFollowTheirFile(t *testing.T) {
	now := time.Now()
	keys, err := signingkey.Decide(nil, now).Rotate(now)
	if err != nil {
		t.Fatal(err)
	}
	more, err := signingkey.Decide(keys, now.Add(signingkey.Period)).Rotate(now.Add(signingkey.Period))
	if err != nil {
		t.Fatal(err)
	}
	file := func(keys signingkey.Set) string {
		data, err := keys.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	path, log := filepath.Join(t.TempDir(), "keys.json"), &bytes.Buffer{}
	var accepted []int
	follower := NewSigningKeys(path, func(keys signingkey.Set) { accepted = append(accepted, len(keys)) }, slog.New(slog.NewTextHandler(log, nil)))
	for _, step := range []struct {
		name, content string // no file when empty
		accepted      []int
		says          string // of a new line in the log; none when empty
	}{
		{"no file yet", "", nil, ""},
		{"a key", file(keys), []int{1}, "keys=1"},
		{"the same", file(keys), []int{1}, ""},
		{"no JSON", "nonsense", []int{1}, "cannot be read"},
		{"still", "nonsense", []int{1}, ""},
		{"very large", strings.Repeat(" ", signingkey.MaxFileBytes+1), []int{1}, "larger than"},
		{"another key", file(more), []int{1, 2}, "keys=2"},
		{"nonsense again", "nonsense", []int{1, 2}, "cannot be read"},
		{"the Secret is deleted", "", []int{1, 2, 0}, "keys=0"},
		{"still", "", []int{1, 2, 0}, ""},
	} {
		log.Reset()
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if step.content != "" {
			if err := os.WriteFile(path, []byte(step.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		follower.Look()
		if len(accepted) != len(step.accepted) || len(accepted) > 0 && accepted[len(accepted)-1] != step.accepted[len(accepted)-1] {
			t.Errorf("%s: it tells of %v keys, want %v", step.name, accepted, step.accepted)
		}
		if line := log.String(); (line == "") != (step.says == "") || !strings.Contains(line, step.says) || strings.Contains(line, `"d"`) {
			t.Errorf("%s: the log says %q", step.name, line)
		}
	}
}

func TestVerifyingKeysAreBesideTheSigningKeys(t *testing.T) {
	now := time.Now()
	keys, err := signingkey.Decide(nil, now).Rotate(now)
	if err != nil {
		t.Fatal(err)
	}
	data, err := keys.Verifying("acme", time.Time{}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var accepted []signingkey.VerifyingSet
	follower := NewVerifyingKeys(filepath.Join(folder, "keys.json"), func(keys signingkey.VerifyingSet) { accepted = append(accepted, keys) }, slog.New(slog.DiscardHandler))
	follower.Look()
	if len(accepted) != 0 {
		t.Errorf("without a file, it tells of %v", accepted)
	}
	if err := os.WriteFile(filepath.Join(folder, "verifying.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	follower.Look()
	if len(accepted) != 1 || len(accepted[0]) != 1 || accepted[0][0].ID != keys[0].ID || accepted[0][0].Tenant != "acme" {
		t.Errorf("it tells of %v", accepted)
	}
}
