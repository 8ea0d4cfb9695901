// Command kubectl-scim is a plugin of kubectl: with it on the PATH, there is
// `kubectl scim`. docs/kubectl-scim.md says how to install and use it.
//
// The exit status is 0 when it did what it was asked for, 1 when it could not, or a tenant
// that it was asked about is not Ready, and 2 when the command line was wrong.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubescim/kubescim/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	code := cli.Program{Streams: streams, Now: time.Now, Getenv: os.Getenv}.Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
