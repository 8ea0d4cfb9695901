package scim

import (
	"strconv"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// Marks in the text of a Frozen. JSON has no control characters, so nothing in a
// resource can be taken for one.
const (
	markBase    = '\x00' // where the tenant's base URL goes
	markDerived = '\x01' // where the derived attribute goes, with the comma before it
)

// Frozen is a resource that is kept to be read: the bytes that a client gets by
// default, but for `schemas` and `meta`, which are a third of most users, the base URL
// and the derived attribute (`groups` of a user, `members` of a group).
// Those are filled in when it is sent. It takes less memory than its JSON, and does not
// change.
type Frozen struct {
	kind    *ResourceType
	head    unique.Handle[string] // `schemas`, as very many have it
	version unique.Handle[string]
	text    string // what follows head, with the comma before it
	id      string // part of text
	// created and modified are in seconds since 1970. As time.Time they would take
	// twice as much memory.
	created, modified           int64
	createdNanos, modifiedNanos int32
}

// Freeze makes the frozen form of a resource, without its derived attribute.
func (r *Resource) Freeze() *Frozen {
	w := writer{r: r, client: true, template: true}
	if !r.kind.exact {
		w = writer{r: r, store: true}
	}
	buf, _ := freezing.Get().(*[]byte)
	b, head := w.content((*buf)[:0])
	*buf = b
	text := string(b)
	freezing.Put(buf)
	created, modified := r.meta.Created, r.meta.LastModified
	return &Frozen{
		kind: r.kind, head: unique.Make(string(head)), version: unique.Make(r.meta.Version), text: text, id: Shared(text, r.ID()),
		created: created.Unix(), createdNanos: int32(created.Nanosecond()),
		modified: modified.Unix(), modifiedNanos: int32(modified.Nanosecond()),
	}
}

// freezing has buffers in which texts are written, since very many are when a server
// starts.
var freezing = sync.Pool{New: func() any { return new([]byte) }}

// Shared is a string that is equal to s and, where text has s in it, takes no memory
// besides that of the text.
func Shared(text, s string) string {
	if i := strings.Index(text, s); i >= 0 {
		return text[i : i+len(s)]
	}
	return s
}

// ID is the resource's id.
func (f *Frozen) ID() string { return f.id }

// Text is what is kept of the JSON, to be shared with Shared.
func (f *Frozen) Text() string { return f.text }

// Meta is what the server knows about the resource besides its attributes.
func (f *Frozen) Meta() Meta {
	return Meta{Created: f.Created(), LastModified: time.Unix(f.modified, int64(f.modifiedNanos)).UTC(), Version: f.version.Value()}
}

// Created is when the resource was made.
func (f *Frozen) Created() time.Time { return time.Unix(f.created, int64(f.createdNanos)).UTC() }

// Type is the resource's type.
func (f *Frozen) Type() *ResourceType { return f.kind }

// Reference is one value of the derived attribute of a resource: a group of a user
// (RFC 7643 section 4.1.2) or a member of a group (section 4.2).
type Reference struct {
	// Value is the id of what is referred to.
	Value string
	// Type is "direct" or "indirect" of a group, "User" or "Group" of a member.
	Type string
	// Display is the name of what is referred to; empty when it is not told.
	Display string
}

// Thaw makes a resource of the frozen form and the references of its derived
// attribute. Attributes are read from the text only if somebody asks for them, by one
// goroutine at a time until the first time is over.
func (f *Frozen) Thaw(derived []Reference) *Resource {
	return &Resource{kind: f.kind, frozen: f, derived: derived, meta: f.Meta()}
}

// attributes reads the text back. It was written from a resource, so names are
// canonical and values fit their types.
func (f *Frozen) attributes(derived []Reference) Complex {
	c := Complex{}
	f.members(func(name, value string) { f.member(c, name, value) })
	if list := values(derived); len(list) > 0 {
		c[f.kind.derived.Name] = list
	}
	return c
}

// values are the references as values of an attribute.
func values(derived []Reference) []any {
	list := make([]any, len(derived))
	for i, r := range derived {
		c := Complex{"value": r.Value, "type": r.Type}
		if r.Display != "" {
			c["display"] = r.Display
		}
		list[i] = c
	}
	return list
}

// trusted is a value as a Resource has it, of JSON that this package wrote.
func trusted(a *Attribute, v any) any {
	switch v := v.(type) {
	case strictjson.Object:
		return trustedMembers(a.subs, v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = trusted(a, e)
		}
		return list
	case strictjson.Number:
		if a.Type == TypeInteger {
			i, _ := strconv.ParseInt(string(v), 10, 64)
			return i
		}
		d, _ := strconv.ParseFloat(string(v), 64)
		return d
	default:
		return v
	}
}

func trustedMembers(index nameIndex, v any) Complex {
	o, _ := v.(strictjson.Object)
	c := make(Complex, len(o))
	for _, m := range o {
		if a := index[m.Name]; a != nil && !a.made() {
			c[m.Name] = trusted(a, m.Value)
		}
	}
	return c
}

// appendFrozen writes the default representation of a resource that is still frozen,
// with or without the derived attribute.
func (r *Resource) appendFrozen(b []byte, base string, without bool) []byte {
	before, after, marked := strings.Cut(r.frozen.text, string(markDerived))
	b = appendBased(append(b, r.frozen.head.Value()...), before, base)
	if marked && !without {
		b = r.kind.appendDerived(b, base, nil, r.derived)
	}
	w := writer{r: r, client: true, base: base}
	return append(w.meta(appendBased(b, after, base)), '}')
}

// appendBased writes a part of the text with the base URL where it goes.
func appendBased(b []byte, text, base string) []byte {
	for {
		before, after, marked := strings.Cut(text, string(markBase))
		b = append(b, before...)
		if !marked {
			return b
		}
		b = appendText(b, base)
		text = after
	}
}

// appendDerived writes the derived attribute with a comma before it, as far as the
// projection shows it; nothing without references.
func (t *ResourceType) appendDerived(b []byte, base string, p *Projection, derived []Reference) []byte {
	a := t.derived
	if len(derived) == 0 || !p.shows(t.Schema, a) {
		return b
	}
	var shown []*Attribute
	for _, sub := range a.SubAttributes {
		if p.showsSub(t.Schema, a, sub) {
			shown = append(shown, sub)
		}
	}
	if len(shown) == 0 {
		return b
	}
	b = append(append(append(b, ','), a.key...), '[')
	for i, r := range derived {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		empty := true
		for _, sub := range shown {
			switch {
			case sub.made():
				b = append(separate(b, &empty), sub.key...)
				b = appendURL(b, base, t.endpoints[sub.targetOf(r.Type)], r.Value)
			case sub.Name == "value":
				b = appendString(append(separate(b, &empty), sub.key...), r.Value)
			case sub.Name == "type" && r.Type != "":
				b = appendString(append(separate(b, &empty), sub.key...), r.Type)
			case sub.Name == "display" && r.Display != "":
				b = appendString(append(separate(b, &empty), sub.key...), r.Display)
			}
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// SetDerived sets the derived attribute: the groups of a user, the members of a group.
func (r *Resource) SetDerived(derived []Reference) {
	attributes := r.Attributes()
	if len(derived) == 0 {
		delete(attributes, r.kind.derived.Name)
		return
	}
	attributes[r.kind.derived.Name] = values(derived)
}
