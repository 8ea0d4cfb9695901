package scim_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/discovery"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// FuzzNothingIsLost makes one request of an attribute, a spelling of its name, and a
// value. If it succeeds, the value must be where the schema has the attribute, and all
// else as it was. Who judges knows the published schemas and JSON, and nothing of how the
// engine understands names.
func FuzzNothingIsLost(f *testing.F) {
	for i := range 64 {
		f.Add([]byte{byte(i), byte(i * 7), byte(i * 3), byte(i / 2), byte(i * 5), byte(i), byte(i / 4), byte(i * 11), byte(i)})
	}
	leaves := publishedLeaves(f)
	f.Fuzz(func(t *testing.T, code []byte) { loseNothing(t, leaves, code) })
}

// loseNothing makes the request that the bytes stand for, and judges what came of it.
func loseNothing(t *testing.T, leaves []leaf, code []byte) {
	t.Helper()
	c := &chooser{code: code}
	at := choose(c, leaves)
	l := choose(c, []scim.Leniency{scimtest.Strict, scimtest.Lenient})
	value := choose(c, valuesToSend)
	how := choose(c, []string{"post", "put", "path add", "path replace", "key add", "key replace", "remove"})
	name, nested := c.spelling(at)
	current := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	sent := value
	if at.sub != "" && !strings.Contains(name, "[") && (how == "post" || how == "put") && c.next()%2 == 1 {
		name, sent = at.attr, partBy(name, at.multi, value) // The path as the name of the part.
	}
	got, request, err := send(how, current, l, name, nested, sent)
	if err != nil {
		clientError(t, err)
		return
	}
	judge := judgement{at: at, l: l, before: parsedJSON(t, scimtest.Text(t, current)), after: parsedJSON(t, scimtest.Text(t, got))}
	if problem := judge.of(how, parsedJSON(t, value)); problem != "" {
		t.Fatalf("%s\n%s\n%s", problem, request, scimtest.Text(t, got))
	}
}

// partBy is the value of an attribute that has one part, under a name.
func partBy(name string, multi bool, value string) string {
	quoted, _ := json.Marshal(name)
	object := `{` + string(quoted) + `:` + value + `}`
	if multi {
		return `[` + object + `]`
	}
	return object
}

// leaf is an attribute or a sub-attribute as the schemas publish it.
type leaf struct {
	schema, attr, sub   string
	multi, whole, fixed bool // of the attribute; whole: no sub-attribute is meant; fixed: not the client's to write, or to see
	subs                map[string]bool
}

func publishedLeaves(f testing.TB) (all []leaf) {
	f.Helper()
	type attribute struct {
		Name, Mutability string
		MultiValued      bool
		SubAttributes    []attribute
	}
	for _, s := range scimtest.UserType.Schemas() {
		var doc struct{ Attributes []attribute }
		if err := json.Unmarshal(discovery.Schema(s, ""), &doc); err != nil {
			f.Fatal(err)
		}
		for _, a := range doc.Attributes {
			hidden := func(m string) bool { return m == "readOnly" || m == "writeOnly" }
			subs := map[string]bool{}
			for _, sub := range a.SubAttributes {
				subs[sub.Name] = !hidden(sub.Mutability)
				all = append(all, leaf{schema: s.ID, attr: a.Name, sub: sub.Name, multi: a.MultiValued, fixed: hidden(a.Mutability) || hidden(sub.Mutability)})
			}
			all = append(all, leaf{schema: s.ID, attr: a.Name, multi: a.MultiValued, whole: true, fixed: hidden(a.Mutability), subs: subs})
		}
	}
	return append(all, leaf{schema: schema.URNUser, attr: "externalId", whole: true})
}

