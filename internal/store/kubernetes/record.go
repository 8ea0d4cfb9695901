package kubernetes

import (
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	// annotationReleased is on what is deleted and does not hold its name any more:
	// on a kept user whose name somebody else has taken since, who can no longer be
	// brought back under it, and on every marker.
	annotationReleased = "scim.kubescim.dev/name-released"
	// annotationFenced is on what was written so that a late write of a process that
	// is taken for dead fails.
	annotationFenced = "scim.kubescim.dev/fenced-by"
	// annotationRepeated is on what was created by a try that was not the first, and on
	// its claim before that try. Another one may arrive yet, so that a marker stays for a
	// while when it is deleted.
	annotationRepeated = "scim.kubescim.dev/created-again"
)

// annotationMarker is on every marker and on nothing else. Only servers write it,
// while a name is what a client likes.
const annotationMarker = "scim.kubescim.dev/marker"

// marker makes of the base a marker: an object that stands for nobody, of one that is
// about to be deleted, or made only to keep a dead process from making it.
func (s *Store) marker(base client.Object, t *scim.ResourceType, id string, meta v1alpha1.ResourceMeta, by writer) (client.Object, error) {
	nobody := scim.NewResource(t, scim.Complex{store.Name(t): "deleted-" + id})
	if store.IsUser(t) {
		nobody.SetActive(false)
	}
	meta.DeletedTime = meta.LastModifiedTime
	object, err := s.encode(base, nobody, meta)
	if err != nil {
		return nil, err
	}
	if user, isUser := object.(*v1alpha1.ScimUser); isUser {
		user.Spec.Extensions = nil // Else those would stay that the tenant has no longer.
	}
	object.SetName(id)
	annotate(object, annotationMarker, by)
	release(object, by)
	return object, nil
}

// isMarker reports whether the object is a marker.
func isMarker(object client.Object) bool {
	_, is := object.GetAnnotations()[annotationMarker]
	return is
}

// isRepeated reports whether another try to create an object may arrive yet, by the object
// or by its claim.
func isRepeated(object client.Object) bool {
	_, is := object.GetAnnotations()[annotationRepeated]
	return is
}

// release makes a deleted object hold its name no more.
func release(object client.Object, by writer) { annotate(object, annotationReleased, by) }

// annotate adds an annotation that has the request.
func annotate(object client.Object, name string, by writer) {
	annotations := maps.Clone(object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[name] = by.RequestID
	object.SetAnnotations(annotations)
}

// record is a ScimUser or ScimGroup of the tenant, as it was read, with the SCIM
// resource that it holds.
type record struct {
	object   client.Object
	resource *scim.Resource
}

// known reports whether the resource exists for SCIM.
func (r *record) known() bool { return r != nil && exists(r.object) }

// exists reports whether what an object of the tenant holds exists for SCIM.
func exists(object client.Object) bool {
	return object.GetLabels()[v1alpha1.LabelDeleted] == "" && object.GetDeletionTimestamp() == nil
}

// kept reports whether the resource was deleted and its object is there still.
func (r *record) kept() bool {
	return r != nil && r.object.GetLabels()[v1alpha1.LabelDeleted] != "" && r.object.GetDeletionTimestamp() == nil
}

// has reports whether the record has the name, so that the claim is its own.
func (r *record) has(t *scim.ResourceType, name string) bool {
	if r == nil || r.object.GetDeletionTimestamp() != nil || r.resource.Type().Name != t.Name {
		return false
	}
	_, released := r.object.GetAnnotations()[annotationReleased]
	return !released && scim.Fold(store.NameOf(r.resource)) == scim.Fold(name)
}

// newObject returns an empty object of the resource type's kind.
func newObject(t *scim.ResourceType) client.Object { return newMember(kindOf(t)) }

// decode returns the record of the resource type that an object of the tenant
// holds, or nil for an object of another tenant. A group has the members that are
// in its own object.
func decode(tenant string, t *scim.ResourceType, object client.Object) (*record, error) {
	read, err := decodeWithoutMembers(tenant, t, object)
	if group, isGroup := object.(*v1alpha1.ScimGroup); isGroup && read != nil {
		store.SetMembers(read.resource, decodeMembers(&group.Spec))
	}
	return read, err
}

// decodeWithoutMembers is decode for who knows the members otherwise.
func decodeWithoutMembers(tenant string, t *scim.ResourceType, object client.Object) (*record, error) {
	var (
		resource *scim.Resource
		meta     = metaOf(object)
	)
	switch o := object.(type) {
	case *v1alpha1.ScimUser:
		resource = decodeUser(t, &o.Spec)
	case *v1alpha1.ScimGroup:
		resource = decodeGroup(t, &o.Spec)
	default:
		return nil, fmt.Errorf("decoding %s: %T is no SCIM resource", object.GetName(), object)
	}
	if tenantOf(object) != tenant {
		return nil, nil
	}
	resource.SetID(object.GetName())
	resource.SetMeta(scim.Meta{
		Created:      meta.CreatedTime.UTC(),
		LastModified: meta.LastModifiedTime.UTC(),
		Version:      versionOf(object),
	})
	return &record{object: object, resource: resource}, nil
}

// versionOf returns the entity tag of an object: its generation changes with the
// spec and with nothing else.
func versionOf(object client.Object) string {
	return index.Version(object.GetGeneration(), metaOf(object).LastModifiedTime.Time)
}

// encode returns a copy of the base object that holds the resource.
func (s *Store) encode(base client.Object, resource *scim.Resource, meta v1alpha1.ResourceMeta) (client.Object, error) {
	object := base.DeepCopyObject().(client.Object)
	labels := map[string]string{}
	for key, value := range object.GetLabels() {
		labels[key] = value
	}
	labels[v1alpha1.LabelTenant] = s.tenant.Name
	delete(labels, v1alpha1.LabelDeleted)
	if !meta.DeletedTime.IsZero() {
		labels[v1alpha1.LabelDeleted] = "true"
	}
	object.SetLabels(labels)
	object.SetNamespace(s.tenant.Namespace)
	switch o := object.(type) {
	case *v1alpha1.ScimUser:
		spec, err := encodeUser(resource, o.Spec.Extensions)
		if err != nil {
			return nil, err
		}
		o.Spec = *spec
		o.Spec.TenantRef.Name, o.Spec.Meta = s.tenant.Name, meta
	case *v1alpha1.ScimGroup:
		o.Spec = encodeGroup(resource)
		o.Spec.TenantRef.Name, o.Spec.Meta = s.tenant.Name, meta
	}
	return object, nil
}

// tenantOf returns the name of the tenant that an object belongs to.
func tenantOf(object client.Object) string {
	switch o := object.(type) {
	case *v1alpha1.ScimUser:
		return o.Spec.TenantRef.Name
	case *v1alpha1.ScimGroup:
		return o.Spec.TenantRef.Name
	default:
		return ""
	}
}

// metaOf returns the spec.meta of an object.
func metaOf(object client.Object) v1alpha1.ResourceMeta {
	switch o := object.(type) {
	case *v1alpha1.ScimUser:
		return o.Spec.Meta
	case *v1alpha1.ScimGroup:
		return o.Spec.Meta
	default:
		return v1alpha1.ResourceMeta{}
	}
}

// stamp returns the meta of a write by the writer at the time now.
func stamp(created, now metav1.MicroTime, by writer) v1alpha1.ResourceMeta {
	return v1alpha1.ResourceMeta{CreatedTime: created, LastModifiedTime: now, KeyID: by.KeyID, RequestID: by.RequestID}
}
