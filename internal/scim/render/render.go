// Package render writes resources as JSON: for a client, with what it asked for (RFC 7644
// section 3.9), and for a store.
package render

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Resource is a resource as a client gets it: with the attributes that the projection
// and their `returned` characteristic allow, with meta.resourceType and
// meta.location, and with the $ref of members and groups. The base URL is the
// tenant's, as clients know it.
func Resource(t *schema.ResourceType, r *scim.Resource, p *Projection, baseURL string) ([]byte, error) {
	if r == nil || r.Type() != t {
		return nil, fmt.Errorf("scim: the resource to render is not a %s", t.Name)
	}
	base := strings.TrimRight(baseURL, "/")
	if ready, ok := r.Source().(prepared); ok && t.AllReturned() {
		if without, ok := p.onlyExcludes(t.Derived()); p == nil || ok {
			return ready.AppendDefault(make([]byte, 0, ready.Size(base)), r, base, without), nil
		}
	}
	w := writer{r: r, p: p, client: true, base: base}
	b, start := w.resource(make([]byte, 0, usualResource))
	return b[start:], nil
}

// prepared is a source that has ready what a client gets by default, if the type's
// attributes are all returned by default.
type prepared interface {
	// AppendDefault writes that, with or without the derived attribute.
	AppendDefault(b []byte, r *scim.Resource, baseURL string, without bool) []byte
	// Size is about how many bytes that takes.
	Size(baseURL string) int
}

// JSON is the whole resource, for a store: `schemas`, `id`, `externalId`, the
// attributes in the order of their schemas, the extensions, and `meta` last. What
// depends on where the server is has no part in it. The same resource always gives
// the same bytes. FromJSON reads it back.
func JSON(r *scim.Resource) []byte {
	w := writer{r: r}
	b, start := w.resource(make([]byte, 0, usualResource))
	return b[start:]
}

// Marks in a template. JSON has no control characters, so nothing in a resource can be
// taken for one.
const (
	MarkBase    = '\x00' // where the tenant's base URL goes
	MarkDerived = '\x01' // where the derived attribute goes, with the comma before it
)

// AppendTemplate writes what a client gets by default between `schemas` and `meta`, with
// marks for the base URL and the derived attribute, and returns what is to stand before
// that. If not all attributes of the type are returned by default, it is what a store
// gets, without the derived attribute.
func AppendTemplate(b []byte, r *scim.Resource) (_, head []byte) {
	w := writer{r: r, client: true, template: true}
	if !r.Type().AllReturned() {
		w = writer{r: r, store: true}
	}
	return w.content(b)
}

// AppendMeta writes `meta` as a client gets it, with a comma before it.
func AppendMeta(b []byte, r *scim.Resource, base string) []byte {
	w := writer{r: r, client: true, base: base}
	return w.meta(b)
}

// writer writes one resource.
type writer struct {
	r      *scim.Resource
	p      *Projection
	client bool // for a client, else for a store
	store  bool // for the text of a compact resource that is never sent as it is
	// template writes marks for the base URL and the derived attribute.
	template bool
	base     string
}

// usualResource is the size of a buffer into which most resources fit, in bytes.
const usualResource = 2 << 10

// UsualHead is the same for what stands before the attributes.
const UsualHead = 512

// resource writes the JSON into the buffer, or a larger one, and says where in it the
// JSON begins.
func (w *writer) resource(buf []byte) (b []byte, start int) {
	kind := w.r.Type()
	// schemas lists what is in this answer, which is known at the end only. So there
	// is room for it before what follows.
	room := len(`{[]`) + len(schema.AttrSchemas.Key()) + len(kind.Schema.Key())
	for _, e := range kind.Extensions {
		room += len(e.Schema.Key())
	}
	b, head := w.content(slices.Grow(buf[:0], room)[:room])
	b = append(w.meta(b), '}')
	start = room - len(head)
	copy(b[start:], head)
	return b, start
}

// content appends everything between `schemas` and `meta`, with a comma before it, and
// returns what is to stand before that.
func (w *writer) content(b []byte) (_, head []byte) {
	kind := w.r.Type()
	head = append(append(append(make([]byte, 0, UsualHead), '{'), schema.AttrSchemas.Key()...), '[')
	head = appendjson.String(head, kind.Schema.ID)
	empty := false
	for _, a := range []*schema.Attribute{schema.AttrID, schema.AttrExternalID} {
		b = w.member(b, &empty, nil, a, w.r.Attributes()[a.Name])
	}
	b = w.attributes(b, &empty, kind.Schema, w.r.Attributes())
	for _, e := range kind.Extensions {
		before := len(b)
		b = append(append(append(b, ','), e.Schema.Key()...), '{')
		inside, first := len(b), true
		if b = w.attributes(b, &first, e.Schema, w.r.Container(e.Schema)); len(b) == inside {
			b = b[:before]
			continue
		}
		b = append(b, '}')
		head = appendjson.String(append(head, ','), e.Schema.ID)
	}
	return b, append(head, ']')
}

