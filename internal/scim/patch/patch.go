// Package patch reads and applies the body of a PATCH (RFC 7644 section 3.5.2).
package patch

import (
	"errors"
	"net/http"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/schema"
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
	t   *schema.ResourceType
	l   scim.Leniency
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

// Parse reads the body of a PATCH and checks all that does not depend on the
// resource: the message, the paths, and the values against the schema.
func Parse(t *schema.ResourceType, doc []byte, l scim.Leniency) (*Patch, error) {
	o, err := message.Parse(doc)
	if err != nil {
		return nil, err
	}
	if err := message.Check(o, scim.URNPatchOp, l); err != nil {
		return nil, err
	}
	v := message.Member(o, "Operations")
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, scim.BadRequest(scim.InvalidSyntax, "\"Operations\" must be an array of at least one operation")
	}
	if len(list) > MaxOperations {
		return nil, scim.Errorf(http.StatusRequestEntityTooLarge, "", "the request has %d operations, and may have %d at the most; send several requests", len(list), MaxOperations)
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
	var e *scim.Error
	if !errors.As(err, &e) {
		return err
	}
	return scim.Errorf(e.Status, e.Type, "operation %d: %s", number, e.Detail)
}

// wireOperation is one operation as it was sent.
type wireOperation struct {
	verb     verb
	path     string
	hasPath  bool
	value    any
	hasValue bool
}

func (p *Patch) compile(v any) ([]step, error) {
	o, ok := v.(strictjson.Object)
	if !ok {
		return nil, scim.BadRequest(scim.InvalidSyntax, "an operation must be an object, not %s", strictjson.Describe(v))
	}
	m, err := p.message(o)
	if err != nil {
		return nil, err
	}
	c := stepCompiler{d: decode.Reader{Type: p.t, Leniency: p.l}, verb: m.verb}
	switch {
	case m.verb == verbRemove && !m.hasPath:
		return nil, scim.BadRequest(scim.NoTarget, "a remove needs a path that says what to remove (RFC 7644 section 3.5.2.2)")
	case m.verb == verbRemove:
		err = c.remove(m)
	case !m.hasValue:
		return nil, scim.BadRequest(scim.InvalidValue, "%q needs a value", m.verb)
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

func (p *Patch) message(o strictjson.Object) (m wireOperation, err error) {
	for _, x := range o {
		switch ascii.Lower(x.Name) {
		case "op":
			m.verb, err = p.verb(x.Value)
		case "path":
			if x.Value == nil {
				continue
			}
			m.hasPath = true
			var ok bool
			if m.path, ok = x.Value.(string); !ok {
				err = scim.BadRequest(scim.InvalidPath, "\"path\" must be a string, not %s", strictjson.Describe(x.Value))
			}
		case "value":
			m.value, m.hasValue = x.Value, true
		default:
			if !p.l.IgnoreUnknown {
				err = scim.BadRequest(scim.InvalidSyntax, "an operation has no member %q", x.Name)
			}
		}
		if err != nil {
			return m, err
		}
	}
	if m.verb == "" {
		return m, scim.BadRequest(scim.InvalidSyntax, "\"op\" is missing: add, remove or replace")
	}
	return m, nil
}

func (p *Patch) verb(v any) (verb, error) {
	s, _ := v.(string)
	if p.l.OperationCase {
		s = ascii.Lower(s)
	}
	switch op := verb(s); op {
	case verbAdd, verbRemove, verbReplace:
		return op, nil
	}
	if p.l.OperationCase {
		return "", scim.BadRequest(scim.InvalidSyntax, "\"op\" must be add, remove or replace")
	}
	return "", scim.BadRequest(scim.InvalidSyntax, "\"op\" must be add, remove or replace, in lower case")
}
