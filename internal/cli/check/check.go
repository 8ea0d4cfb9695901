// Package check is `kubectl scim check`: whether a cluster is ready for Kubescim, and the person for
// working with it.
package check

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const about = `Check whether the cluster is ready for Kubescim: its release, Kubescim's kinds, the operator, whether it
watches the namespace and how its version goes with that of this plugin, the admission policies, whether there is
the namespace, and what you may do in it.

The exit status is 1 when there is a problem. What you may not see is unknown, and no problem.`

const example = `  # Before the first tenant, or when none becomes Ready
  kubectl scim check -n acme`

// Result is what came of a check.
type Result string

// Results.
const (
	// OK: it is as it should be.
	OK Result = "OK"
	// Warning: it works, and somebody should know.
	Warning Result = "Warning"
	// Problem: tenants do not work before it is mended.
	Problem Result = "Problem"
	// Unknown: you may not see it.
	Unknown Result = "Unknown"
)

// Finding is the result of one check.
type Finding struct {
	Check   string `json:"check"`
	Result  Result `json:"result"`
	Message string `json:"message"`
}

// New is the command.
func New(f *command.Factory) *cobra.Command {
	var format output.Format
	cmd := &cobra.Command{
		Use:               "check",
		Short:             "Check whether the cluster, and you, are ready for Kubescim",
		Long:              about,
		Example:           example,
		Args:              command.Args(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings, err := gather(cmd.Context(), f)
			if err != nil {
				return err
			}
			if err := printFindings(f, findings, format); err != nil {
				return err
			}
			for _, finding := range findings {
				if finding.Result == Problem {
					return fmt.Errorf("the cluster is not ready: %s", finding.Message)
				}
			}
			return nil
		},
	}
	format.AddFlag(cmd)
	return cmd
}

// gather runs the checks. Where the API server does not answer at all, there are none.
func gather(ctx context.Context, f *command.Factory) ([]Finding, error) {
	disco, err := f.Discovery()
	if err != nil {
		return nil, err
	}
	version, err := disco.ServerVersion()
	if err != nil {
		return nil, command.Failed("asking the API server for its version", "", err)
	}
	c, namespace, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	findings := []Finding{release(version.GitVersion), kinds(disco)}
	if findings[1].Result == OK {
		findings = append(findings, operator(ctx, c, namespace))
	}
	findings = append(findings, policies(ctx, c))
	if missing := missingNamespace(ctx, c, namespace); missing != nil {
		return append(findings, *missing), nil // What one may do in it, nobody can say.
	}
	return append(findings, rights(ctx, c, namespace)...), nil
}

// looks are how results are shown.
var looks = map[Result]output.Look{OK: output.Good, Warning: output.Pending, Problem: output.Bad, Unknown: output.Plain}

func printFindings(f *command.Factory, findings []Finding, format output.Format) error {
	if format.Structured() {
		return format.Document(f.Streams.Out, findings)
	}
	table := output.NewTable(f.Streams.Out, f.Terminal, "CHECK", "RESULT", "MESSAGE")
	for _, finding := range findings {
		table.Row(output.Text(finding.Check), output.Cell{Text: string(finding.Result), Look: looks[finding.Result]}, output.Text(finding.Message))
	}
	return table.Flush()
}
