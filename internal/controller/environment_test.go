package controller_test

import (
	"testing"

	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// startEnvironment starts an API server, which stops with the test.
func startEnvironment(t *testing.T) *controllertest.Environment {
	t.Helper()
	env, err := controllertest.Start()
	if err != nil {
		t.Fatal(err)
	}
	atEnd(t, env.Stop)
	return env
}

// atEnd stops something at the end of the test, which fails when that fails.
func atEnd(t *testing.T, stop func() error) {
	t.Helper()
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
