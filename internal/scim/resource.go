package scim

import (
	"time"

	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Complex is a complex value, or the attributes of a whole resource, as package content
// has it.
type Complex = content.Complex

// Resource is a user or a group. Its attributes are those of the schemas and the
// common ones; `meta` is apart, and `schemas` follows from what there is. A
// Resource may be read by many goroutines while nobody changes it.
type Resource struct {
	kind       *schema.ResourceType
	attributes Complex
	meta       Meta
	source     Source // what the attributes are read from; nil for the map
}

// Source is what the attributes of a resource are read from when somebody asks for them:
// a resource that is kept in another form.
type Source interface {
	// ID is the id of the resource.
	ID() string
	// Attributes are those of the resource: the same map each time, whoever asks. It becomes
	// the resource's when that is changed.
	Attributes() Complex
}

// FromSource makes a resource whose attributes are read only if somebody asks for them.
func FromSource(t *schema.ResourceType, meta Meta, source Source) *Resource {
	return &Resource{kind: t, meta: meta, source: source}
}

// Meta is what the server knows about a resource besides its attributes (RFC 7643
// section 3.1). resourceType and location are made when the resource is rendered.
type Meta struct {
	Created, LastModified time.Time
	// Version is a complete entity tag: W/"3".
	Version string
}

// NewResource makes a resource of attributes that are canonical already, such as
// those from a store. It takes the map over, and checks nothing; `meta` and
// `schemas` are taken out of it.
func NewResource(t *schema.ResourceType, attributes Complex) *Resource {
	if attributes == nil {
		attributes = Complex{}
	}
	r := &Resource{kind: t, attributes: attributes}
	if m, ok := attributes[schema.AttrMeta.Name].(Complex); ok {
		r.meta = metaFrom(m)
	}
	delete(attributes, schema.AttrMeta.Name)
	delete(attributes, schema.AttrSchemas.Name)
	return r
}

func metaFrom(c Complex) Meta {
	var m Meta
	if s, ok := c[schema.MetaCreated.Name].(string); ok {
		m.Created, _ = content.ParseDateTime(s)
	}
	if s, ok := c[schema.MetaLastModified.Name].(string); ok {
		m.LastModified, _ = content.ParseDateTime(s)
	}
	m.Version, _ = c[schema.MetaVersion.Name].(string)
	return m
}

// Type is the resource's type.
func (r *Resource) Type() *schema.ResourceType { return r.kind }

// Attributes are the attributes: `id` and `externalId` too, but neither `meta` nor
// `schemas`. To read them changes nothing. Those of a resource without a [Source] are live:
// what is put into the map is the resource's. Values below the top level may be shared with
// other resources: replace them, do not change them.
func (r *Resource) Attributes() Complex {
	if r.source != nil {
		return r.source.Attributes()
	}
	return r.attributes
}

// own are the attributes to be changed, which are those of no source from then on.
func (r *Resource) own() Complex {
	if r.source != nil {
		r.attributes, r.source = r.source.Attributes(), nil
	}
	return r.attributes
}

// Source is what the attributes are read from; nil for a resource that has them itself,
// as each has that was changed.
func (r *Resource) Source() Source { return r.source }

// ID is the resource's id; empty before the server has given one.
func (r *Resource) ID() string {
	if r.source != nil {
		return r.source.ID()
	}
	return textOf(r, schema.AttrID.Name)
}

// SetID gives the resource its id.
func (r *Resource) SetID(id string) { r.own()[schema.AttrID.Name] = id }

// ExternalID is the client's own identifier of the resource.
func (r *Resource) ExternalID() string { return textOf(r, schema.AttrExternalID.Name) }

// UserName is the user's userName; empty for a group.
func (r *Resource) UserName() string { return textOf(r, "userName") }

// DisplayName is the displayName of the user or group.
func (r *Resource) DisplayName() string { return textOf(r, "displayName") }

func textOf(r *Resource, name string) string {
	s, _ := r.Attributes()[name].(string)
	return s
}

// Active is the user's administrative status, and whether there is one.
func (r *Resource) Active() (value, assigned bool) {
	value, assigned = r.Attributes()["active"].(bool)
	return value, assigned
}

// SetActive sets the user's administrative status.
func (r *Resource) SetActive(active bool) { r.own()["active"] = active }

// Meta is what SetMeta set.
func (r *Resource) Meta() Meta { return r.meta }

// SetMeta sets what the server knows about the resource.
func (r *Resource) SetMeta(m Meta) { r.meta = m }

// Emails are the addresses of a user.
func (r *Resource) Emails() (addresses []string) {
	emails, _ := r.Attributes()["emails"].([]any)
	for _, email := range emails {
		if address := referenceOf(email).Value; address != "" {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// Schemas are the URNs of the schemas that the resource has data of, the core
// schema first (RFC 7643 section 3).
func (r *Resource) Schemas() []string {
	urns := []string{r.kind.Schema.ID}
	for _, e := range r.kind.Extensions {
		if c, ok := r.Attributes()[e.Schema.ID].(Complex); ok && len(c) > 0 {
			urns = append(urns, e.Schema.ID)
		}
	}
	return urns
}

// Clone is a deep copy.
func (r *Resource) Clone() *Resource {
	return &Resource{kind: r.kind, attributes: content.Clone(r.Attributes()).(Complex), meta: r.meta}
}

// Shallow is a copy whose values are shared with the original.
func (r *Resource) Shallow() *Resource {
	c := make(Complex, len(r.Attributes())+1)
	for k, v := range r.Attributes() {
		c[k] = v
	}
	return &Resource{kind: r.kind, attributes: c, meta: r.meta}
}

// Container is the map that has the attributes of a schema; nil when there is none.
func (r *Resource) Container(s *schema.Schema) Complex {
	if s == nil || s.Core() {
		return r.Attributes()
	}
	c, _ := r.Attributes()[s.ID].(Complex)
	return c
}
