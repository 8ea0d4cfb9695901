// Package compact has a form of resources in which very many can be kept in memory: about
// as large as their JSON, and nearly ready to be sent.
package compact

import (
	"strconv"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Resource is a resource that is kept to be read: the bytes that a client gets by
// default, but for `schemas` and `meta`, which are a third of most users, the base URL
// and the derived attribute (`groups` of a user, `members` of a group).
// Those are filled in when it is sent. It takes less memory than its JSON, and does not
// change.
type Resource struct {
	kind    *schema.ResourceType
	head    unique.Handle[string] // `schemas`, as very many have it
	version unique.Handle[string]
	text    string // what follows head, with the comma before it
	id      string // part of text
	// created and modified are in seconds since 1970. As time.Time they would take
	// twice as much memory.
	created, modified           int64
	createdNanos, modifiedNanos int32
}

// Of makes the compact form of a resource, without its derived attribute.
func Of(r *scim.Resource) *Resource {
	buf, _ := buffers.Get().(*[]byte)
	b, head := render.AppendTemplate((*buf)[:0], r)
	*buf = b
	text := string(b)
	buffers.Put(buf)
	created, modified := r.Meta().Created, r.Meta().LastModified
	return &Resource{
		kind: r.Type(), head: unique.Make(string(head)), version: unique.Make(r.Meta().Version), text: text, id: Shared(text, r.ID()),
		created: created.Unix(), createdNanos: int32(created.Nanosecond()),
		modified: modified.Unix(), modifiedNanos: int32(modified.Nanosecond()),
	}
}

// buffers are those in which texts are written, since very many are when a server
// starts.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Shared is a string that is equal to s and, where text has s in it, takes no memory
// besides that of the text.
func Shared(text, s string) string {
	if i := strings.Index(text, s); i >= 0 {
		return text[i : i+len(s)]
	}
	return s
}

// ID is the resource's id.
func (f *Resource) ID() string { return f.id }

// Text is what is kept of the JSON, to be shared with Shared.
func (f *Resource) Text() string { return f.text }

// Meta is what the server knows about the resource besides its attributes.
func (f *Resource) Meta() scim.Meta {
	return scim.Meta{Created: f.Created(), LastModified: time.Unix(f.modified, int64(f.modifiedNanos)).UTC(), Version: f.version.Value()}
}

// Created is when the resource was made.
func (f *Resource) Created() time.Time { return time.Unix(f.created, int64(f.createdNanos)).UTC() }

// Type is the resource's type.
func (f *Resource) Type() *schema.ResourceType { return f.kind }

// Expand makes a resource of the compact form and the references of its derived
// attribute. Attributes are read from the text only if somebody asks for them.
func (f *Resource) Expand(derived []scim.Reference) *scim.Resource {
	return scim.FromSource(f.kind, f.Meta(), &expansion{of: f, derived: derived})
}

// expansion is what a resource is read from that is made of a compact one.
type expansion struct {
	of      *Resource
	derived []scim.Reference
	once    sync.Once
	read    scim.Complex // once somebody has asked for the attributes
}

// ID is the resource's id.
func (x *expansion) ID() string { return x.of.id }

// Attributes are read from the text, the first time.
func (x *expansion) Attributes() scim.Complex {
	x.once.Do(func() { x.read = x.of.attributes(x.derived) })
	return x.read
}

// attributes reads the text back. It was written from a resource, so names are
// canonical and values fit their types.
func (f *Resource) attributes(derived []scim.Reference) scim.Complex {
	c := scim.Complex{}
	f.members(func(name, value string) { f.member(c, name, value) })
	if list := scim.ReferenceValues(derived); len(list) > 0 {
		c[f.kind.Derived().Name] = list
	}
	return c
}

// trusted is a value as a Resource has it, of JSON that this package wrote.
func trusted(a *schema.Attribute, v any) any {
	switch v := v.(type) {
	case strictjson.Object:
		return trustedMembers(a.Sub, v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = trusted(a, e)
		}
		return list
	case strictjson.Number:
		if a.Type == schema.TypeInteger {
			i, _ := strconv.ParseInt(string(v), 10, 64)
			return i
		}
		d, _ := strconv.ParseFloat(string(v), 64)
		return d
	default:
		return v
	}
}

func trustedMembers(named func(string) *schema.Attribute, v any) scim.Complex {
	o, _ := v.(strictjson.Object)
	c := make(scim.Complex, len(o))
	for _, m := range o {
		if a := named(m.Name); a != nil && !a.Made() {
			c[m.Name] = trusted(a, m.Value)
		}
	}
	return c
}

// AppendDefault writes what a client gets by default of a resource that was made of this,
// with or without the derived attribute.
func (x *expansion) AppendDefault(b []byte, r *scim.Resource, base string, without bool) []byte {
	before, after, marked := strings.Cut(x.of.text, string(render.MarkDerived))
	b = appendBased(append(b, x.of.head.Value()...), before, base)
	if marked && !without {
		b = render.AppendDerived(b, x.of.kind, base, nil, x.derived)
	}
	return append(render.AppendMeta(appendBased(b, after, base), r, base), '}')
}

// Size is about how many bytes AppendDefault writes.
func (x *expansion) Size(base string) int {
	return render.UsualHead + len(x.of.text) + 3*len(base) + len(x.derived)*(len(base)+128)
}

// appendBased writes a part of the text with the base URL where it goes.
func appendBased(b []byte, text, base string) []byte {
	for {
		before, after, marked := strings.Cut(text, string(render.MarkBase))
		b = append(b, before...)
		if !marked {
			return b
		}
		b = appendjson.Text(b, base)
		text = after
	}
}
