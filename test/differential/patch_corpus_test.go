package differential

import (
	"math/rand/v2"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// operation is one of a PATCH request.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
	to    *target
}

// target is what a path of an operation names, with values for it, and what the RFC
// wants the answer to be.
type target struct {
	path   string
	values []any
	// refusal is the error of all operations on it. One about the value does not
	// concern a remove, which has none.
	refusal scim.ErrorType
	// required says that it cannot be removed.
	required bool
	// parts says that it is complex and has no value of its own.
	parts bool
	// list is the multi-valued attribute that it is part of, if any, and where says
	// which of its elements are meant.
	list  string
	where func(document) bool
}

var (
	work = document{"value": "w@example.com", "type": "work"}
	home = document{"value": "h@example.com", "type": "home", "primary": true}
	bare = document{"value": "b@example.org"}
)

func is(sub, value string) func(document) bool {
	return func(e document) bool { s, _ := e[sub].(string); return strings.EqualFold(s, value) }
}

func all(document) bool { return true }

var userTargets = []*target{
	{path: "title", values: []any{"Guide", "Jensen"}},
	{path: "displayName", values: []any{"Babs", ""}},
	{path: "userName", values: []any{"new@example.com"}, required: true},
	{path: "active", values: truth},
	{path: "externalId", values: []any{"x1", "x9"}},
	{path: schema.URNUser + ":title", values: []any{"Guide"}},
	{path: "TITLE", values: []any{"Guide"}},
	{path: "name", parts: true, values: []any{document{"givenName": "Barbara"}, document{"familyName": "Jensen", "givenName": "B"}}},
	{path: "name.givenName", values: []any{"Barbara"}},
	{path: "name.familyName", values: []any{"Jensen"}},
	{path: "emails", list: "emails", values: []any{[]any{work}, []any{work, bare}, []any{home}, []any{}}},
	{path: "emails", list: "emails", values: []any{[]any{home}, []any{document{"value": "w@example.com", "type": "work", "primary": true}}}},
	{path: `emails[type eq "work"]`, list: "emails", where: is("type", "work"), values: []any{document{"value": "n@example.com"}, document{"value": "n@example.com", "type": "work"}, document{"display": "d"}}},
	{path: `emails[type eq "work"].value`, list: "emails", where: is("type", "work"), values: []any{"n@example.com"}},
	{path: `emails[type eq "home"].display`, list: "emails", where: is("type", "home"), values: []any{"d"}},
	{path: `emails[value eq "a@example.com"]`, list: "emails", where: is("value", "a@example.com"), values: []any{document{"value": "a@example.com", "type": "home"}}},
	{path: `emails[value eq "a@example.com" and type eq "work"].primary`, list: "emails", values: truth,
		where: func(e document) bool { return is("value", "a@example.com")(e) && is("type", "work")(e) }},
	{path: `emails[primary eq true].value`, list: "emails", where: func(e document) bool { return e["primary"] == true }, values: []any{"p@example.com"}},
	{path: `emails[not (type eq "work")]`, list: "emails", where: func(e document) bool { return !is("type", "work")(e) }, values: []any{document{"value": "n@example.com"}}},
	{path: "emails.display", list: "emails", where: all, values: []any{"d"}},
	{path: schema.URNEnterpriseUser + ":department", values: []any{"Tours"}},
	{path: schema.URNEnterpriseUser + ":manager", values: []any{document{"value": "m1"}}},
	{path: schema.URNEnterpriseUser + ":manager.value", values: []any{"m2"}},
	{path: schema.URNEnterpriseUser, parts: true, values: []any{document{"department": "Tours", "costCenter": "1"}}},
	{values: []any{document{"title": "Guide", "active": true}, document{"name": document{"givenName": "B"}}, document{"emails": []any{work, bare}},
		document{schema.URNEnterpriseUser: document{"department": "Tours"}}}},
	{values: []any{document{"name.nope": "B"}, document{"nope": "x"}}, refusal: scim.InvalidSyntax},
	{values: []any{document{"id": "x"}, document{"groups": []any{}}}, refusal: scim.Mutability},
	{path: "active", values: []any{"True", 1.0}, refusal: scim.InvalidValue},
	{path: "title", values: []any{7.0, document{"value": "x"}}, refusal: scim.InvalidValue},
	{path: "emails", list: "emails", values: []any{[]any{document{"value": 7.0}}, "x", home}, refusal: scim.InvalidValue},
	{path: "userName", values: []any{""}, required: true, refusal: scim.InvalidValue},
	{path: "nope", values: []any{"x"}, refusal: scim.InvalidPath},
	{path: "name.nope", values: []any{"x"}, refusal: scim.InvalidPath},
	{path: "emails[type eq", values: []any{"x"}, refusal: scim.InvalidPath},
	{path: "emails[type is work]", values: []any{"x"}, refusal: scim.InvalidFilter},
	{path: "id", values: []any{"x"}, refusal: scim.Mutability},
	{path: "groups", values: []any{[]any{document{"value": "g"}}}, refusal: scim.Mutability},
}

