package view

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/requestlog"
)

// Refusal is what was refused for one reason.
type Refusal struct {
	// Reason is that of requestlog.Advice.
	Reason string `json:"reason"`
	// Count is how many requests there were, as far as pods remember, and LastTime when the last one
	// was.
	Count    int         `json:"count"`
	LastTime metav1.Time `json:"lastTime"`
	// Said is what the client was told the last time.
	Said string `json:"said,omitempty"`
	// Do is what to do about it.
	Do string `json:"do"`
}

// Refusals returns what was refused, by reason, what came last first. The records must be in the order
// of time.
func Refusals(records []requestlog.Record) []Refusal {
	refusals := []Refusal{}
	for _, record := range slices.Backward(records) {
		if !record.Refused() {
			continue
		}
		advice := requestlog.AdviceOn(record)
		at := slices.IndexFunc(refusals, func(r Refusal) bool { return r.Reason == advice.Reason })
		if at < 0 {
			at = len(refusals)
			refusals = append(refusals, Refusal{
				Reason: advice.Reason, LastTime: metav1.NewTime(record.Time), Said: record.Detail, Do: advice.Do,
			})
		}
		refusals[at].Count++
	}
	return refusals
}

// PrintRefusals prints a table of refusals.
func PrintRefusals(out io.Writer, terminal output.Terminal, refusals []Refusal, now time.Time) error {
	table := output.NewTable(out, terminal, "REASON", "COUNT", "LAST")
	for _, refusal := range refusals {
		table.Row(output.Cell{Text: output.Safe(refusal.Reason), Look: output.Bad}, output.Text(strconv.Itoa(refusal.Count)),
			output.Text(output.Ago(now, refusal.LastTime.Time)))
	}
	return table.Flush()
}

// PrintRemedies prints what to do about refusals, and what the client was told of each.
func PrintRemedies(out io.Writer, terminal output.Terminal, refusals []Refusal) {
	said := map[string]string{} // the reason that was told in a text first
	for _, refusal := range refusals {
		terminal.Paragraph(out, output.Plain, "- ", fmt.Sprintf("%s: %s", terminal.Paint(output.Bad, output.Safe(refusal.Reason)), output.Safe(refusal.Do)))
		first, again := said[refusal.Said]
		switch {
		case refusal.Said == "":
		case again:
			terminal.Paragraph(out, output.Plain, "  ", "The identity provider was told the same as of "+first)
		default:
			said[refusal.Said] = output.Safe(refusal.Reason)
			terminal.Paragraph(out, output.Plain, "  ", "The identity provider was told: "+output.Safe(refusal.Said))
		}
	}
}
