package differential

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// matches says of which resources a filter is true, or that it was refused.
type matches struct {
	refused bool
	of      []verdict
}

func (m matches) equal(o matches) bool { return m.refused == o.refused && slices.Equal(m.of, o.of) }

// query is what a script is asked, and found its answer.
type query struct {
	Resources []document `json:"resources,omitempty"`
	Filter    string     `json:"filter,omitempty"`
}

type found struct {
	Error   string `json:"error"`
	Matches []int  `json:"matches"`
	Failed  []int  `json:"failed"`
}

// search gives the engine's answers.
func search(kind *schema.ResourceType, resources []*scim.Resource, filters []string) []matches {
	all := make([]matches, len(filters))
	for i, text := range filters {
		f, err := filter.Parse(kind, text, scim.Leniency{})
		all[i] = matches{refused: err != nil, of: make([]verdict, len(resources))}
		for j, r := range resources {
			all[i].of[j] = verdictOf(err == nil && f.Match(r))
		}
	}
	return all
}

// searchWith gives the answers of a script.
func searchWith(t *testing.T, script string, resources []document, filters []string) []matches {
	t.Helper()
	queries := make([]query, 0, len(filters)+1)
	queries = append(queries, query{Resources: resources})
	for _, text := range filters {
		queries = append(queries, query{Filter: text})
	}
	all := make([]matches, len(filters))
	for i, a := range ask[query, found](t, script, queries)[1:] {
		all[i] = matches{refused: a.Error != "", of: make([]verdict, len(resources))}
		for _, j := range a.Matches {
			all[i].of[j] = yes
		}
		for _, j := range a.Failed {
			all[i].of[j] = failed
		}
	}
	return all
}

// composed is what the logic makes of the answers to the leaves, for one resource.
// With a failed leaf the whole fails, unless the other leaves decide.
func (e *expr) composed(answers map[*leaf]matches, resource int) verdict {
	switch e.op {
	case "":
		return answers[e.leaf].of[resource]
	case "not":
		return opposite(e.left.composed(answers, resource))
	}
	x, y := e.left.composed(answers, resource), e.right.composed(answers, resource)
	decides := yes
	if e.op == "and" {
		decides = no
	}
	switch {
	case x == decides || y == decides:
		return decides
	case x == failed || y == failed:
		return failed
	}
	return opposite(decides)
}

func opposite(v verdict) verdict {
	switch v {
	case no:
		return yes
	case yes:
		return no
	}
	return v
}

// corpora says how many filters there are, and resources to find.
const (
	leafCount     = 2000
	compoundCount = 600
	documentCount = 25
)

// The engine means by each comparison what the RFC does. A package that means
// something else departs in ways that are known, and by them in exactly what is found.
func TestComparisons(t *testing.T) {
	met := map[string]map[departure]int{}
	for _, kind := range newRegistry(t).ResourceTypes() {
		g := generatorFor(kind, 1)
		documents := documents(rand.New(rand.NewPCG(seed, 2)), kind.Schema.ID, g.fields, documentCount)
		leaves := make([]*leaf, leafCount)
		filters := make([]string, leafCount)
		for i := range leaves {
			leaves[i] = g.leaf()
			filters[i] = leaves[i].String()
		}
		ours := search(kind, resources(t, kind, documents), filters)
		for i, l := range leaves {
			if want := (meaning{}).matches(l, documents); !ours[i].equal(want) {
				t.Errorf("%s\n  engine: %v\n  the RFC: %v", l, ours[i], want)
			}
		}
		for _, r := range rivals {
			theirs := searchWith(t, r.script, documents, filters)
			if met[r.name] == nil {
				met[r.name] = map[departure]int{}
			}
			for i, l := range leaves {
				switch {
				case !ours[i].refused:
					r.judge(t, l, documents, ours[i], theirs[i], met[r.name])
				case !theirs[i].refused:
					met[r.name][noTypes]++
				}
			}
		}
	}
	for _, r := range rivals {
		for d, decision := range decisions {
			if r.departures&d != 0 && met[r.name][d] == 0 {
				t.Errorf("%s: nothing is about this decision any more: %s", r.name, decision)
			}
			if n := met[r.name][d]; n > 0 {
				t.Logf("%s, %d filters: %s", r.name, n, decision)
			}
		}
	}
}

