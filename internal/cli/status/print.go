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

func (r *Report) print(out io.Writer, terminal output.Terminal, format output.Format, now time.Time) error {
	if format.Structured() {
		return format.Document(out, r)
	}
	screen := &strings.Builder{}
	r.head(screen, terminal, now)
	if format == output.FormatWide {
		section(screen, terminal, "Conditions")
		if err := r.conditions(screen, terminal, now); err != nil {
			return err
		}
		section(screen, terminal, "Pods")
		if err := r.pods(screen, terminal, now); err != nil {
			return err
		}
	}
	section(screen, terminal, "Keys")
	if err := view.PrintTokens(screen, terminal, r.Keys, now, false); err != nil {
		return err
	}
	if len(r.Keys) == 0 {
		fmt.Fprintln(screen, "none")
	}
	section(screen, terminal, "Refused in the last 24 hours")
	if err := view.PrintRefusals(screen, terminal, r.Refusals, now); err != nil {
		return err
	}
	switch {
	case r.RefusalsUnknown != "":
		terminal.Paragraph(screen, output.Plain, "unknown: ", output.Safe(r.RefusalsUnknown))
	case len(r.Refusals) == 0:
		fmt.Fprintln(screen, "nothing since its pods began")
	default:
		fmt.Fprintln(screen)
		view.PrintRemedies(screen, terminal, r.Refusals)
	}
	if len(r.Do) > 0 {
		section(screen, terminal, "To do")
		for _, text := range r.Do {
			terminal.Paragraph(screen, output.Pending, "- ", output.Safe(text))
		}
	}
	if _, err := io.WriteString(out, screen.String()); err != nil {
		return fmt.Errorf("printing the status: %w", err)
	}
	return nil
}

func section(out io.Writer, terminal output.Terminal, title string) {
	fmt.Fprintf(out, "\n%s\n", terminal.Paint(output.Heading, title))
}

func (r *Report) head(out io.Writer, terminal output.Terminal, now time.Time) {
	name := r.Tenant
	if r.DisplayName != "" {
		name += " (" + output.Safe(r.DisplayName) + ")"
	}
	ready := terminal.Paint(output.Good, "yes")
	if !r.Ready {
		ready = terminal.Paint(output.Bad, "no")
	}
	if r.Reason != scimv1alpha1.ReasonSucceeded {
		ready += ", " + r.Reason // One that is paused is Ready, too.
	}
	for _, line := range [][2]string{
		{"Tenant", terminal.Paint(output.Heading, name)},
		{"Namespace", r.Namespace},
		{"Provider", r.IdentityProvider},
		{"URL", output.OrNone(r.URL)},
		{"Ready", ready},
		{"State", r.State},
		{"Server", r.Server.text()},
		{"Users", r.users()},
		{"Groups", count(r.Groups)},
		{"Seats", r.seats()},
		{"Roles", output.Safe(r.Roles.text())},
		{"Bindings", output.Safe(r.RoleBindings.text())},
		{"Event sinks", output.Safe(r.EventSinks.text())},
		{"Last request", r.lastRequest(now)},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%-14s%s\n", line[0]+":", line[1])
		}
	}
}

func (r *Report) users() string {
	if r.Users == nil || r.ActiveUsers == nil {
		return count(r.Users)
	}
	return count(r.Users) + ", " + count(r.ActiveUsers) + " of them active (counted up to a minute ago)"
}

func (r *Report) seats() string {
	switch {
	case r.Seats != "":
		return r.Seats + " taken"
	case r.SeatLimit > 0:
		return strconv.Itoa(int(r.SeatLimit)) + ", not counted yet"
	default:
		return "unlimited"
	}
}

// lastRequest says when a request came last.
func (r *Report) lastRequest(now time.Time) string {
	switch {
	case !r.LastRequestTime.IsZero():
		return output.Ago(now, r.LastRequestTime.Time) + " ago (" + output.Minute(r.LastRequestTime.Time) + ")"
	case r.HasRequests:
		return "none with a good token"
	default:
		return "none so far"
	}
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
		return "not counted yet"
	}
	return strconv.Itoa(int(*number))
}

func (r *Report) conditions(out io.Writer, terminal output.Terminal, now time.Time) error {
	table := output.NewTable(out, terminal, "TYPE", "STATUS", "REASON", "SINCE", "MESSAGE")
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

func (r *Report) pods(out io.Writer, terminal output.Terminal, now time.Time) error {
	table := output.NewTable(out, terminal, "NAME", "READY", "STATUS", "RESTARTS", "AGE")
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
