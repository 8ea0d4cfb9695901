package gobuild

import (
	"context"
	"runtime"
	"slices"
	"testing"
)

// helm and the API server of tests run on this machine, whatever that is.
func TestOnlyProgramsOfImagesAreForLinux(t *testing.T) {
	const forLinux = "GOOS=linux"
	t.Setenv("GOOS", "")
	if slices.Contains(Command(context.Background(), "").Env, forLinux) {
		t.Error("a program for this machine is built for Linux")
	}
	if !slices.Contains(ForImage(context.Background(), runtime.GOARCH, "").Env, forLinux) {
		t.Error("a program for an image is built for this machine")
	}
}