// judge checks that what the package found is what its departures make of the leaf,
// and counts those that matter.
func (r rival) judge(t *testing.T, l *leaf, documents []document, ours, theirs matches, met map[departure]int) {
	t.Helper()
	m := meaning{r.departures}
	if want := m.matches(l, documents); !theirs.equal(want) {
		t.Errorf("%s\n  engine: %v\n  %s: %v\n  with its departures: %v", l, ours, r.name, theirs, want)
		return
	}
	if theirs.equal(ours) {
		return
	}
	for d := range decisions {
		if m.has(d) && !theirs.equal(meaning{r.departures &^ d}.matches(l, documents)) {
			met[d]++
		}
	}
}

// The engine makes of expressions what logic does. A package that does not departs
// where it is known to.
func TestLogic(t *testing.T) {
	met := map[string]int{}
	for _, kind := range newRegistry(t).ResourceTypes() {
		g := generatorFor(kind, 3)
		documents := documents(rand.New(rand.NewPCG(seed, 4)), kind.Schema.ID, g.fields, documentCount)
		var compounds []*expr
		var leaves []*leaf
		for len(compounds) < compoundCount {
			if e := g.expr(3); e.op != "" && !slices.ContainsFunc(e.leaves(), meaning{}.refuses) {
				compounds = append(compounds, e)
				leaves = append(leaves, e.leaves()...)
			}
		}
		filters := make([]string, 0, len(leaves)+len(compounds))
		for _, l := range leaves {
			filters = append(filters, l.String())
		}
		for _, e := range compounds {
			filters = append(filters, e.String())
		}
		for i, e := range misjudged(compounds, leaves, search(kind, resources(t, kind, documents), filters)) {
			t.Errorf("the engine, %d: %s", i, e)
		}
		for _, r := range rivals {
			for _, e := range misjudged(compounds, leaves, searchWith(t, r.script, documents, filters)) {
				i := slices.IndexFunc(r.logic, func(l logic) bool { return l.about(e) })
				if i < 0 {
					t.Errorf("%s, for no reason that is known: %s", r.name, e)
				} else {
					met[r.logic[i].decision]++
				}
			}
		}
	}
	for _, r := range rivals {
		for _, l := range r.logic {
			if met[l.decision] == 0 {
				t.Errorf("%s: nothing is about this decision any more: %s", r.name, l.decision)
			}
			t.Logf("%s, %d filters: %s", r.name, met[l.decision], l.decision)
		}
	}
}

// misjudged are the expressions whose answer is not what the logic makes of the
// answers to their leaves. All answers are given: to the leaves, then to the
// expressions.
func misjudged(compounds []*expr, leaves []*leaf, all []matches) (wrong []*expr) {
	answers := make(map[*leaf]matches, len(leaves))
	for i, l := range leaves {
		answers[l] = all[i]
	}
	for i, e := range compounds {
		got := all[len(leaves)+i]
		if slices.ContainsFunc(e.leaves(), func(l *leaf) bool { return answers[l].refused }) {
			if !got.refused {
				wrong = append(wrong, e)
			}
			continue
		}
		for j, v := range got.of {
			want := e.composed(answers, j)
			// Where a leaf fails, what comes of the whole depends on the order of evaluation.
			if got.refused || v != want && want != failed && !e.fails(answers, j) {
				wrong = append(wrong, e)
				break
			}
		}
	}
	return wrong
}

// fails says whether a leaf fails on a resource.
func (e *expr) fails(answers map[*leaf]matches, resource int) bool {
	return slices.ContainsFunc(e.leaves(), func(l *leaf) bool { return answers[l].of[resource] == failed })
}
