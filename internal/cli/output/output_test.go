package output

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func TestATableIsPrintedPageByPage(t *testing.T) {
	g := NewWithT(t)
	out := &strings.Builder{}
	table := NewTable(out, Terminal{}, "NAME", "ID")
	g.Expect(table.Flush()).To(Succeed())
	g.Expect(out.String()).To(BeEmpty(), "no header over nothing")
	table.Row(Text("alice"), Text("1"))
	table.Row(Text(""), Text("2"))
	g.Expect(table.Flush()).To(Succeed())
	table.Row(Text("zoë with a long name"), Text("3"))
	table.Row(Text("bob"), Text("4"))
	g.Expect(table.Flush()).To(Succeed())
	g.Expect(out.String()).To(Equal(strings.Join([]string{
		"NAME    ID", "alice   1", "-       2", "zoë with a long name   3", "bob                    4", "",
	}, "\n")))
}

// failing is a pipe whose reader has gone.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWhatCannotBePrintedIsAnError(t *testing.T) {
	g := NewWithT(t)
	table := NewTable(failing{}, Terminal{}, "NAME")
	table.Row(Text("alice"))
	g.Expect(table.Flush()).To(MatchError(ContainSubstring("broken pipe")))
	g.Expect(FormatJSON.Document(failing{}, 1)).To(MatchError(ContainSubstring("broken pipe")))
	g.Expect(NewList(failing{}, FormatYAML).Add(1)).To(MatchError(ContainSubstring("broken pipe")))
}

func TestColoursAreForTerminalsAlone(t *testing.T) {
	g := NewWithT(t)
	file, err := os.Create(t.TempDir() + "/file")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(file.Close()).To(Succeed()) })
	none := func(string) string { return "" }
	g.Expect(TerminalFor(file, none)).To(Equal(Terminal{}))
	g.Expect(TerminalFor(&strings.Builder{}, none)).To(Equal(Terminal{}))
	g.Expect(Terminal{}.Paint(Bad, "no")).To(Equal("no"))
	g.Expect(Terminal{coloured: true}.Paint(Bad, "no")).To(Equal("\x1b[31mno\x1b[0m"))
	g.Expect(Terminal{coloured: true}.Paint(Plain, "no")).To(Equal("no"))

	out := &strings.Builder{}
	table := NewTable(out, Terminal{coloured: true}, "A", "B")
	table.Row(Cell{Text: "True", Look: Good}, Text("x"))
	g.Expect(table.Flush()).To(Succeed())
	g.Expect(out.String()).To(Equal("A      B\n\x1b[32mTrue\x1b[0m   x\n"), "colours have no width")
}

func TestNoTextOfOthersMovesTheCursor(t *testing.T) {
	for text, want := range map[string]string{
		"Zoë 明":               "Zoë 明",
		"\x1b[2Jgone":         "?[2Jgone",
		"two\nlines\tand\rso": "two?lines?and?so",
		"\u202egnp.exe":       "?gnp.exe",
		"\u009b31m":           "?31m",
	} {
		if got := Safe(text); got != want {
			t.Errorf("%q is printed as %q", text, got)
		}
	}
}

func TestNoTextOfOthersMovesTheCursorFromADocument(t *testing.T) {
	const text = "Zoë\x1b[2J\u009b31m\u202egnp.exe\x7f\r\n"
	for _, format := range []Format{FormatJSON, FormatYAML} {
		g, out := NewWithT(t), &strings.Builder{}
		g.Expect(format.Document(out, map[string]string{"name": text})).To(Succeed())
		printed := out.String()
		g.Expect(printed).To(ContainSubstring("Zoë"))
		for _, control := range []string{"\x1b", "\u009b", "\x7f", "\r"} {
			g.Expect(printed).NotTo(ContainSubstring(control), "%s", format)
		}
		if format == FormatJSON {
			g.Expect(printed).NotTo(ContainSubstring("\u202e"))
		}
		var read map[string]string
		g.Expect(yaml.Unmarshal([]byte(printed), &read)).To(Succeed())
		g.Expect(read["name"]).To(Equal(text), "a program reads what was written")
	}
}

