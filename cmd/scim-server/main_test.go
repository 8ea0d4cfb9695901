package main

import (
	"bytes"
	"io"
	"testing"
)

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
