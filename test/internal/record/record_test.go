package record

import (
	"strings"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2/types"
)

func TestMerge(t *testing.T) {
	tests := map[string]struct {
		document string
		sections []Section
		want     string
	}{
		"a new document": {
			sections: []Section{{"One", "1"}, {"Two", "2"}},
			want:     "## One\n\n1\n\n## Two\n\n2\n",
		},
		"what did not run stays, and so does the introduction": {
			document: "# Drills\n\nWhat they are.\n\n## One\n\nold\n\n| a | b |\n\n## Two\n\nold\n",
			sections: []Section{{"Two", "new\n"}},
			want:     "# Drills\n\nWhat they are.\n\n## One\n\nold\n\n| a | b |\n\n## Two\n\nnew\n",
		},
		"a name that begins as another one": {
			document: "# Drills\n\n## One more\n\nold\n",
			sections: []Section{{"One", "new"}},
			want:     "# Drills\n\n## One more\n\nold\n\n## One\n\nnew\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Merge(test.document, test.sections); got != test.want {
				t.Errorf("Merge:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestSections(t *testing.T) {
	entry := func(name, value string, visibility types.ReportEntryVisibility) types.ReportEntry {
		return types.ReportEntry{Name: name, Value: types.WrapEntryValue(value), Visibility: visibility}
	}
	report := types.Report{SpecReports: types.SpecReports{
		{LeafNodeType: types.NodeTypeBeforeSuite, State: types.SpecStatePassed},
		{LeafNodeType: types.NodeTypeIt, LeafNodeText: "not chosen", State: types.SpecStateSkipped},
		{
			LeafNodeType: types.NodeTypeIt, ContainerHierarchyTexts: []string{"A flood"}, LeafNodeText: "is survived",
			State: types.SpecStatePassed, RunTime: 90 * time.Second, StartTime: time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC),
			ReportEntries: types.ReportEntries{
				entry("connections", "5,000 | all\nslow", types.ReportEntryVisibilityAlways),
				entry("e2e-flood-x", "kubectl get", types.ReportEntryVisibilityFailureOrVerbose),
			},
		},
		{LeafNodeType: types.NodeTypeIt, LeafNodeText: "broke", State: types.SpecStateFailed},
	}}
	got := sections(report, "at commit abc")
	if len(got) != 2 {
		t.Fatalf("%d sections, want one for each drill that ran: %v", len(got), got)
	}
	want := "Passed after 1m30s, on 28 November 2026, at commit abc.\n\n| | |\n|---|---|\n| connections | 5,000 \\| all slow |\n"
	if got[0].Name != "A flood is survived" || got[0].Text != want {
		t.Errorf("section %q:\n%s\nwant:\n%s", got[0].Name, got[0].Text, want)
	}
	if !strings.HasPrefix(got[1].Text, "**Failed**") {
		t.Errorf("a drill that failed is told as: %s", got[1].Text)
	}
}
