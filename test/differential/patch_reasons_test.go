package differential

import (
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// reason is why a package makes something else of an operation than the engine, and
// what the RFC says. The engine is right in all.
type reason struct {
	decision string
	about    func(c patching, o operation, ours, theirs patched) bool
}

// patchRival is a package that patches.
type patchRival struct {
	name, script string
	reasons      []reason
}

var patchRivals = []patchRival{
	{"scim-patch", "scim-patch.mjs", append(
		refusals(scim.InvalidPath, scim.InvalidSyntax, scim.InvalidValue, scim.Mutability, scim.NoTarget),
		named("the name of an attribute may be written in any case (RFC 7643 section 2.1)", "TITLE"),
		extensionAsObject("the attributes of an extension are in an object under its URN, which a path and a key may name (RFC 7643 section 3.3, RFC 7644 section 3.10)"),
		removeWithoutMatch("a remove whose path matches nothing has nothing to do: what it asks for is so (RFC 7644 section 3.5.2.2 has no error for it)"),
		valueOnRemove("the value of a remove does not matter where the path names one value (RFC 7644 section 3.5.2.2 has none)"),
		otherCase("a filter compares strings that are not caseExact in any case (RFC 7644 section 3.4.2.2)"),
		activeStays("a server may have a default for what a client leaves without a value, and that of active is what it was (RFC 7644 section 3.5.1)"),
		primaryMoves("one value is primary at most: that which becomes so takes it from the others (RFC 7644 section 3.5.2)"),
		replaceMatches("to replace what a value path matches is to replace the whole of each value (RFC 7644 section 3.5.2.3)"),
		complexMerges("what is given of a complex attribute is added or replaced, and the rest stays (RFC 7644 sections 3.5.2.1 and 3.5.2.3)"),
		sameMember("a member is known by its value, and what else it has is immutable (RFC 7643 section 4.2)"),
		sameElement("no two values of an attribute have the same type and value (RFC 7643 section 2.4)"),
	)},
	{"scimmy", "scimmy.mjs", append(
		refusals(scim.InvalidFilter, scim.InvalidValue, scim.Mutability, scim.NoTarget),
		failing("canonical values are suggestions, of which letters in another case are none the less (RFC 7643 section 7)", "contains non-canonical value"),
		failing("to add no value changes nothing, also where a list has just lost all of its values (RFC 7643 section 2.5)", "trap returned falsish for property 'length'"),
		named("the name of an attribute may be written in any case (RFC 7643 section 2.1)", "TITLE"),
		named("a core attribute may be named with the URN of its schema (RFC 7644 section 3.10)", schema.URNUser+":title"),
		named("a path may name a part of an extension's attribute (RFC 7644 section 3.10)", schema.URNEnterpriseUser+":manager.value"),
		named("a path may name all attributes of an extension, to remove them too (RFC 7644 section 3.10)", schema.URNEnterpriseUser),
		named("without a filter, a sub-attribute is that of each value (RFC 7644 figure 7: attrPath)", "emails.display"),
		activeStays("a server may have a default for what a client leaves without a value, and that of active is what it was (RFC 7644 section 3.5.1)"),
		primaryMoves("one value is primary at most: that which becomes so takes it from the others (RFC 7644 section 3.5.2)"),
		replaceList("to replace a multi-valued attribute is to replace all of its values, without a path too (RFC 7644 section 3.5.2.3)"),
		complexMerges("what is given of a complex attribute is added or replaced, and the rest stays (RFC 7644 sections 3.5.2.1 and 3.5.2.3)"),
		sameMember("a member is known by its value, and what else it has is immutable (RFC 7643 section 4.2)"),
		sameElement("no two values of an attribute have the same type and value (RFC 7643 section 2.4)"),
		otherCase("a filter compares strings that are not caseExact in any case (RFC 7644 section 3.4.2.2)"),
	)},
}

// refusals are reasons for which the engine refuses what the package does not. That
// it is to do so, the corpus says.
func refusals(of ...scim.ErrorType) []reason {
	decisions := map[scim.ErrorType]string{
		scim.InvalidPath:   "a path names an attribute that a schema has, and is whole (RFC 7644 section 3.5.2, table 9)",
		scim.InvalidFilter: "a filter in a path has the grammar of filters (RFC 7644 section 3.5.2, table 9)",
		scim.InvalidSyntax: "the value of an operation without a path has the attributes of a schema (RFC 7644 section 3.5.2.1)",
		scim.InvalidValue:  "a value has the type of its attribute, and is not removed along with a whole list (RFC 7643 section 2.3, RFC 7644 sections 3.5.2.2 and 3.12)",
		scim.Mutability:    "what is read-only or immutable is not changed, and what is required not removed (RFC 7643 section 7, RFC 7644 section 3.5.2)",
		scim.NoTarget:      "a value path that matches nothing is noTarget, and creates nothing (RFC 7644 section 3.5.2.3, table 9)",
	}
	all := make([]reason, len(of))
	for i, refusal := range of {
		all[i] = reason{decisions[refusal], func(_ patching, _ operation, ours, theirs patched) bool {
			return ours.refusal == refusal && theirs.Error == ""
		}}
	}
	return all
}

// failing is about what the package refuses in these words.
func failing(decision, words string) reason {
	return reason{decision, func(_ patching, _ operation, ours, theirs patched) bool {
		return ours.Error == "" && strings.Contains(theirs.Error, words)
	}}
}

func activeStays(decision string) reason {
	return reason{decision, func(_ patching, o operation, ours, theirs patched) bool {
		return o.Op == "remove" && o.Path == "active" && ours.Error == "" && theirs.Error == ""
	}}
}

func replaceMatches(decision string) reason {
	return reason{decision, func(_ patching, o operation, ours, theirs patched) bool {
		return o.Op == "replace" && strings.HasSuffix(o.Path, "]") && ours.Error == "" && theirs.Error == ""
	}}
}

func replaceList(decision string) reason {
	return reason{decision, func(_ patching, o operation, _, theirs patched) bool {
		d, _ := o.Value.(document)
		return o.Op == "replace" && o.Path == "" && theirs.Error == "" && (d["emails"] != nil || d["members"] != nil)
	}}
}

func complexMerges(decision string) reason {
	return reason{decision, func(_ patching, o operation, _, theirs patched) bool {
		d, _ := o.Value.(document)
		return theirs.Error == "" && (o.Path == "name" || o.Path == "" && d["name"] != nil)
	}}
}

func named(decision, path string) reason {
	return reason{decision, func(_ patching, o operation, _, _ patched) bool { return o.Path == path }}
}

func extensionAsObject(decision string) reason {
	return reason{decision, func(_ patching, o operation, _, _ patched) bool {
		d, _ := o.Value.(document)
		return o.Path == schema.URNEnterpriseUser || o.Path == "" && d[schema.URNEnterpriseUser] != nil
	}}
}

func removeWithoutMatch(decision string) reason {
	return reason{decision, func(c patching, o operation, _, theirs patched) bool {
		return o.Op == "remove" && o.to.where != nil && !o.to.found(c.Resource) && theirs.Error != ""
	}}
}

func valueOnRemove(decision string) reason {
	return reason{decision, func(_ patching, o operation, _, theirs patched) bool {
		return o.Op == "remove" && o.Value != nil && theirs.Error != ""
	}}
}

// otherCase is about a path with brackets, of a resource that has a value in capitals.
func otherCase(decision string) reason {
	return reason{decision, func(c patching, o operation, _, _ patched) bool {
		list, _ := c.Resource[o.to.list].([]any)
		for _, e := range list {
			if c := e.(document); strings.Contains(o.Path, "[") && (c["type"] == "Work" || c["value"] == "A@example.com") {
				return true
			}
		}
		return false
	}}
}

// primaryMoves is about an operation after which another value is the primary one.
func primaryMoves(decision string) reason {
	return reason{decision, func(_ patching, _ operation, ours, theirs patched) bool {
		return theirs.Error == "" && primaries(theirs.Resource) > 1 && primaries(ours.Resource) == 1
	}}
}

func primaries(d document) (n int) {
	list, _ := d["emails"].([]any)
	for _, e := range list {
		if c, ok := e.(document); ok && c["primary"] == true {
			n++
		}
	}
	return n
}

// sameMember is about members that are there already.
func sameMember(decision string) reason {
	return again(decision, "members", func(x, y document) bool { return x["value"] == y["value"] })
}

// sameElement is about a value that is there already, or that an operation makes of
// another one.
func sameElement(decision string) reason {
	same := func(x, y document) bool { return x["value"] == y["value"] && x["type"] == y["type"] }
	added := again(decision, "emails", same)
	return reason{decision, func(c patching, o operation, ours, theirs patched) bool {
		return added.about(c, o, ours, theirs) || twice(theirs.Resource["emails"], same)
	}}
}

// twice says whether a list has two values that are the same.
func twice(list any, same func(x, y document) bool) bool {
	values, _ := list.([]any)
	for i, x := range values {
		if slices.ContainsFunc(values[:i], func(y any) bool { return same(x.(document), y.(document)) }) {
			return true
		}
	}
	return false
}

// again is about values of a list of which the same are there already.
func again(decision, list string, same func(x, y document) bool) reason {
	return reason{decision, func(c patching, o operation, _, theirs patched) bool {
		d, _ := o.Value.(document)
		given, ok := d[list].([]any)
		if o.Path == list {
			given, ok = o.Value.([]any)
		}
		if !ok && o.to.list == list && d != nil {
			given = []any{d}
		}
		there, _ := c.Resource[list].([]any)
		return theirs.Error == "" && slices.ContainsFunc(given, func(x any) bool {
			return slices.ContainsFunc(there, func(y any) bool { return same(x.(document), y.(document)) })
		})
	}}
}
