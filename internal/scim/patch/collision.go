package patch

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// place is what one member of an object assigns: an attribute as a whole, a
// sub-attribute, or what a filter finds.
type place struct {
	attr, sub *schema.Attribute
	filter    string
}

// somePart stands for all parts of an attribute that have been assigned.
func (p place) somePart() place { return place{attr: p.attr, filter: "some"} }

// whole stands for all of the attribute.
func (p place) whole() place { return place{attr: p.attr} }

// collision is the error about members of one object that assign the same, by two of its
// names, so that one of the values would be lost; given has what was assigned before, or
// is nil.
func collision(given *scim.Resource, steps []step) error {
	seen := make(map[place]bool, 2*len(steps))
	for i := range steps {
		s := &steps[i]
		if s.at.Attr == nil {
			continue
		}
		for _, p := range s.places() {
			if seen[p] || seen[p.whole()] || p == p.whole() && seen[p.somePart()] || hasPlace(given, s.at.Schema, p) {
				return scim.BadRequest(scim.InvalidSyntax, "%q is given twice, by two of its names", s.at.Leaf().Path())
			}
		}
		for _, p := range s.places() {
			seen[p], seen[p.somePart()] = true, true
		}
	}
	return nil
}

// places are what a step assigns.
func (s *step) places() []place {
	p := place{attr: s.at.Attr, sub: s.at.Sub}
	if s.at.filter != nil {
		p.filter = ascii.Lower(strings.ReplaceAll(s.at.filter.Text, " ", ""))
	}
	if s.parts == nil || s.at.filter != nil {
		return []place{p}
	}
	all := make([]place, len(s.parts))
	for i, x := range s.parts {
		all[i] = place{attr: s.at.Attr, sub: x.sub}
	}
	return all
}

// hasPlace says whether a resource has a value in a place. Every part of an attribute with
// several values is there when any is.
func hasPlace(r *scim.Resource, s *schema.Schema, p place) bool {
	if r == nil {
		return false
	}
	v := r.Container(s)[p.attr.Name]
	if c, ok := v.(scim.Complex); ok && p.sub != nil {
		v = c[p.sub.Name]
	}
	return content.Assigned(v)
}
