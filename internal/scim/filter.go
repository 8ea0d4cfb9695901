package scim

// Bounds on a filter.
const (
	// MaxFilterLength is in bytes.
	MaxFilterLength = 8 << 10
	// MaxFilterDepth is how deep parentheses, brackets and not may nest.
	MaxFilterDepth = 32
	// MaxFilterTerms is how many comparisons there may be.
	MaxFilterTerms = 500
	// MaxFilterParts is how many of them may compare parts of a text, or its order, without
	// regard to case. Each folds the whole of every value.
	MaxFilterParts = 50
)

// Filter is a compiled filter (RFC 7644 section 3.4.2.2). It may be used by many
// goroutines.
//
// Where the RFC leaves room: `ne` is true of an unassigned attribute, and of a
// multi-valued one if any value differs; `eq null` is true of what is unassigned,
// `ne null` of the rest; `pr` is false for the empty string; a complex
// attribute with a `value` sub-attribute, multi-valued or not, stands for that in a
// comparison; after a value path there may be a sub-attribute and a comparison, as
// in emails[type eq "work"].value eq "a@example.com", which Entra ID sends.
type Filter struct {
	t     *ResourceType
	text  string
	root  node
	needs parts
}

// ParseFilter compiles a filter for resources of this type. An error is 400
// invalidFilter and says where and what; a filter on a password is 403 sensitive.
func ParseFilter(t *ResourceType, text string, l Leniency) (*Filter, error) {
	return ParseFilterAmong(t, nil, text, l)
}

// ParseFilterAmong is ParseFilter for a search over several resource types, of which t is
// one: an attribute that another of them has and this one has not is unassigned here (RFC
// 7644 section 3.4.2.1).
func ParseFilterAmong(t *ResourceType, types []*ResourceType, text string, l Leniency) (*Filter, error) {
	p := filterParser{t: t, among: types, l: l, scanner: scanner{text: text}}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	f := &Filter{t: t, text: text, root: root}
	root.refers(func(r ref) { f.needs.need(t, r.schema, r.attr) })
	return f, nil
}

// String is the filter as it was written.
func (f *Filter) String() string { return f.text }

// Match says whether a resource satisfies the filter. A nil filter is satisfied by
// all.
func (f *Filter) Match(r *Resource) bool {
	return f == nil || f.root.match(r, nil)
}

// Equality is a comparison with eq to a string.
type Equality struct {
	// Path is canonical: userName, emails.value, URN:employeeNumber.
	Path string
	// Value is as in the filter. Whether its case counts, the attribute says.
	Value string
}

// Equalities are the eq comparisons to strings that every match must satisfy, so
// that an index can narrow the search down. There is none where an `or` or a
// `not` leaves more than one way to match. Those inside of a value path count
// too: emails[type eq "work" and value eq "a@example.com"] implies both parts.
func (f *Filter) Equalities() []Equality {
	if f == nil {
		return nil
	}
	var all []Equality
	f.root.implies(func(a *Attribute, c *comparison) {
		if c.op == opEq && c.kind == kindText {
			all = append(all, Equality{Path: a.path, Value: c.literal})
		}
	})
	return all
}

// Sole is the comparison that the filter consists of, if it is nothing but one eq to a
// string: then what an index finds under the value is the answer. A nil filter is none.
func (f *Filter) Sole() (Equality, bool) {
	if f == nil {
		return Equality{}, false
	}
	term, ok := f.root.(*termNode)
	if !ok || term.is.op != opEq || term.is.kind != kindText {
		return Equality{}, false
	}
	return Equality{Path: term.ref.leaf().path, Value: term.is.literal}, true
}

// node is a part of a compiled filter. Inside of a value path it is matched
// against one element, outside against the resource.
type node interface {
	match(r *Resource, element any) bool
	// implies calls back for the comparisons that must hold for the node to match.
	implies(yield func(*Attribute, *comparison))
	// refers calls back for the attributes of the resource that the node looks at.
	refers(yield func(ref))
}

type andNode []node

func (n andNode) match(r *Resource, element any) bool {
	for _, x := range n {
		if !x.match(r, element) {
			return false
		}
	}
	return true
}

func (n andNode) implies(yield func(*Attribute, *comparison)) {
	for _, x := range n {
		x.implies(yield)
	}
}

func (n andNode) refers(yield func(ref)) {
	for _, x := range n {
		x.refers(yield)
	}
}

type orNode []node

func (n orNode) match(r *Resource, element any) bool {
	for _, x := range n {
		if x.match(r, element) {
			return true
		}
	}
	return false
}

func (orNode) implies(func(*Attribute, *comparison)) {}

func (n orNode) refers(yield func(ref)) { andNode(n).refers(yield) }

type notNode struct{ of node }

func (n notNode) match(r *Resource, element any) bool { return !n.of.match(r, element) }

func (notNode) implies(func(*Attribute, *comparison)) {}

func (n notNode) refers(yield func(ref)) { n.of.refers(yield) }

// termNode compares an attribute of the resource.
type termNode struct {
	ref ref
	is  comparison
}

func (n *termNode) match(r *Resource, _ any) bool {
	if n.ref.sub == nil {
		return n.is.holds(r.Value(n.ref))
	}
	if n.ref.attr == attrMeta {
		return n.is.holds(r.metaValue(n.ref.sub))
	}
	return n.is.holdsWithin(r.Value(n.ref), n.ref.sub)
}

func (n *termNode) implies(yield func(*Attribute, *comparison)) { yield(n.ref.leaf(), &n.is) }

func (n *termNode) refers(yield func(ref)) { yield(n.ref) }

// absentNode compares an attribute that the resource type has not. It implies nothing,
// since no index of the type has it.
type absentNode struct{ is comparison }

func (n *absentNode) match(*Resource, any) bool { return n.is.holds(nil) }

func (*absentNode) implies(func(*Attribute, *comparison)) {}

func (*absentNode) refers(func(ref)) {}

// noElement is what brackets match of an attribute that the resource type has not.
type noElement struct{}

func (noElement) match(*Resource, any) bool { return false }

func (noElement) implies(func(*Attribute, *comparison)) {}

func (noElement) refers(func(ref)) {}

// elementNode compares a sub-attribute of an element, or with sub nil the element
// itself, which is simple then.
type elementNode struct {
	attr, sub *Attribute
	is        comparison
}

func (n *elementNode) match(_ *Resource, element any) bool {
	if n.sub == nil {
		return n.is.holds(element)
	}
	c, _ := element.(Complex)
	return n.is.holds(c[n.sub.Name])
}

func (n *elementNode) implies(yield func(*Attribute, *comparison)) {
	if n.sub == nil {
		yield(n.attr, &n.is)
	} else {
		yield(n.sub, &n.is)
	}
}

func (*elementNode) refers(func(ref)) {}

// valuePathNode is true if one element satisfies all of what is in the brackets.
type valuePathNode struct {
	ref ref
	of  node
}

func (n *valuePathNode) match(r *Resource, _ any) bool {
	switch v := r.Value(n.ref).(type) {
	case nil:
		return false
	case []any:
		for _, e := range v {
			if n.of.match(r, e) {
				return true
			}
		}
		return false
	default:
		return n.of.match(r, v)
	}
}

func (n *valuePathNode) implies(yield func(*Attribute, *comparison)) { n.of.implies(yield) }

func (n *valuePathNode) refers(yield func(ref)) { yield(n.ref) }
