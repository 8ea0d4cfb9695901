// Package message has the envelopes of the protocol: what every body of a request must
// be, the body of a search, and the list that a query answers with (RFC 7644).
package message

import (
	"bytes"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Parse reads the body of a request, which is a JSON object.
func Parse(doc []byte) (strictjson.Object, error) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, scim.BadRequest(scim.InvalidSyntax, "the body is empty: a JSON object is expected, with \"schemas\" and what the request is about")
	}
	v, err := strictjson.Parse(doc)
	if err != nil {
		return nil, scim.BadRequest(scim.InvalidSyntax, "the body is not the JSON that it should be: %v", err)
	}
	o, ok := v.(strictjson.Object)
	if !ok {
		return nil, scim.BadRequest(scim.InvalidSyntax, "the body must be a JSON object, not %s", strictjson.Describe(v))
	}
	return o, nil
}

// Schemas is the value of `schemas` of a resource or a message. URNs listed twice
// do no harm: the server makes the list anew.
func Schemas(o strictjson.Object, l scim.Leniency) ([]string, error) {
	v := Member(o, schema.AttrSchemas.Name)
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if _, single := v.(string); single && l.SingleForArray {
		list, ok = []any{v}, true
	}
	if !ok {
		return nil, scim.BadRequest(scim.InvalidSyntax, "\"schemas\" must be an array of URNs, not %s", strictjson.Describe(v))
	}
	urns := make([]string, 0, len(list))
	for _, e := range list {
		urn, ok := e.(string)
		if !ok {
			return nil, scim.BadRequest(scim.InvalidSyntax, "\"schemas\" must be an array of URNs; an element is %s", strictjson.Describe(e))
		}
		urns = append(urns, urn)
	}
	return urns, nil
}

// Member returns the value of a member by its name, whatever its case; nil when
// there is none.
func Member(o strictjson.Object, name string) any {
	for _, m := range o {
		if ascii.Equal(m.Name, name) {
			return m.Value
		}
	}
	return nil
}

// Check checks that a message lists its own schema.
func Check(o strictjson.Object, urn string, l scim.Leniency) error {
	urns, err := Schemas(o, l)
	if err != nil {
		return err
	}
	for _, u := range urns {
		if ascii.Equal(u, urn) {
			return nil
		}
	}
	if l.MissingSchemas {
		return nil
	}
	return scim.BadRequest(scim.InvalidSyntax, "\"schemas\" must list %q", urn)
}
