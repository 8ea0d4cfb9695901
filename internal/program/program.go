// Package program is what the project's programs have in common: how the command line
// is parsed, how the log is written, and which version they are of. It has no flags of
// one program, and nothing of what a program does.
package program

import (
	"errors"
	"flag"
)

// Version is the version of the program, "dev" unless the linker has set it:
// -X github.com/kubescim/kubescim/internal/program.Version=...
var Version = "dev"

// What a process ends with when it could not do what it was asked for.
const (
	ExitFailure = 1
	// ExitUsage is for a command line that cannot be parsed.
	ExitUsage = 2
)

// ExitCode is what a process ends with after an error, or none: asking for help is no
// failure.
func ExitCode(err error) int {
	var usage *UsageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		return ExitUsage
	default:
		return ExitFailure
	}
}

// UsageError is a command line that cannot be parsed. It has been told already, with
// the usage, where the flags write to.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the flags.
func (e *UsageError) Unwrap() error { return e.Err }

// Parse parses the arguments of a command line. It fails with a UsageError or, when it
// was asked for help and has given it, with flag.ErrHelp. The flags must be of
// flag.ContinueOnError.
func Parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &UsageError{Err: err}
}
