// Package differential compares the protocol engine with other implementations,
// on a corpus that is the same in every run. A disagreement is either a defect
// or is decided by the RFC, in the tables of decisions.
package differential

import (
	"strings"
	"testing"

	parser "github.com/scim2/filter-parser/v2"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// decision is a disagreement that the RFC decides, in favour of the engine.
type decision struct {
	reason string
	// about reports whether it is about the filter, of which the engine said
	// what the error is.
	about func(filter string, ours error) bool
}

var syntaxDecisions = []decision{
	{
		`a string has the escapes of JSON, \u00e4 among them (RFC 7644 section 3.4.2.2: compValue is that of RFC 7159)`,
		func(filter string, ours error) bool { return ours == nil && strings.Contains(filter, `\u`) },
	},
	{
		"a filter is about attributes that there are (RFC 7644 section 3.4.2.2: invalidFilter); a parser without schemas cannot know them",
		func(_ string, ours error) bool {
			return ours != nil && (strings.Contains(ours.Error(), "has no sub-attribute") || strings.Contains(ours.Error(), "is no attribute of"))
		},
	},
}

func TestFilterSyntax(t *testing.T) {
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	met := make([]int, len(syntaxDecisions))
	agreed := 0
	for _, text := range corpus(4000) {
		_, ourError := filter.Parse(registry.User(), text, scim.Leniency{})
		_, theirError := parser.ParseFilter([]byte(text))
		ours, theirs := ourError == nil, theirError == nil
		if ours == theirs {
			agreed++
			continue
		}
		decided := false
		for i, d := range syntaxDecisions {
			if d.about(text, ourError) {
				met[i]++
				decided = true
				break
			}
		}
		if !decided {
			t.Errorf("%s\n  engine: %v\n  filter-parser: %v", text, ourError, theirError)
		}
	}
	for i, d := range syntaxDecisions {
		if met[i] == 0 {
			t.Errorf("nothing is about this decision any more: %s", d.reason)
		}
		t.Logf("%d filters: %s", met[i], d.reason)
	}
	t.Logf("%d filters agreed", agreed)
}
