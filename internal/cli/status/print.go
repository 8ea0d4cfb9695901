package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/cli/view"
)

func (r *Report) print(out io.Writer, palette output.Palette, format output.Format, now time.Time) error {
	if format.Structured() {
		return format.Document(out, r)
	}
	screen := &strings.Builder{}
	r.head(screen, palette, now)
	if format == output.FormatWide {
		section(screen, palette, "Conditions")
		if err := r.conditions(screen, palette, now); err != nil {
			return err
		}
		section(screen, palette, "Pods")
		if err := r.pods(screen, palette, now); err != nil {
			return err
		}
	}
	section(screen, palette, "Keys")
	if err := view.PrintTokens(screen, palette, r.Keys, now, false); err != nil {
		return err
	}
	if len(r.Keys) == 0 {
		fmt.Fprintln(screen, "none")
	}
	section(screen, palette, "Refused in the last 24 hours")
	if err := view.PrintRefusals(screen, palette, r.Refusals, now); err != nil {
		return err
	}
	switch {
	case r.RefusalsUnknown != "":
		fmt.Fprintln(screen, "unknown:", output.Safe(r.RefusalsUnknown))
	case len(r.Refusals) == 0:
		fmt.Fprintln(screen, "nothing")
	}
	if len(r.Do) > 0 {
		section(screen, palette, "To do")
		for _, text := range r.Do {
			fmt.Fprintln(screen, palette.Paint(output.Pending, "-"), output.Safe(text))
		}
	}
	if _, err := io.WriteString(out, screen.String()); err != nil {
		return fmt.Errorf("printing the status: %w", err)
	}
	return nil
}

func section(out io.Writer, palette output.Palette, title string) {
	fmt.Fprintf(out, "\n%s\n", palette.Paint(output.Heading, title))
}

func (r *Report) head(out io.Writer, palette output.Palette, now time.Time) {
	name := r.Tenant
	if r.DisplayName != "" {
		name += " (" + output.Safe(r.DisplayName) + ")"
	}
	ready := palette.Paint(output.Good, "yes")
	if !r.Ready {
		ready = palette.Paint(output.Bad, "no")
	}
	if r.Reason != scimv1alpha1.ReasonSucceeded {
		ready += ", " + r.Reason // One that is paused is Ready, too.
	}
	for _, line := range [][2]string{
		{"Tenant", palette.Paint(output.Heading, name)},
		{"Namespace", r.Namespace},
		{"Provider", r.IdentityProvider},
		{"URL", output.OrNone(r.URL)},
		{"Ready", ready},
		{"State", r.State},
		{"Server", r.Server.text()},
		{"Users", r.users()},
		{"Groups", count(r.Groups)},
		{"Seats", r.seats()},
		{"Last request", when(now, r.LastRequestTime)},
	} {
		fmt.Fprintf(out, "%-14s%s\n", line[0]+":", line[1])
	}
}

func (r *Report) users() string {
	if r.Users == nil || r.ActiveUsers == nil {
		return count(r.Users)
	}
	return count(r.Users) + ", of whom " + count(r.ActiveUsers) + " are active"
}

func (r *Report) seats() string {
	if r.Seats == "" {
		return "unlimited"
	}
	return r.Seats
}

func (s Server) text() string {
	whose := "its own"
	if s.ScimServer != "" {
		whose = "ScimServer " + s.ScimServer
	}
	if s.Replicas == "" {
		return whose
	}
	return whose + ", " + s.Replicas + " pods ready"
}

// count writes a number of which nothing may be known.
func count(number *int32) string {
	if number == nil {
		return "unknown"
	}
	return strconv.Itoa(int(*number))
}

// when writes a time of the past that there may not have been.
func when(now time.Time, then metav1.Time) string {
	if then.IsZero() {
		return "none so far"
	}
	return output.Ago(now, then.Time) + " ago (" + output.Date(then.Time) + ")"
}

func (r *Report) conditions(out io.Writer, palette output.Palette, now time.Time) error {
	table := output.NewTable(out, palette, "TYPE", "STATUS", "REASON", "SINCE", "MESSAGE")
	for _, condition := range r.Conditions {
		look := output.Good
		switch {
		case view.Wanting(condition), condition.Type == "Ready" && condition.Status != metav1.ConditionTrue:
			look = output.Bad
		case condition.Status != metav1.ConditionTrue:
			look = output.Plain
		}
		table.Row(output.Text(condition.Type), output.Cell{Text: string(condition.Status), Look: look}, output.Text(condition.Reason),
			output.Text(output.Ago(now, condition.LastTransitionTime.Time)), output.Text(condition.Message))
	}
	if len(r.Conditions) == 0 {
		fmt.Fprintln(out, "none: the operator has not looked at the tenant yet")
	}
	return table.Flush()
}

func (r *Report) pods(out io.Writer, palette output.Palette, now time.Time) error {
	table := output.NewTable(out, palette, "NAME", "READY", "STATUS", "RESTARTS", "AGE")
	for _, pod := range r.Server.Pods {
		look := output.Good
		if !pod.Ready {
			look = output.Bad
		}
		table.Row(output.Text(pod.Name), output.Cell{Text: strconv.FormatBool(pod.Ready), Look: look}, output.Text(pod.Phase),
			output.Text(strconv.Itoa(int(pod.Restarts))), output.Text(output.Ago(now, pod.StartTime.Time)))
	}
	switch {
	case r.Server.PodsHidden:
		fmt.Fprintln(out, "you may not list pods in this namespace")
	case len(r.Server.Pods) == 0:
		fmt.Fprintln(out, "none")
	}
	return table.Flush()
}
