package view

import (
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/cli/output"
)

// PrintTokens prints a table of tokens. A wide one says more of each.
func PrintTokens(out io.Writer, terminal output.Terminal, tokens []Token, now time.Time, wide bool) error {
	header := []string{"KEY", "TYPE", "READY", "KEY ID", "EXPIRES", "LAST USED"}
	if wide {
		header = append(header, "TENANT", "ISSUED", "ACCESS", "SECRET", "REASON", "MESSAGE")
	}
	table := output.NewTable(out, terminal, header...)
	for _, t := range tokens {
		ready, expires := output.Good, output.Plain
		if t.Ready != string(metav1.ConditionTrue) {
			ready = output.Bad
		}
		if left := output.Left(now, t.ExpirationTime); left == output.Expired {
			expires = output.Bad
		}
		row := []output.Cell{
			output.Text(t.Key), output.Text(t.Type), {Text: t.Ready, Look: ready}, output.Text(t.KeyID),
			{Text: output.Left(now, t.ExpirationTime), Look: expires}, output.Text(lastUsed(now, t.LastUsedTime)),
		}
		if wide {
			row = append(row, output.Text(t.Tenant), output.Text(output.Ago(now, t.IssueTime.Time)), output.Text(t.Access),
				output.Text(t.SecretName), output.Text(t.Reason), output.Text(t.Message))
		}
		table.Row(row...)
	}
	return table.Flush()
}

// lastUsed says when a token was used last, of which the hour is known.
func lastUsed(now time.Time, then metav1.Time) string {
	switch {
	case then.IsZero():
		return "never"
	case now.Sub(then.Time) < 2*time.Hour:
		return "this hour or the last"
	default:
		return output.Ago(now, then.Time) + " ago"
	}
}
