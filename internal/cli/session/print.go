package session

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

func printResults(f *command.Factory, results []Result, format output.Format) error {
	if format.Structured() {
		return format.Document(f.Streams.Out, results)
	}
	header := []string{"STEP", "STATUS", "RESULT"}
	if format == output.FormatWide {
		header = append(header, "REQUEST")
	}
	text := &strings.Builder{}
	table := output.NewTable(text, f.Terminal, header...)
	var problems []string
	for _, r := range results {
		status, result := output.None, output.Cell{Text: "ok", Look: output.Good}
		if r.Status != 0 {
			status = strconv.Itoa(r.Status)
		}
		if r.Problem != "" {
			result = output.Cell{Text: "failed", Look: output.Bad}
			problems = append(problems, fmt.Sprintf("%s, by %s: %s", r.Step, r.Request, r.Problem))
		}
		row := []output.Cell{output.Text(r.Step), output.Text(status), result}
		if format == output.FormatWide {
			row = append(row, output.Text(r.Request))
		}
		table.Row(row...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(problems) > 0 {
		fmt.Fprintf(text, "\n%s\n", f.Terminal.Paint(output.Heading, "What failed"))
		for _, problem := range problems {
			f.Terminal.Paragraph(text, output.Bad, "- ", output.Safe(problem))
		}
	}
	if _, err := io.WriteString(f.Streams.Out, text.String()); err != nil {
		return fmt.Errorf("printing the session: %w", err)
	}
	return nil
}

// failure is the error of the first request that failed. What was answered is printed already.
func failure(results []Result) error {
	for _, r := range results {
		switch {
		case r.Problem == "":
		case r.Status == 0:
			return fmt.Errorf("the identity provider could not go on where it %s, by %s: there was no answer", r.Step, r.Request)
		default:
			return fmt.Errorf("the identity provider could not go on where it %s, by %s: answered %d", r.Step, r.Request, r.Status)
		}
	}
	return nil
}

// keeps reports whether a tenant keeps users whom its identity provider deletes.
func keeps(tenant *scimv1alpha1.ScimTenant) bool {
	return tenant.UserDeletion() == scimv1alpha1.UserDeletionDeactivate
}

// sayWhoIsKept says what a session leaves in a tenant that keeps deleted users, and how one gets rid of it.
func sayWhoIsKept(f *command.Factory, tenant *scimv1alpha1.ScimTenant, results []Result, format output.Format) {
	deleted := slices.ContainsFunc(results, func(r Result) bool {
		return strings.HasPrefix(r.Request, http.MethodDelete+" /Users/") && r.Problem == ""
	})
	if format.Structured() || !deleted || !keeps(tenant) {
		return
	}
	user, again := nameFor(tenant)+"@example.com", "the next test has it back"
	if tenant.UserRecreation() == scimv1alpha1.UserRecreationConflict {
		user, again = "USER", "so is that of each other test, under spec.users.onRecreate Conflict"
	}
	fmt.Fprintln(f.Streams.Out)
	f.Terminal.Paragraph(f.Streams.Out, output.Plain, "", fmt.Sprintf("1 user is kept, as the tenant keeps deleted users, and %s. To erase it, break glass:", again))
	fmt.Fprintf(f.Streams.Out, "  kubectl scim erase %s -n %s --yes --as=scim.kubescim.dev:break-glass --as-group=scim.kubescim.dev:break-glass\n", user, tenant.Namespace)
}