func (w *writer) attributes(b []byte, empty *bool, s *schema.Schema, c scim.Complex) []byte {
	if len(c) == 0 {
		return b
	}
	for _, a := range s.Attributes {
		switch {
		case a != w.r.Type().Derived() || !w.template && !w.store:
			b = w.member(b, empty, s, a, c[a.Name])
		case w.template:
			b = append(b, MarkDerived)
		}
	}
	return b
}

// member writes a name and its value, or nothing.
func (w *writer) member(b []byte, empty *bool, s *schema.Schema, a *schema.Attribute, v any) []byte {
	if !content.Assigned(v) || w.client && !w.p.shows(s, a) {
		return b
	}
	start, wasEmpty := len(b), *empty
	b = append(appendjson.Separate(b, empty), a.Key()...)
	b, written := w.value(b, s, a, v)
	if !written {
		*empty = wasEmpty
		return b[:start]
	}
	return b
}

// value writes a value, and says whether there was anything to write.
func (w *writer) value(b []byte, s *schema.Schema, a *schema.Attribute, v any) ([]byte, bool) {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		empty := true
		for _, e := range v {
			start, wasEmpty := len(b), empty
			var written bool
			if b, written = w.value(appendjson.Separate(b, &empty), s, a, e); !written {
				b, empty = b[:start], wasEmpty
			}
		}
		return append(b, ']'), !empty
	case scim.Complex:
		b = append(b, '{')
		empty := true
		for _, sub := range a.SubAttributes {
			if w.client && !w.p.showsSub(s, a, sub) {
				continue
			}
			if sub.Made() {
				b = w.reference(b, &empty, a, sub, v)
			} else if x := v[sub.Name]; content.Assigned(x) {
				b = content.AppendJSON(append(appendjson.Separate(b, &empty), sub.Key()...), sub, x)
			}
		}
		return append(b, '}'), !empty
	default:
		return appendjson.Scalar(b, v), v != nil
	}
}

// reference writes the $ref of an element: to the resource that its `value`
// identifies, of the type that its `type` names.
func (w *writer) reference(b []byte, empty *bool, a, sub *schema.Attribute, element scim.Complex) []byte {
	id, ok := element[a.ValueAttr().Name].(string)
	if !w.client || !ok || id == "" {
		return b
	}
	kind, _ := element["type"].(string)
	b = append(appendjson.Separate(b, empty), sub.Key()...)
	return w.url(b, w.r.Type().EndpointOf(sub.TargetOf(kind)), id)
}

// url writes the URL of a resource, with a mark for the base in a template.
func (w *writer) url(b []byte, endpoint, id string) []byte {
	if !w.template {
		return appendURL(b, w.base, endpoint, id)
	}
	at := len(b) + 1
	b = append(appendURL(b, "", endpoint, id), 0)
	copy(b[at+1:], b[at:])
	b[at] = MarkBase
	return b
}

func appendURL(b []byte, base, endpoint, id string) []byte {
	b = appendjson.Text(append(b, '"'), base)
	b = append(appendjson.Text(b, endpoint), '/')
	return append(appendjson.Text(b, url.PathEscape(id)), '"')
}

func (w *writer) meta(b []byte) []byte {
	if w.client && !w.p.shows(nil, schema.AttrMeta) {
		return b
	}
	start := len(b)
	b = append(append(append(b, ','), schema.AttrMeta.Key()...), '{')
	empty := true
	for _, s := range schema.AttrMeta.SubAttributes {
		if w.client && !w.p.showsSub(nil, schema.AttrMeta, s) {
			continue
		}
		switch {
		case s == schema.MetaLocation && w.client && w.r.ID() != "":
			b = append(appendjson.Separate(b, &empty), s.Key()...)
			b = w.url(b, w.r.Type().Endpoint, w.r.ID())
		case s == schema.MetaCreated && !w.r.Meta().Created.IsZero():
			b = appendjson.Time(append(appendjson.Separate(b, &empty), s.Key()...), w.r.Meta().Created)
		case s == schema.MetaLastModified && !w.r.Meta().LastModified.IsZero():
			b = appendjson.Time(append(appendjson.Separate(b, &empty), s.Key()...), w.r.Meta().LastModified)
		case s == schema.MetaResourceType, s == schema.MetaVersion && w.r.Meta().Version != "":
			b = content.AppendJSON(append(appendjson.Separate(b, &empty), s.Key()...), s, w.r.MetaValue(s))
		}
	}
	if empty {
		return b[:start]
	}
	return append(b, '}')
}
