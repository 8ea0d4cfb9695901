package cli

import (
	"bytes"
	"context"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubescim/kubescim/internal/cli/command"
)

// noon is when all commands of these tests run.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 7, time.UTC)

func noEnvironment(string) string { return "" }

// ran is what came of a command line.
type ran struct {
	code      int
	out, errs bytes.Buffer
}

func run(args ...string) *ran { return runReaching(nil, args...) }

// runReaching is run with another way to the operator than a port-forward.
func runReaching(reach command.Reach, args ...string) *ran {
	r := &ran{}
	streams := genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &r.out, ErrOut: &r.errs}
	r.code = Program{Streams: streams, Now: func() time.Time { return noon }, Getenv: noEnvironment, Reach: reach}.Run(context.Background(), args)
	return r
}
