package directory

import (
	"path/filepath"
	"testing"
)

func TestACursorIsKeptInAFile(t *testing.T) {
	file := File(filepath.Join(t.TempDir(), "cursor"))
	if content, err := file.Load(t.Context()); content != nil || err != nil {
		t.Errorf("there is %q, %v before any was saved", content, err)
	}
	for _, want := range []string{"first", "second"} {
		if err := file.Save(t.Context(), []byte(want)); err != nil {
			t.Fatal(err)
		}
		if content, err := file.Load(t.Context()); string(content) != want || err != nil {
			t.Errorf("there is %q, %v", content, err)
		}
	}
	if _, err := File("").Load(t.Context()); err == nil {
		t.Error("a file without a name has a cursor")
	}
}
