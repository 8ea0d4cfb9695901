package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"testing"

	"github.com/kubescim/kubescim/internal/program"
)

func TestExitCodes(t *testing.T) {
	for code, err := range map[int]error{
		0: nil,
		1: errors.New("the API server is away"),
		2: &program.UsageError{Err: errors.New("flag provided but not defined")},
	} {
		if got := exitCode(err); got != code {
			t.Errorf("%v ends with %d and not %d", err, got, code)
		}
	}
	if got := exitCode(flag.ErrHelp); got != 0 {
		t.Errorf("help ends with %d", got)
	}
}

func TestBufferWritesTheLastLines(t *testing.T) {
	out := &bytes.Buffer{}
	buffered, flush := buffer(out)
	if _, err := io.WriteString(buffered, "a line\n"); err != nil {
		t.Fatal(err)
	}
	flush()
	if out.String() != "a line\n" {
		t.Errorf("%q was written", out)
	}
}
