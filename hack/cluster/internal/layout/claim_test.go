package layout

import (
	"os"
	"path/filepath"
	"testing"
)

func TestClaimed(t *testing.T) {
	mine, other := Dir(t.TempDir()), t.TempDir()
	file := filepath.Join(t.TempDir(), "claim")
	if owner, err := claimed(file, mine); err != nil || owner != "" {
		t.Errorf("without a claim: %q, %v; want none", owner, err)
	}
	for content, want := range map[string]string{
		string(mine) + "\n":       "",
		other + "\n":              other,
		other + "/removed" + "\n": "",
	} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if owner, err := claimed(file, mine); err != nil || owner != want {
			t.Errorf("claimed with %q = %q, %v; want %q", content, owner, err, want)
		}
	}
}
