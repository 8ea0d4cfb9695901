package program

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"log/slog"
	"strings"
	"testing"
)

func flagsOf(log *Log, out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet("program", flag.ContinueOnError)
	flags.SetOutput(out)
	log.AddFlags(flags)
	return flags
}

func TestParseTellsHelpFromMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		args        []string
		help, usage bool
	}{
		"nothing":      {nil, false, false},
		"help":         {[]string{"-h"}, true, false},
		"unknown flag": {[]string{"--nonsense"}, false, true},
		"bad value":    {[]string{"--log-level=loud"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			printed := &bytes.Buffer{}
			err := Parse(flagsOf(&Log{}, printed), tc.args)
			var usage *UsageError
			if errors.Is(err, flag.ErrHelp) != tc.help || errors.As(err, &usage) != tc.usage || (err != nil) != (tc.help || tc.usage) {
				t.Errorf("Parse fails with %v", err)
			}
			if (err != nil) != strings.Contains(printed.String(), "Usage of program") {
				t.Errorf("it printed %q", printed)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for code, err := range map[int]error{
		0: nil,
		1: errors.New("the API server is away"),
		2: &UsageError{Err: errors.New("flag provided but not defined")},
	} {
		if got := ExitCode(err); got != code {
			t.Errorf("%v ends with %d and not %d", err, got, code)
		}
	}
	if got := ExitCode(flag.ErrHelp); got != 0 {
		t.Errorf("help ends with %d", got)
	}
}

func TestLog(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"by default":      {nil, `"msg":"kept"`},
		"as text":         {[]string{"--log-format=text"}, "msg=kept"},
		"of little alone": {[]string{"--log-level=ERROR"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, out := Log{}, &bytes.Buffer{}
			if err := Parse(flagsOf(&log, io.Discard), tc.args); err != nil {
				t.Fatal(err)
			}
			if err := log.Validate(); err != nil {
				t.Fatal(err)
			}
			logger := slog.New(log.Handler(out))
			logger.Debug("left out")
			logger.Info("kept")
			if got := out.String(); !strings.Contains(got, tc.want) || strings.Contains(got, "left out") || tc.want == "" && got != "" {
				t.Errorf("it wrote %q", got)
			}
		})
	}
	if err := (&Log{Format: "xml"}).Validate(); err == nil {
		t.Error("a format that there is not is accepted")
	}
}
