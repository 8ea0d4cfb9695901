package output

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Format is the form in which a command prints.
type Format string

// Formats.
const (
	FormatTable Format = "table"
	FormatWide  Format = "wide"
	FormatJSON  Format = "json"
	FormatYAML  Format = "yaml"
)

// Set implements pflag.Value.
func (f *Format) Set(text string) error {
	if !slices.Contains([]Format{FormatTable, FormatWide, FormatJSON, FormatYAML}, Format(text)) {
		return fmt.Errorf("there are table, wide, json and yaml")
	}
	*f = Format(text)
	return nil
}

func (f *Format) String() string { return string(*f) }

// Type implements pflag.Value.
func (*Format) Type() string { return "format" }

// AddFlag adds the flag that sets the format, with its values for shells.
func (f *Format) AddFlag(cmd *cobra.Command) {
	*f = FormatTable
	cmd.Flags().VarP(f, "output", "o", "form of what is printed: table, wide, json or yaml")
	complete := cobra.FixedCompletions([]string{"table", "wide", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // The flag was added above.
	}
}

// Structured reports whether the format is one for programs.
func (f Format) Structured() bool { return f == FormatJSON || f == FormatYAML }

// Document prints a value as JSON or YAML.
func (f Format) Document(out io.Writer, value any) error {
	text, err := f.marshal(value)
	if err == nil {
		_, err = out.Write(text)
	}
	if err != nil {
		return fmt.Errorf("printing as %s: %w", f, err)
	}
	return nil
}

func (f Format) marshal(value any) ([]byte, error) {
	if f == FormatYAML {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		return yaml.JSONToYAML(escaped(text)) // Which reads it as YAML, and refuses some of these characters.
	}
	text, err := json.MarshalIndent(value, "", indent)
	return append(escaped(text), '\n'), err
}

// escaped returns JSON in which characters are written as escapes that a terminal would act on (see Safe). JSON has
// them in strings alone, and package json escapes none but those of ASCII.
func escaped(text []byte) []byte {
	safe := make([]byte, 0, len(text)+1)
	for _, r := range string(text) {
		if r != '\n' && isActedOn(r) {
			safe = fmt.Appendf(safe, `\u%04x`, r)
		} else {
			safe = utf8.AppendRune(safe, r)
		}
	}
	return safe
}

// indent is kubectl's, of JSON.
const indent = "    "

// List prints any number of values, and keeps none of them in memory.
type List struct {
	out    io.Writer
	format Format
	// head, between and end are what stands around the values; empty is a list without any.
	head, between, end, empty string
	// first and indented are what stands before the first line of a value, and before the others.
	first, indented string
	count           int
}

// NewObjectList returns what prints objects as one List of Kubernetes, as kubectl does.
func NewObjectList(out io.Writer, format Format) *List {
	if format == FormatYAML {
		return &List{
			out: out, format: format, head: "apiVersion: v1\nitems:\n", end: "kind: List\n",
			empty: "apiVersion: v1\nitems: []\nkind: List\n", first: "- ", indented: "  ",
		}
	}
	return &List{
		out: out, format: format, head: "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n", between: ",\n",
		end:   "\n    ],\n    \"kind\": \"List\"\n}\n",
		empty: "{\n    \"apiVersion\": \"v1\",\n    \"items\": [],\n    \"kind\": \"List\"\n}\n",
		first: "        ", indented: "        ",
	}
}

// NewList returns what prints values as an array.
func NewList(out io.Writer, format Format) *List {
	if format == FormatYAML {
		return &List{out: out, format: format, empty: "[]\n", first: "- ", indented: "  "}
	}
	return &List{out: out, format: format, head: "[\n", between: ",\n", end: "\n]\n", empty: "[]\n", first: indent, indented: indent}
}

// Add prints a value.
func (l *List) Add(value any) error {
	text, err := l.format.marshal(value)
	if err != nil {
		return fmt.Errorf("printing as %s: %w", l.format, err)
	}
	before, after := l.between, ""
	if l.count == 0 {
		before = l.head
	}
	if l.format == FormatYAML {
		after = "\n"
	}
	l.count++
	lines := strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", "\n"+l.indented)
	return l.write(before + l.first + lines + after)
}

// Close prints the end of the list.
func (l *List) Close() error {
	if l.count == 0 {
		return l.write(l.empty)
	}
	return l.write(l.end)
}

func (l *List) write(text string) error {
	if _, err := io.WriteString(l.out, text); err != nil {
		return fmt.Errorf("printing as %s: %w", l.format, err)
	}
	return nil
}
