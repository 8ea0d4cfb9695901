package differential

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/schema"
)

// term is an attrExp of RFC 7644 figure 1.
type term struct {
	field *field
	path  string // as written
	op    string // as written
	// literal is as written, empty for pr.
	literal string
}

func (c term) String() string { return strings.TrimSpace(c.path + " " + c.op + " " + c.literal) }

// leaf is an expression without and, or and not outside of brackets.
type leaf struct {
	term
	// within are comparisons in brackets, joined by the word; path is what stands
	// before them.
	within []term
	joiner string
	denied bool // within is in not (…)
	// after is a comparison of a sub-attribute after the brackets.
	after *term
}

func (l *leaf) String() string {
	if l.within == nil {
		return l.term.String()
	}
	parts := make([]string, len(l.within))
	for i, c := range l.within {
		parts[i] = c.String()
	}
	inner := strings.Join(parts, " "+l.joiner+" ")
	if l.denied {
		inner = "not (" + inner + ")"
	}
	s := l.path + "[" + inner + "]"
	if l.after != nil {
		s += "." + l.after.String()
	}
	return s
}

// terms are all comparisons that there are in the leaf.
func (l *leaf) terms() []term {
	if l.within == nil {
		return []term{l.term}
	}
	all := append([]term(nil), l.within...)
	if l.after != nil {
		all = append(all, *l.after)
	}
	return all
}

// expr is a tree of leaves.
type expr struct {
	op          string // "and", "or", "not", or empty for a leaf
	left, right *expr
	leaf        *leaf
}

// String writes parentheses where precedence needs them, and nowhere else.
func (e *expr) String() string {
	switch e.op {
	case "":
		return e.leaf.String()
	case "not":
		return "not (" + e.left.String() + ")"
	}
	return e.operand(e.left) + " " + e.op + " " + e.operand(e.right)
}

func (e *expr) operand(x *expr) string {
	if e.op == "and" && x.op == "or" {
		return "(" + x.String() + ")"
	}
	return x.String()
}

func (e *expr) leaves() []*leaf {
	switch {
	case e == nil:
		return nil
	case e.op == "":
		return []*leaf{e.leaf}
	}
	return append(e.left.leaves(), e.right.leaves()...)
}

// generator makes filters about fields.
type generator struct {
	random *rand.Rand
	core   string // the URN of the core schema
	fields []*field
}

func (g *generator) one(n int) bool { return g.random.IntN(n) == 0 }

func (g *generator) expr(depth int) *expr {
	if depth == 0 || g.one(4) {
		return &expr{leaf: g.leaf()}
	}
	op := pick(g.random, "and", "or", "not")
	e := &expr{op: op, left: g.expr(depth - 1)}
	if op != "not" {
		e.right = g.expr(depth - 1)
	}
	return e
}

func (g *generator) leaf() *leaf {
	f := g.fields[g.random.IntN(len(g.fields))]
	name, sub, dotted := strings.Cut(f.path(), ".")
	if f.urn != "" {
		name, sub, dotted = f.path(), "", false
	}
	if !f.list || !dotted || g.one(2) {
		l := &leaf{term: g.term(f, f.path())}
		if dotted && sub == "value" && g.one(4) {
			l.path = name
		}
		return l
	}
	l := &leaf{term: term{field: f, path: name}, joiner: pick(g.random, "and", "or"), denied: g.one(6)}
	subs := g.siblings(name)
	for len(l.within) == 0 || len(l.within) < 2 && g.one(2) {
		of := subs[g.random.IntN(len(subs))]
		l.within = append(l.within, g.term(of, of.name[len(name)+1:]))
	}
	if g.one(6) {
		of := subs[g.random.IntN(len(subs))]
		c := g.term(of, of.name[len(name)+1:])
		l.after = &c
	}
	return l
}

// siblings are the fields of the attribute's sub-attributes.
func (g *generator) siblings(name string) (all []*field) {
	for _, f := range g.fields {
		if f.urn == "" && strings.HasPrefix(f.name, name+".") {
			all = append(all, f)
		}
	}
	return all
}

// term compares a field with one of its own values, or now and then with what
// does not fit it.
func (g *generator) term(f *field, path string) term {
	c := term{field: f, path: path, op: pick(g.random, "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr")}
	switch {
	case g.one(12):
		c.path = strings.ToUpper(path)
	case g.one(12) && f.urn == "" && strings.HasPrefix(f.path(), path) && !strings.HasPrefix(path, "meta") && path != "externalId":
		c.path = g.core + ":" + path
	}
	if g.one(12) {
		c.op = strings.ToUpper(c.op)
	}
	if strings.EqualFold(c.op, "pr") {
		return c
	}
	c.literal = literalOf(f.some(g.random))
	if s, ok := f.some(g.random).(string); ok && len(s) > 1 && f.kind <= exact && g.one(3) {
		c.literal = literalOf([]rune(s)[:1+g.random.IntN(len([]rune(s))-1)])
	}
	if g.one(10) {
		c.literal = pick(g.random, "null", "null", "true", "1", `"e"`, `"\u004aensen"`)
	}
	return c
}

func literalOf(v any) string {
	if r, ok := v.([]rune); ok {
		v = string(r)
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("writing the literal %v: %v", v, err))
	}
	return string(b)
}

// generatorFor makes a generator whose filters are the same in every run.
func generatorFor(kind *schema.ResourceType, stream uint64) *generator {
	g := &generator{random: rand.New(rand.NewPCG(seed, stream)), core: kind.Schema.ID, fields: userFields}
	if kind.Name == "Group" {
		g.fields = groupFields
	}
	return g
}