func TestTimes(t *testing.T) {
	g := NewWithT(t)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	g.Expect(Ago(now, now.Add(-90*time.Minute))).To(Equal("90m"))
	g.Expect(Ago(now, time.Time{})).To(Equal(None))
	g.Expect(Left(now, metav1.Time{})).To(Equal("never"))
	g.Expect(Left(now, metav1.NewTime(now))).To(Equal(Expired))
	for length, want := range map[time.Duration]string{
		72 * time.Hour: "in 3d", 24*time.Hour - 30*time.Second: "in 24h", time.Hour - time.Second: "in 60m", 365*24*time.Hour - time.Minute: "in 365d",
		23*time.Hour + 29*time.Minute: "in 23h", 5 * time.Second: "in 5s",
	} {
		g.Expect(Left(now, metav1.NewTime(now.Add(length)))).To(Equal(want), length.String())
	}
}

func TestLinesAreAsLongAsATerminalIsWide(t *testing.T) {
	const text = "make another one with 'kubectl scim key rotate', and enter it in the server's form: https://acme.scim.example.com/scim/v2/oauth2/token"
	for width, want := range map[int][]string{
		0:  {text},
		19: {text},
		40: {
			"make another one with", "'kubectl scim key rotate', and enter it", "in the server's form:",
			"https://acme.scim.example.com/scim/v2/oauth2/token",
		},
	} {
		g := NewWithT(t)
		g.Expect(Wrap(text, width)).To(Equal(want))
		out := &strings.Builder{}
		terminal := Terminal{}
		if width > 0 {
			terminal.width = width + len("- ")
		}
		terminal.Paragraph(out, Plain, "- ", text)
		g.Expect(out.String()).To(Equal("- " + strings.Join(want, "\n  ") + "\n"))
	}
	g := NewWithT(t)
	g.Expect(Wrap("(see 'kubectl scim status acme -n acme')", 20)).To(Equal([]string{"(see", "'kubectl scim status acme -n acme')"}))
	g.Expect(Wrap("it isn't 'quoted, and (goes on", 20)).To(Equal([]string{"it isn't 'quoted,", "and (goes on"}), "a quotation without an end")

	out := &strings.Builder{}
	table := NewTable(out, Terminal{width: 40}, "CHECK", "MESSAGE")
	table.Row(Text("Operator"), Text("there is no Deployment of the operator: install the chart"))
	g.Expect(table.Flush()).To(Succeed())
	g.Expect(out.String()).To(Equal(`CHECK      MESSAGE
Operator   there is no Deployment of the
           operator: install the chart
`))
	g.Expect(Terminal{}.Sheet().width).To(Equal(78))
	g.Expect(Terminal{width: 60}.Sheet().width).To(Equal(60))
}

func TestListsCanBeReadAgain(t *testing.T) {
	values := []map[string]any{{"text": "one\n\ntwo\n", "list": []any{"a"}}, {"text": "- x: y"}}
	for count := range len(values) + 1 {
		for _, format := range []Format{FormatJSON, FormatYAML} {
			for name, list := range map[string]func(out *strings.Builder) *List{
				"objects": func(out *strings.Builder) *List { return NewObjectList(out, format) },
				"values":  func(out *strings.Builder) *List { return NewList(out, format) },
			} {
				g := NewWithT(t)
				out := &strings.Builder{}
				l := list(out)
				want := []any{}
				for _, value := range values[:count] {
					g.Expect(l.Add(value)).To(Succeed())
					want = append(want, value)
				}
				g.Expect(l.Close()).To(Succeed())
				var read any
				if format == FormatJSON {
					g.Expect(json.Unmarshal([]byte(out.String()), &read)).To(Succeed(), out.String())
				} else {
					g.Expect(yaml.Unmarshal([]byte(out.String()), &read)).To(Succeed(), out.String())
				}
				if name == "objects" {
					g.Expect(read).To(Equal(map[string]any{"apiVersion": "v1", "kind": "List", "items": want}), out.String())
				} else {
					g.Expect(read).To(Equal(want), out.String())
				}
			}
		}
	}
}
