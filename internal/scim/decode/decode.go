// Package decode reads the values of attributes from JSON, and refuses what does not fit
// their schema. It has the whole documents of a store; those of clients are in package
// document.
package decode

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Resource reads a whole resource. assignOdd makes of it the one that has those members
// too whose names have to be understood first, if there are any.
func (d Reader) Resource(o strictjson.Object, assignOdd func(*scim.Resource, []OddMember) (*scim.Resource, error)) (*scim.Resource, error) {
	declared, err := d.Declared(o)
	if err != nil {
		return nil, err
	}
	attributes := make(scim.Complex, len(o))
	var odd []OddMember
	for _, m := range o {
		if err := d.member(attributes, &odd, m); err != nil {
			return nil, err
		}
	}
	r := scim.NewResource(d.Type, attributes)
	if len(odd) > 0 {
		if r, err = assignOdd(r, odd); err != nil {
			return nil, err
		}
	}
	for _, e := range d.Type.Extensions {
		if !d.Leniency.UndeclaredExtensions && !declared[e.Schema] && len(r.Container(e.Schema)) > 0 {
			return nil, scim.BadRequest(scim.InvalidSyntax, "there are attributes of %q, so \"schemas\" must list it", e.Schema.ID)
		}
	}
	return r, checkRequired(r)
}

// OddMember is a member whose name is not that of an attribute in this place.
type OddMember struct {
	Home *schema.Schema // under whose URN it stands; nil for the top
	strictjson.Member
}

// member reads one member of a resource into its attributes, or puts it off until all
// that have the names of attributes are read.
func (d Reader) member(attributes scim.Complex, odd *[]OddMember, m strictjson.Member) error {
	if a := d.Type.Attribute(m.Name); a != nil {
		if a == schema.AttrSchemas || a.Mutability == schema.ReadOnly && !d.Stored {
			return nil
		}
		return d.assignTo(attributes, a, m.Value)
	}
	s := d.Type.SchemaNamed(m.Name)
	if s == nil || s.Core() {
		*odd = append(*odd, OddMember{nil, m})
		return nil
	}
	if _, again := attributes[s.ID]; again {
		return scim.BadRequest(scim.InvalidSyntax, "%q is given twice, by two of its names", s.ID)
	}
	c, err := d.extension(s, odd, m.Value)
	if len(c) > 0 {
		attributes[s.ID] = c
	}
	return err
}

func (d Reader) assignTo(attributes scim.Complex, a *schema.Attribute, in any) error {
	v, err := d.Attribute(a, in)
	if err != nil {
		return err
	}
	if v != nil && !a.Discarded() {
		attributes[a.Name] = v
	}
	return nil
}

// extension reads the object under an extension's URN.
func (d Reader) extension(s *schema.Schema, odd *[]OddMember, v any) (scim.Complex, error) {
	if v == nil {
		return nil, nil
	}
	o, ok := v.(strictjson.Object)
	if !ok {
		return nil, scim.BadRequest(scim.InvalidValue, "the value of %q must be an object, not %s", s.ID, strictjson.Describe(v))
	}
	c := make(scim.Complex, len(o))
	for _, m := range o {
		a := s.Attribute(m.Name)
		if a == nil {
			*odd = append(*odd, OddMember{s, m})
			continue
		}
		if a.Mutability == schema.ReadOnly && !d.Stored {
			continue
		}
		if err := d.assignTo(c, a, m.Value); err != nil {
			return nil, err
		}
	}
	return c, nil
}
