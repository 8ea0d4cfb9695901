package layout

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWriteIfChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	long := time.Now().Add(-time.Hour)
	write := func(content string) time.Time {
		t.Helper()
		if err := WriteIfChanged(path, []byte(content), 0o600); err != nil {
			t.Fatalf("WriteIfChanged: %v", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	write("one")
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	if !write("one").Equal(long) {
		t.Error("a file with the same content was written again")
	}
	if !write("two").After(long) {
		t.Error("a file with other content was not written")
	}
}