// valuesToSend fit some attributes, or none.
var valuesToSend = []string{`"D"`, `""`, `" "`, `7`, `2.5`, `true`, `false`, `"False"`, `null`, `[]`, `{}`, `["D"]`, `[7]`, `[true]`, `[null]`, `[{}]`, `[[]]`, `"ZA=="`, `"2020-01-01T00:00:00Z"`,
	`{"value":"D"}`, `[{"value":"D"}]`, `[{"value":"D","type":"work","primary":true},{"value":"E","display":"F"}]`, `[{"value":null}]`, `[{"value":["D"]}]`, `{"value":"D","$ref":"r"}`,
	`{"managerId":"D"}`, `{"givenName":"D","FAMILYNAME":"E"}`, `{"givenName":null,"familyName":"E"}`, `[{"type":"work","value":null}]`, `[{"locality":"D","type":"home"}]`,
	`{"label":"D","ports":[1,2]}`, `[{"name":"D","desk":"E"}]`, `["D","D","E"]`, `[{"value":"D"},{"value":"d"},{"value":"D","display":"G"}]`, `{"nope":1}`, `[{"value":"D","nope":1}]`,
	`[{"value":"BABS@example.com","type":"HOME","display":"F"}]`}

// chooser takes choices from the bytes of the fuzzer.
type chooser struct{ code []byte }

func (c *chooser) next() int {
	if len(c.code) == 0 {
		return 0
	}
	b := c.code[0]
	c.code = c.code[1:]
	return int(b)
}

func choose[E any](c *chooser, from []E) E { return from[c.next()%len(from)] }

