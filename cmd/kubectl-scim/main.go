// Command kubectl-scim is a plugin of kubectl: with it on the PATH, there is
// `kubectl scim`. README.md says how to install and use it.
//
// The exit status is 0 when it did what it was asked for, 1 when it could not, and 2 when
// the command line was wrong.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kubescim/kubescim/internal/program"
)

func main() {
	os.Exit(execute(os.Args[1:], time.Now, os.Stdout, os.Stderr))
}

// execute is the whole program, and returns its exit status.
func execute(args []string, now func() time.Time, out, errs io.Writer) int {
	root := newRoot(now)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.Execute()
	var usage *program.UsageError
	if err != nil && !errors.As(err, &usage) {
		fmt.Fprintln(errs, "error:", err)
	}
	return program.ExitCode(err)
}
