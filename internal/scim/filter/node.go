package filter

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// node is a part of a compiled filter. Inside of a value path it is matched
// against one element, outside against the resource.
type node interface {
	match(r *scim.Resource, element any) bool
	// implies calls back for the comparisons that must hold for the node to match.
	implies(yield func(*schema.Attribute, *comparison))
	// refers calls back for the attributes of the resource that the node looks at.
	refers(yield func(schema.Ref))
}

type andNode []node

func (n andNode) match(r *scim.Resource, element any) bool {
	for _, x := range n {
		if !x.match(r, element) {
			return false
		}
	}
	return true
}

func (n andNode) implies(yield func(*schema.Attribute, *comparison)) {
	for _, x := range n {
		x.implies(yield)
	}
}

func (n andNode) refers(yield func(schema.Ref)) {
	for _, x := range n {
		x.refers(yield)
	}
}

type orNode []node

func (n orNode) match(r *scim.Resource, element any) bool {
	for _, x := range n {
		if x.match(r, element) {
			return true
		}
	}
	return false
}

func (orNode) implies(func(*schema.Attribute, *comparison)) {}

func (n orNode) refers(yield func(schema.Ref)) { andNode(n).refers(yield) }

type notNode struct{ of node }

func (n notNode) match(r *scim.Resource, element any) bool { return !n.of.match(r, element) }

func (notNode) implies(func(*schema.Attribute, *comparison)) {}

func (n notNode) refers(yield func(schema.Ref)) { n.of.refers(yield) }

// termNode compares an attribute of the resource.
type termNode struct {
	ref schema.Ref
	is  comparison
}

func (n *termNode) match(r *scim.Resource, _ any) bool {
	if n.ref.Sub == nil {
		return n.is.holds(r.Value(n.ref))
	}
	if n.ref.Attr == schema.AttrMeta {
		return n.is.holds(r.MetaValue(n.ref.Sub))
	}
	return n.is.holdsWithin(r.Value(n.ref), n.ref.Sub)
}

func (n *termNode) implies(yield func(*schema.Attribute, *comparison)) { yield(n.ref.Leaf(), &n.is) }

func (n *termNode) refers(yield func(schema.Ref)) { yield(n.ref) }

// absentNode compares an attribute that the resource type has not. It implies nothing,
// since no index of the type has it.
type absentNode struct{ is comparison }

func (n *absentNode) match(*scim.Resource, any) bool { return n.is.holds(nil) }

func (*absentNode) implies(func(*schema.Attribute, *comparison)) {}

func (*absentNode) refers(func(schema.Ref)) {}

// noElement is what brackets match of an attribute that the resource type has not.
type noElement struct{}

func (noElement) match(*scim.Resource, any) bool { return false }

func (noElement) implies(func(*schema.Attribute, *comparison)) {}

func (noElement) refers(func(schema.Ref)) {}

// elementNode compares a sub-attribute of an element, or with sub nil the element
// itself, which is simple then.
type elementNode struct {
	attr, sub *schema.Attribute
	is        comparison
}

func (n *elementNode) match(_ *scim.Resource, element any) bool {
	if n.sub == nil {
		return n.is.holds(element)
	}
	c, _ := element.(scim.Complex)
	return n.is.holds(c[n.sub.Name])
}

func (n *elementNode) implies(yield func(*schema.Attribute, *comparison)) {
	if n.sub == nil {
		yield(n.attr, &n.is)
	} else {
		yield(n.sub, &n.is)
	}
}

func (*elementNode) refers(func(schema.Ref)) {}

// valuePathNode is true if one element satisfies all of what is in the brackets.
type valuePathNode struct {
	ref schema.Ref
	of  node
}

func (n *valuePathNode) match(r *scim.Resource, _ any) bool {
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

func (n *valuePathNode) implies(yield func(*schema.Attribute, *comparison)) { n.of.implies(yield) }

func (n *valuePathNode) refers(yield func(schema.Ref)) { yield(n.ref) }
