package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAssemble(t *testing.T) {
	dir := t.TempDir()
	var programs []string
	for _, name := range []string{"manager", "scim-server"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name), 0o700); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, path)
	}
	image, err := assemble("kubescim/kubescim:test", "arm64", programs, source{version: "v1", revision: "abc"})
	if err != nil {
		t.Fatalf("assemble: %v", err)
	}
	if !slices.Equal(image.Config.Entrypoint, []string{"/manager"}) || image.Config.User != "65532:65532" {
		t.Errorf("the image runs %q as %q", image.Config.Entrypoint, image.Config.User)
	}
	if image.Architecture != "arm64" {
		t.Errorf("the image is for %q", image.Architecture)
	}
	modes := map[string]int64{}
	for _, file := range image.Files {
		modes[file.Path] = file.Mode
	}
	for path, want := range map[string]int64{
		"manager": 0o755, "scim-server": 0o755, "etc/passwd": 0o644, "etc/group": 0o644,
	} {
		if modes[path] != want {
			t.Errorf("%s has mode %o, want %o", path, modes[path], want)
		}
	}
	if got := image.Config.Labels["org.opencontainers.image.revision"]; got != "abc" {
		t.Errorf("the revision is %q, want abc", got)
	}
}

func TestAssembleWithoutProgram(t *testing.T) {
	if _, err := assemble("x:y", "arm64", []string{filepath.Join(t.TempDir(), "missing")}, source{}); err == nil {
		t.Error("assemble made an image of a program that is not there")
	}
}
