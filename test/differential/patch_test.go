package differential

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// requestCount is how many PATCH requests there are for each resource type.
const requestCount = 1000

// patching is a case: a resource, and the operations of a request.
type patching struct {
	Type       string      `json:"type"`
	Resource   document    `json:"resource"`
	Operations []operation `json:"operations"`
	// whole marks a request, of which the cases before it are the operations.
	whole bool
}

func (c patching) String() string {
	b, err := json.Marshal(c)
	return fmt.Sprintf("%s %v", b, err)
}

// patched is what came of it: a resource, or an error, of a type if the engine gave
// it.
type patched struct {
	Error    string   `json:"error"`
	Resource document `json:"resource"`
	refusal  scim.ErrorType
}

// patchedByUs is the engine's answer, the RFC's to the letter.
func patchedByUs(t *testing.T, kind *schema.ResourceType, c patching) patched {
	t.Helper()
	body, err := json.Marshal(document{"schemas": []string{scim.URNPatchOp}, "Operations": c.Operations})
	if err != nil {
		t.Fatal(err)
	}
	p, err := patch.Parse(kind, body, scim.Leniency{})
	if err != nil {
		return refused(err)
	}
	r, _, err := p.Apply(resources(t, kind, []document{c.Resource})[0])
	if err != nil {
		return refused(err)
	}
	var answer patched
	if err := json.Unmarshal(render.JSON(r), &answer.Resource); err != nil {
		t.Fatal(err)
	}
	return answer
}

func refused(err error) patched {
	var e *scim.Error
	if errors.As(err, &e) {
		return patched{Error: e.Detail, refusal: e.Type}
	}
	return patched{Error: err.Error()}
}

// plain is a value without what the server makes, with nothing in it that is
// unassigned (RFC 7643 section 2.5), and with lists in one order, for they have none.
func plain(v any) any {
	switch v := v.(type) {
	case document:
		c := document{}
		for name, x := range v {
			if p := plain(x); p != nil && name != "meta" && name != "schemas" {
				c[name] = p
			}
		}
		if len(c) > 0 {
			return c
		}
		return nil
	case []any:
		var list []any
		for _, x := range v {
			if p := plain(x); p != nil {
				list = append(list, p)
			}
		}
		sort.Slice(list, func(i, j int) bool { return fmt.Sprint(list[i]) < fmt.Sprint(list[j]) })
		if len(list) > 0 {
			return list
		}
		return nil
	default:
		return v
	}
}

func (p patched) equal(o patched) bool {
	return (p.Error != "") == (o.Error != "") && reflect.DeepEqual(plain(p.Resource), plain(o.Resource))
}

func (p patched) String() string {
	if p.Error != "" {
		return "refused: " + p.Error
	}
	b, err := json.Marshal(plain(p.Resource))
	return fmt.Sprintf("%s %v", b, err)
}

// The engine refuses what the RFC wants to be refused, and a request is its operations
// one after the other. A package that makes something else of an operation does so
// for a reason that is known.
func TestPatches(t *testing.T) {
	met := map[string]int{}
	for _, kind := range newRegistry(t).ResourceTypes() {
		cases, ours := requests(t, kind)
		for _, r := range patchRivals {
			r.compare(t, cases, ours, ask[patching, patched](t, r.script, cases), met)
		}
	}
	for _, r := range patchRivals {
		for _, x := range r.reasons {
			if met[r.name+x.decision] == 0 {
				t.Errorf("%s: nothing is about this decision any more: %s", r.name, x.decision)
			}
			t.Logf("%s, %d operations: %s", r.name, met[r.name+x.decision], x.decision)
		}
		t.Logf("%s agreed on %d cases, and %d requests have an operation on which it does not", r.name, met[r.name], met[r.name+" request"])
	}
}

// requests makes requests, and gives for each one its operations, one by one on what
// the engine made of those before, and then the whole; and the engine's answers.
func requests(t *testing.T, kind *schema.ResourceType) (cases []patching, ours []patched) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	documents := documents(random, kind.Schema.ID, patchFields(kind), 40)
	for range requestCount {
		before := documents[random.IntN(len(documents))]
		whole := patching{Type: kind.Name, Resource: before}
		state := patched{Resource: before}
		for len(whole.Operations) < 3 && state.Error == "" && (len(whole.Operations) == 0 || random.IntN(3) > 0) {
			o := someOperation(random, targetsOf(kind))
			one := patching{Type: kind.Name, Resource: state.Resource, Operations: []operation{o}}
			state = patchedByUs(t, kind, one)
			if want := o.refusal(one.Resource); state.refusal != want {
				t.Errorf("%s\n  engine: %s %s\n  the RFC: %q", one, state, state.refusal, want)
			}
			whole.Operations = append(whole.Operations, o)
			cases, ours = append(cases, one), append(ours, state)
		}
		if got := patchedByUs(t, kind, whole); !got.equal(state) {
			t.Errorf("%s\n  engine: %s\n  one by one: %s", whole, got, state)
		}
		whole.whole = true
		cases, ours = append(cases, whole), append(ours, state)
	}
	return cases, ours
}

// compare checks that there is a reason for each operation of which a package makes
// something else than the engine, and that it makes the same of a request if it does
// of each operation. It counts the reasons.
func (r patchRival) compare(t *testing.T, cases []patching, ours, theirs []patched, met map[string]int) {
	t.Helper()
	differs := false
	for i, c := range cases {
		if c.whole && differs {
			met[r.name+" request"]++
			differs = false
			continue
		}
		if theirs[i].equal(ours[i]) {
			met[r.name]++
			continue
		}
		differs = !c.whole
		o := operation{to: &target{}} // none alone explains a request
		if !c.whole {
			o = c.Operations[0]
		}
		j := slices.IndexFunc(r.reasons, func(x reason) bool { return x.about(c, o, ours[i], theirs[i]) })
		if j < 0 {
			t.Errorf("%s\n  engine: %s\n  %s: %s", c, ours[i], r.name, theirs[i])
			continue
		}
		met[r.name+r.reasons[j].decision]++
	}
}