// spelling is one of the names of the list in docs/protocol.md, and the URN under whose
// object it stands, if it does.
func (c *chooser) spelling(at leaf) (name, nested string) {
	urns := []string{"", schema.URNUser, schema.URNEnterpriseUser, scimtest.URNTest, "urn:ietf:params:scim:schemas:core:2.0", "urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0:User",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0User", "urn:scim:schemas:extension:enterprise:1.0", "urn:scim:schemas:extension:enterprise:2.0", at.schema}
	name = at.attr
	if at.sub != "" {
		if at.multi && c.next()%2 == 0 {
			name += choose(c, []string{"", " "}) + choose(c, []string{`[type eq "work"]`, `[value pr]`, `[type eq "fax"]`})
		}
		name += choose(c, []string{".", "/"}) + at.sub
	}
	if urn := choose(c, urns); urn != "" && c.next()%2 == 0 {
		name = urn + choose(c, []string{":", ".", "/"}) + name
	} else {
		nested = urn
	}
	head, filter, _ := strings.Cut(name, "[")
	switch c.next() % 3 {
	case 0:
		head = strings.ToUpper(head)
	case 1:
		head = ascii.Lower(head)
	}
	return rejoin(head, filter), nested
}

// send makes the request and carries it out.
func send(how string, current *scim.Resource, l scim.Leniency, name, nested, value string) (got *scim.Resource, request string, err error) {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	member := quote(name) + ":" + value
	if nested != "" {
		member = quote(nested) + ":{" + member + "}"
	}
	verb, isPath := strings.CutPrefix(how, "path ")
	switch {
	case how == "post":
		l.UndeclaredExtensions = true
		request = scimtest.User(member)
		if strings.EqualFold(name, "userName") || strings.HasSuffix(ascii.Lower(name), "username") {
			request = `{"schemas":["` + schema.URNUser + `"],` + member + `}`
		}
		got, err = document.Decode(scimtest.UserType, []byte(request), l)
	case how == "put":
		l.UndeclaredExtensions = true
		request = scimtest.User(member)
		got, err = document.Replace(scimtest.UserType, current, []byte(request), l)
	case how == "remove":
		request = `{"op":"remove","path":` + quote(name) + `}`
		got, _, err = scimtest.Apply(scimtest.UserType, current, l, request)
	case isPath:
		request = `{"op":"` + verb + `","path":` + quote(name) + `,"value":` + value + `}`
		got, _, err = scimtest.Apply(scimtest.UserType, current, l, request)
	default:
		request = `{"op":"` + strings.TrimPrefix(how, "key ") + `","value":{` + member + `}}`
		got, _, err = scimtest.Apply(scimtest.UserType, current, l, request)
	}
	return got, request, err
}

func parsedJSON(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// judgement knows what was asked for, and the resource before and after as JSON.
type judgement struct {
	at            leaf
	l             scim.Leniency
	before, after any
	adds          bool // to a list, where what a filter finds equal is there already
}

// of is what is wrong; empty if nothing is.
func (j judgement) of(how string, value any) string {
	if j.at.fixed {
		return ""
	}
	got := j.place(j.after)
	j.adds = strings.HasSuffix(how, " add")
	if strings.HasPrefix(how, "path") || strings.HasPrefix(how, "key") || how == "remove" {
		if !reflect.DeepEqual(j.others(j.before), j.others(j.after)) {
			return "something else has changed"
		}
	}
	switch {
	case how == "remove" && j.at.attr != "active":
		if j.at.whole && got != nil {
			return "what was removed is there"
		}
		return ""
	case how == "remove":
		return ""
	case !j.holds(got, value):
		return "the value is lost"
	}
	return ""
}

// place is the value of the attribute in a resource, or all values of the sub-attribute.
func (j judgement) place(resource any) any {
	o := resource.(map[string]any)
	if j.at.schema != schema.URNUser {
		o, _ = o[j.at.schema].(map[string]any)
	}
	v := o[j.at.attr]
	if j.at.whole {
		return v
	}
	var all []any
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, e := range list {
		if c, ok := e.(map[string]any); ok && c[j.at.sub] != nil {
			all = append(all, flat(c[j.at.sub])...)
		}
	}
	return all
}

// others is the resource without the attribute.
func (j judgement) others(resource any) map[string]any {
	o := map[string]any{}
	for k, v := range resource.(map[string]any) {
		o[k] = v
		inner, isObject := v.(map[string]any)
		if k == j.at.schema && isObject {
			rest := map[string]any{}
			for name, x := range inner {
				if name != j.at.attr {
					rest[name] = x
				}
			}
			o[k] = rest
			if len(rest) == 0 {
				delete(o, k)
			}
		}
	}
	if j.at.schema == schema.URNUser {
		delete(o, j.at.attr)
	}
	delete(o, "schemas")
	return o
}

// holds says whether what was sent is in what is there.
func (j judgement) holds(got, sent any) bool {
	switch sent := sent.(type) {
	case nil:
		return true // It unassigns, or does nothing.
	case []any:
		for _, e := range sent {
			if (e == nil || isNothing(e)) && j.l.EmptyElements {
				continue
			}
			if e == nil || !j.holds(got, e) {
				return false
			}
		}
		return true
	case map[string]any:
		return j.holdsObject(got, sent)
	}
	if sent == "" && (j.at.attr == "externalId" || j.at.attr == "manager") {
		return true // no identifier, and a reference that is cleared
	}
	for _, g := range flat(got) {
		if c, ok := g.(map[string]any); ok {
			g = c["value"]
		}
		text, isText := sent.(string)
		there, _ := g.(string)
		if g == sent || isText && j.at.multi && j.adds && fold.Key(there) == fold.Key(text) || isText && (g == true && strings.EqualFold(text, "true") || g == false && strings.EqualFold(text, "false")) {
			return true
		}
	}
	return false
}

func (j judgement) holdsObject(got any, sent map[string]any) bool {
	for _, g := range flat(got) {
		c, _ := g.(map[string]any)
		all := true
		for k, v := range sent {
			name, known := j.subNamed(k)
			part := j
			part.adds = j.adds && (name == "value" || name == "type") // by which it is there already
			all = all && (!known || v == nil || part.holds(c[name], v))
		}
		if all && c != nil {
			return true
		}
	}
	for k, v := range sent {
		if _, known := j.subNamed(k); known && v != nil {
			return false
		}
	}
	return !j.at.multi || j.l.EmptyElements && isNothing(sent)
}

// subNamed is how the schema spells a sub-attribute that a client may write.
func (j judgement) subNamed(name string) (string, bool) {
	if name == "managerId" && j.at.attr == "manager" {
		return "value", true
	}
	for sub, writable := range j.at.subs {
		if strings.EqualFold(sub, name) {
			return sub, writable
		}
	}
	return "", false
}

func isNothing(v any) bool {
	o, ok := v.(map[string]any)
	for _, x := range o {
		ok = ok && x == nil
	}
	return ok
}

func flat(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func rejoin(head, filter string) string {
	if filter == "" {
		return head
	}
	return head + "[" + filter
}
