package scim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Render is a resource as a client gets it: with the attributes that the projection
// and their `returned` characteristic allow, with meta.resourceType and
// meta.location, and with the $ref of members and groups. The base URL is the
// tenant's, as clients know it.
func Render(t *ResourceType, r *Resource, p *Projection, baseURL string) ([]byte, error) {
	if r == nil || r.kind != t {
		return nil, fmt.Errorf("scim: the resource to render is not a %s", t.Name)
	}
	base := strings.TrimRight(baseURL, "/")
	if ready, ok := r.source.(prepared); ok && t.exact {
		if without, ok := p.onlyExcludes(t.derived); p == nil || ok {
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
	AppendDefault(b []byte, r *Resource, baseURL string, without bool) []byte
	// Size is about how many bytes that takes.
	Size(baseURL string) int
}

// JSON is the whole resource, for a store: `schemas`, `id`, `externalId`, the
// attributes in the order of their schemas, the extensions, and `meta` last. What
// depends on where the server is has no part in it. The same resource always gives
// the same bytes. FromJSON reads it back.
func JSON(r *Resource) []byte {
	w := writer{r: r}
	b, start := w.resource(make([]byte, 0, usualResource))
	return b[start:]
}

// Marks in a template. JSON has no control characters, so nothing in a resource can be
// taken for one.
const (
	markBase    = '\x00' // where the tenant's base URL goes
	markDerived = '\x01' // where the derived attribute goes, with the comma before it
)

// appendTemplate writes what a client gets by default between `schemas` and `meta`, with
// marks for the base URL and the derived attribute, and returns what is to stand before
// that. If not all attributes of the type are returned by default, it is what a store
// gets, without the derived attribute.
func appendTemplate(b []byte, r *Resource) (_, head []byte) {
	w := writer{r: r, client: true, template: true}
	if !r.kind.exact {
		w = writer{r: r, store: true}
	}
	return w.content(b)
}

// appendMeta writes `meta` as a client gets it, with a comma before it.
func appendMeta(b []byte, r *Resource, base string) []byte {
	w := writer{r: r, client: true, base: base}
	return w.meta(b)
}

// writer writes one resource.
type writer struct {
	r      *Resource
	p      *Projection
	client bool // for a client, else for a store
	store  bool // for the text of a Frozen that is never sent as it is
	// template writes marks for the base URL and the derived attribute.
	template bool
	base     string
}

// usualResource is the size of a buffer into which most resources fit, in bytes.
const usualResource = 2 << 10

// usualHead is the same for what stands before the attributes.
const usualHead = 512

// resource writes the JSON into the buffer, or a larger one, and says where in it the
// JSON begins.
func (w *writer) resource(buf []byte) (b []byte, start int) {
	kind := w.r.kind
	// schemas lists what is in this answer, which is known at the end only. So there
	// is room for it before what follows.
	room := len(`{[]`) + len(attrSchemas.key) + len(kind.Schema.key)
	for _, e := range kind.Extensions {
		room += len(e.Schema.key)
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
	kind := w.r.kind
	head = append(append(append(make([]byte, 0, usualHead), '{'), attrSchemas.key...), '[')
	head = appendString(head, kind.Schema.ID)
	empty := false
	for _, a := range []*Attribute{attrID, attrExternalID} {
		b = w.member(b, &empty, nil, a, w.r.Attributes()[a.Name])
	}
	b = w.attributes(b, &empty, kind.Schema, w.r.Attributes())
	for _, e := range kind.Extensions {
		before := len(b)
		b = append(append(append(b, ','), e.Schema.key...), '{')
		inside, first := len(b), true
		if b = w.attributes(b, &first, e.Schema, w.r.container(e.Schema)); len(b) == inside {
			b = b[:before]
			continue
		}
		b = append(b, '}')
		head = appendString(append(head, ','), e.Schema.ID)
	}
	return b, append(head, ']')
}

func (w *writer) attributes(b []byte, empty *bool, s *Schema, c Complex) []byte {
	if len(c) == 0 {
		return b
	}
	for _, a := range s.Attributes {
		switch {
		case a != w.r.kind.derived || !w.template && !w.store:
			b = w.member(b, empty, s, a, c[a.Name])
		case w.template:
			b = append(b, markDerived)
		}
	}
	return b
}

// member writes a name and its value, or nothing.
func (w *writer) member(b []byte, empty *bool, s *Schema, a *Attribute, v any) []byte {
	if !assigned(v) || w.client && !w.p.shows(s, a) {
		return b
	}
	start, wasEmpty := len(b), *empty
	b = append(separate(b, empty), a.key...)
	b, any := w.value(b, s, a, v)
	if !any {
		*empty = wasEmpty
		return b[:start]
	}
	return b
}

// value writes a value, and says whether there was anything to write.
func (w *writer) value(b []byte, s *Schema, a *Attribute, v any) ([]byte, bool) {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		empty := true
		for _, e := range v {
			start, wasEmpty := len(b), empty
			var any bool
			if b, any = w.value(separate(b, &empty), s, a, e); !any {
				b, empty = b[:start], wasEmpty
			}
		}
		return append(b, ']'), !empty
	case Complex:
		b = append(b, '{')
		empty := true
		for _, sub := range a.SubAttributes {
			if w.client && !w.p.showsSub(s, a, sub) {
				continue
			}
			if sub.made() {
				b = w.reference(b, &empty, a, sub, v)
			} else if x := v[sub.Name]; assigned(x) {
				b = appendValue(append(separate(b, &empty), sub.key...), sub, x)
			}
		}
		return append(b, '}'), !empty
	default:
		return appendScalar(b, v), v != nil
	}
}

// reference writes the $ref of an element: to the resource that its `value`
// identifies, of the type that its `type` names.
func (w *writer) reference(b []byte, empty *bool, a, sub *Attribute, element Complex) []byte {
	id, ok := element[a.value.Name].(string)
	if !w.client || !ok || id == "" {
		return b
	}
	kind, _ := element["type"].(string)
	b = append(separate(b, empty), sub.key...)
	return w.url(b, w.r.kind.endpointOf(sub.targetOf(kind)), id)
}

// url writes the URL of a resource, with a mark for the base in a template.
func (w *writer) url(b []byte, endpoint, id string) []byte {
	if !w.template {
		return appendURL(b, w.base, endpoint, id)
	}
	at := len(b) + 1
	b = append(appendURL(b, "", endpoint, id), 0)
	copy(b[at+1:], b[at:])
	b[at] = markBase
	return b
}

func appendURL(b []byte, base, endpoint, id string) []byte {
	b = appendText(append(b, '"'), base)
	b = append(appendText(b, endpoint), '/')
	return append(appendText(b, url.PathEscape(id)), '"')
}

func (w *writer) meta(b []byte) []byte {
	if w.client && !w.p.shows(nil, attrMeta) {
		return b
	}
	start := len(b)
	b = append(append(append(b, ','), attrMeta.key...), '{')
	empty := true
	for _, s := range attrMeta.SubAttributes {
		if w.client && !w.p.showsSub(nil, attrMeta, s) {
			continue
		}
		switch {
		case s == metaLocation && w.client && w.r.ID() != "":
			b = append(separate(b, &empty), s.key...)
			b = w.url(b, w.r.kind.Endpoint, w.r.ID())
		case s == metaCreated && !w.r.meta.Created.IsZero():
			b = appendTime(append(separate(b, &empty), s.key...), w.r.meta.Created)
		case s == metaLastModified && !w.r.meta.LastModified.IsZero():
			b = appendTime(append(separate(b, &empty), s.key...), w.r.meta.LastModified)
		case s == metaResourceType, s == metaVersion && w.r.meta.Version != "":
			b = appendValue(append(separate(b, &empty), s.key...), s, w.r.metaValue(s))
		}
	}
	if empty {
		return b[:start]
	}
	return append(b, '}')
}

// appendDerived writes the derived attribute with a comma before it, as far as the
// projection shows it; nothing without references.
func appendDerived(b []byte, t *ResourceType, base string, p *Projection, derived []Reference) []byte {
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
				b = appendURL(b, base, t.endpointOf(sub.targetOf(r.Type)), r.Value)
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