var groupTargets = []*target{
	{path: "displayName", values: []any{"Guides"}, required: true},
	{path: "externalId", values: []any{"x1"}},
	{path: "members", list: "members", values: []any{[]any{document{"value": "u1"}}, []any{document{"value": "u1", "type": "User"}, document{"value": "u3"}}, []any{}}},
	{path: `members[value eq "u1"]`, list: "members", where: is("value", "u1"), values: []any{document{"value": "u1"}}},
	{path: `members[value eq "u1" or value eq "g1"]`, list: "members", where: func(e document) bool { return is("value", "u1")(e) || is("value", "g1")(e) }, values: nil},
	{path: `members[type eq "User"]`, list: "members", where: is("type", "User"), values: nil},
	{values: []any{document{"displayName": "Guides"}, document{"members": []any{document{"value": "u3"}}}}},
	{values: []any{document{"id": "x", "displayName": "Guides"}}, refusal: scim.Mutability},
	{path: "members", list: "members", values: []any{document{"value": "u4"}, []any{document{"type": "User"}}}, refusal: scim.InvalidValue},
	{path: "members.value", list: "members", where: all, values: []any{"u9"}, refusal: scim.Mutability},
	{path: "nope", values: []any{"x"}, refusal: scim.InvalidPath},
}

func targetsOf(kind *schema.ResourceType) []*target {
	if kind.Name == "Group" {
		return groupTargets
	}
	return userTargets
}

// patchFields are the fields that the resources of the PATCH corpus have: those that
// all packages know.
func patchFields(kind *schema.ResourceType) (fields []*field) {
	if kind.Name == "Group" {
		// Values that differ in case only are one member, but not to all packages.
		return []*field{groupFields[0], groupFields[1], {name: "members.value", list: true, values: []any{"u1", "u2", "g1"}}, groupFields[3]}
	}
	for _, f := range userFields {
		if f.name == "emails.type" { // mostly what is canonical, which not all packages take for a suggestion
			fields = append(fields, &field{name: f.name, list: true, values: []any{"work", "home", "other", "Work"}})
		} else if f.urn != urnBadge && !strings.HasPrefix(f.name, "meta.") {
			fields = append(fields, f)
		}
	}
	return fields
}

// someOperation makes an operation on one of the targets. One without values is only
// removed, and so is nothing that has no path.
func someOperation(random *rand.Rand, targets []*target) operation {
	to := targets[random.IntN(len(targets))]
	o := operation{Op: pick(random, "add", "add", "remove", "replace", "replace"), Path: to.path, to: to}
	if to.values == nil {
		o.Op = "remove"
	} else if to.path == "" && o.Op == "remove" {
		o.Op = "add"
	}
	if o.Op != "remove" || to.values != nil && random.IntN(10) == 0 {
		o.Value = to.values[random.IntN(len(to.values))]
	}
	return o
}

// refusal is the error that the RFC wants for the operation on a resource in this
// state, empty for none.
func (o operation) refusal(state document) scim.ErrorType {
	to := o.to
	switch {
	case o.Op == "remove" && o.Value != nil && (to.list != "" && !strings.Contains(to.path, "[") || to.parts):
		return scim.InvalidValue
	case to.where != nil && !to.found(state) && o.Op == "remove":
		return ""
	case to.where != nil && !to.found(state):
		return scim.NoTarget
	case to.refusal != "" && (o.Op != "remove" || to.refusal != scim.InvalidValue):
		return to.refusal
	case o.Op == "remove" && to.required:
		return scim.Mutability
	}
	return ""
}

// found says whether the path names an element of the resource.
func (to *target) found(state document) bool {
	list, _ := state[to.list].([]any)
	for _, e := range list {
		if to.where == nil || to.where(e.(document)) {
			return true
		}
	}
	return false
}
