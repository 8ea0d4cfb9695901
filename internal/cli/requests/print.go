package requests

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/cli/view"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/requestlog"
)

// printer prints records for people.
type printer struct {
	out      io.Writer
	terminal output.Terminal
	now      time.Time
	// keys are the names of keys by the ids of their tokens.
	keys map[string]string
	wide bool
}

func (p printer) print(records []requestlog.Record) error {
	text := &strings.Builder{}
	header := []string{"TIME", "KEY", "OPERATION", "RESOURCE", "STATUS", "REASON"}
	if p.wide {
		header = append(header, "KEY ID", "REQUEST", "POD", "SAID")
	}
	table := output.NewTable(text, p.terminal, header...)
	for _, r := range records {
		row := []output.Cell{
			output.Text(output.Date(r.Time)), output.Text(p.key(r)), output.Text(operation(r)), output.Text(resource(r)),
			{Text: strconv.Itoa(r.Status), Look: look(r)}, output.Text(requestlog.AdviceOn(r).Reason),
		}
		if p.wide {
			row = append(row, output.Text(r.KeyID), output.Text(r.RequestID), output.Text(r.Pod), output.Text(said(r)))
		}
		table.Row(row...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(records) == 0 {
		fmt.Fprintln(text, "none: the pods have had no such request since they began, or remember it no more")
	}
	if refusals := view.Refusals(records); len(refusals) > 0 {
		fmt.Fprintf(text, "\n%s\n", p.terminal.Paint(output.Heading, "What to do"))
		view.PrintRemedies(text, p.terminal, refusals)
	}
	if _, err := io.WriteString(p.out, text.String()); err != nil {
		return fmt.Errorf("printing the last requests: %w", err)
	}
	return nil
}

// key is the name of the key, or its id where it is not known, or gone.
func (p printer) key(r requestlog.Record) string {
	if name := p.keys[r.KeyID]; name != "" {
		return name
	}
	return r.KeyID
}

// operation is what the request was to do, or its method where that is not known.
func operation(r requestlog.Record) string {
	if r.Operation == "" {
		return r.Method
	}
	return string(r.Operation)
}

func resource(r requestlog.Record) string {
	if r.ID == "" {
		return r.Resource
	}
	return r.Resource + "/" + r.ID
}

// said is what the client was told, and what is known besides.
func said(r requestlog.Record) string {
	text := r.Detail
	for _, more := range []struct{ name, value string }{{"scimType", r.ScimType}, {"reason", r.Reason}, {"hint", r.Hint}} {
		if more.value != "" {
			text += " (" + more.name + " " + more.value + ")"
		}
	}
	if r.Dropped > 0 {
		text += fmt.Sprintf("%d members were left out, whose ids the tenant does not know", r.Dropped)
	}
	return text
}

func look(r requestlog.Record) output.Look {
	if r.Refused() {
		return output.Bad
	}
	return output.Good
}

// entry is a record with what people are told of it.
type entry struct {
	requestlog.Record

	// Key is the name of the key, while it is there.
	Key string `json:"key,omitempty"`
	// Class is the reason of the advice on a request that was refused, and Do what to do.
	Class string `json:"class,omitempty"`
	Do    string `json:"do,omitempty"`
}

// list is what programs read.
type list struct {
	Requests   []entry  `json:"requests"`
	Pods       []string `json:"pods"`
	SilentPods []string `json:"silentPods,omitempty"`
}

func document(log contract.RequestLog, keys map[string]string) list {
	all := list{Requests: []entry{}, Pods: log.Pods, SilentPods: log.SilentPods}
	for _, r := range log.Requests {
		advice := requestlog.AdviceOn(r)
		all.Requests = append(all.Requests, entry{Record: r, Key: keys[r.KeyID], Class: advice.Reason, Do: advice.Do})
	}
	return all
}
