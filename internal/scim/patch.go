package scim

import (
	"errors"
	"net/http"

	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// MaxOperations is how many operations a PATCH may have.
const MaxOperations = 5000

// Patch is a compiled PATCH request (RFC 7644 section 3.5.2). It does not change,
// and may be applied any number of times.
//
// Where the RFC leaves room: a remove that finds nothing, and an add of what is
// there, succeed and change nothing. null is "unassigned" for replace and
// nothing for add; `active` is never unassigned, and stays as it is. An element that
// is added with the `type` and `value` of an existing one is merged into that; members
// are the same by `value` alone. A sub-attribute of a multi-valued attribute, without a
// filter, is that of every element. Replacing a filtered element replaces the whole of it.
type Patch struct {
	t   *ResourceType
	l   Leniency
	ops []operation
}

// verb is what an operation does.
type verb string

const (
	verbAdd     verb = "add"
	verbRemove  verb = "remove"
	verbReplace verb = "replace"
)

// operation is one operation, taken apart into a step for each attribute.
type operation struct {
	number int // counted from 1, for error texts
	steps  []step
}

// ParsePatch reads the body of a PATCH and checks all that does not depend on the
// resource: the message, the paths, and the values against the schema.
func ParsePatch(t *ResourceType, doc []byte, l Leniency) (*Patch, error) {
	o, err := parseObject(doc)
	if err != nil {
		return nil, err
	}
	if err := checkMessage(o, URNPatchOp, l); err != nil {
		return nil, err
	}
	v := member(o, "Operations")
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, badRequest(InvalidSyntax, "\"Operations\" must be an array of at least one operation")
	}
	if len(list) > MaxOperations {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "", "the request has %d operations, and may have %d at the most; send several requests", len(list), MaxOperations)
	}
	p := &Patch{t: t, l: l, ops: make([]operation, 0, len(list))}
	for i, e := range list {
		steps, err := p.compile(e)
		if err != nil {
			return nil, inOperation(i+1, err)
		}
		p.ops = append(p.ops, operation{number: i + 1, steps: steps})
	}
	return p, nil
}

// inOperation tells the client which operation an error is about.
func inOperation(number int, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	return Errorf(e.Status, e.Type, "operation %d: %s", number, e.Detail)
}

// message is one operation as it was sent.
type message struct {
	verb     verb
	path     string
	hasPath  bool
	value    any
	hasValue bool
}

func (p *Patch) compile(v any) ([]step, error) {
	o, ok := v.(strictjson.Object)
	if !ok {
		return nil, badRequest(InvalidSyntax, "an operation must be an object, not %s", kindOf(v))
	}
	m, err := p.message(o)
	if err != nil {
		return nil, err
	}
	c := stepCompiler{d: reader{t: p.t, l: p.l}, verb: m.verb}
	switch {
	case m.verb == verbRemove && !m.hasPath:
		return nil, badRequest(NoTarget, "a remove needs a path that says what to remove (RFC 7644 section 3.5.2.2)")
	case m.verb == verbRemove:
		err = c.remove(m)
	case !m.hasValue:
		return nil, badRequest(InvalidValue, "%q needs a value", m.verb)
	case m.hasPath:
		err = c.assignPath(m.path, m.value)
	default:
		err = c.assignObject(m.value)
	}
	if err != nil {
		return nil, err
	}
	return c.finish()
}

func (p *Patch) message(o strictjson.Object) (m message, err error) {
	for _, x := range o {
		switch lowerASCII(x.Name) {
		case "op":
			m.verb, err = p.verb(x.Value)
		case "path":
			if x.Value == nil {
				continue
			}
			m.hasPath = true
			var ok bool
			if m.path, ok = x.Value.(string); !ok {
				err = badRequest(InvalidPath, "\"path\" must be a string, not %s", kindOf(x.Value))
			}
		case "value":
			m.value, m.hasValue = x.Value, true
		default:
			if !p.l.IgnoreUnknown {
				err = badRequest(InvalidSyntax, "an operation has no member %q", x.Name)
			}
		}
		if err != nil {
			return m, err
		}
	}
	if m.verb == "" {
		return m, badRequest(InvalidSyntax, "\"op\" is missing: add, remove or replace")
	}
	return m, nil
}

func (p *Patch) verb(v any) (verb, error) {
	s, _ := v.(string)
	if p.l.OperationCase {
		s = lowerASCII(s)
	}
	switch op := verb(s); op {
	case verbAdd, verbRemove, verbReplace:
		return op, nil
	}
	if p.l.OperationCase {
		return "", badRequest(InvalidSyntax, "\"op\" must be add, remove or replace")
	}
	return "", badRequest(InvalidSyntax, "\"op\" must be add, remove or replace, in lower case")
}
