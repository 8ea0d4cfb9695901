package codec

import (
	"fmt"
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/userlabels"
)

const (
	// AnnotationReleased is on what is deleted and does not hold its name any more:
	// on a kept user whose name somebody else has taken since, who can no longer be
	// brought back under it, and on every marker.
	AnnotationReleased = "scim.kubescim.dev/name-released"
	// AnnotationFenced is on what was written so that a late write of a process that
	// is taken for dead fails.
	AnnotationFenced = "scim.kubescim.dev/fenced-by"
	// AnnotationRepeated is on what was created by a try that was not the first, and on
	// its claim before that try. Another one may arrive yet, so that a marker stays for a
	// while when it is deleted.
	AnnotationRepeated = "scim.kubescim.dev/created-again"
)

// Marker makes of the base a marker: an object that stands for nobody, of one that is deleted for
// good, or made only to keep a dead process from making it. It is deleted when the meta says, or
// else when it is written.
func Marker(tenant client.ObjectKey, base client.Object, t *schema.ResourceType, id string, meta scimv1alpha1.ResourceMeta, by Writer) (client.Object, error) {
	nobody := scim.NewResource(t, scim.Complex{store.Name(t): "deleted-" + id})
	if store.IsUser(t) {
		nobody.SetActive(false)
	}
	if meta.DeletedTime.IsZero() {
		meta.DeletedTime = meta.LastModifiedTime
	}
	object, err := Encode(tenant, base, nobody, meta, nil)
	if err != nil {
		return nil, err
	}
	if user, isUser := object.(*scimv1alpha1.ScimUser); isUser {
		user.Spec.Extensions = nil // Else those would stay that the tenant has no longer.
	}
	object.SetName(id)
	Annotate(object, scimv1alpha1.AnnotationMarker, by)
	ReleaseName(object, by)
	return object, nil
}

// IsMarker reports whether the object is a marker.
func IsMarker(object client.Object) bool {
	_, is := object.GetAnnotations()[scimv1alpha1.AnnotationMarker]
	return is
}

// IsRepeated reports whether another try to create an object may arrive yet, by the object
// or by its claim.
func IsRepeated(object client.Object) bool {
	_, is := object.GetAnnotations()[AnnotationRepeated]
	return is
}

// ReleaseName makes a deleted object hold its name no more.
func ReleaseName(object client.Object, by Writer) { Annotate(object, AnnotationReleased, by) }

// Annotate adds an annotation that has the request.
func Annotate(object client.Object, name string, by Writer) { annotate(object, name, by.RequestID) }

// Fence makes an object another one than it was, so that a write computed from that fails.
func Fence(object client.Object, by Writer) {
	annotate(object, AnnotationFenced, by.RequestID+" "+metav1.NowMicro().UTC().Format(time.RFC3339Nano))
}

func annotate(object client.Object, name, value string) {
	annotations := maps.Clone(object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[name] = value
	object.SetAnnotations(annotations)
}

// Record is a ScimUser or ScimGroup of the tenant, as it was read, with the SCIM
// resource that it holds.
type Record struct {
	Object   client.Object
	Resource *scim.Resource
}

// Known reports whether the resource exists for SCIM.
func (r *Record) Known() bool { return r != nil && Exists(r.Object) }

// Shown reports whether the record is one that memory would show, so that a client cannot
// tell by what is shown where it was read, nor change what it is not shown. Memory holds
// what has an id for its name.
func (r *Record) Shown() bool {
	if !r.Known() {
		return false
	}
	_, err := ParseID(r.Object.GetName())
	return err == nil
}

// Exists reports whether what an object of the tenant holds exists for SCIM.
func Exists(object client.Object) bool {
	return object.GetLabels()[scimv1alpha1.LabelDeleted] == "" && object.GetDeletionTimestamp() == nil
}

// Kept reports whether the resource was deleted and its object is there still.
func (r *Record) Kept() bool {
	return r != nil && r.Object.GetLabels()[scimv1alpha1.LabelDeleted] != "" && r.Object.GetDeletionTimestamp() == nil
}

// Has reports whether the record has the name, so that the claim is its own.
func (r *Record) Has(t *schema.ResourceType, name string) bool {
	if r == nil || r.Object.GetDeletionTimestamp() != nil || r.Resource.Type().Name != t.Name {
		return false
	}
	_, released := r.Object.GetAnnotations()[AnnotationReleased]
	return !released && fold.Key(store.NameOf(r.Resource)) == fold.Key(name)
}

// Decode returns the record of the resource type that an object of the tenant
// holds, or nil for an object of another tenant. A group has the members that are
// in its own object.
func Decode(tenant string, t *schema.ResourceType, object client.Object) (*Record, error) {
	read, err := DecodeWithoutMembers(tenant, t, object)
	if group, isGroup := object.(*scimv1alpha1.ScimGroup); isGroup && read != nil {
		read.Resource.SetMembers(decodeMembers(&group.Spec))
	}
	return read, err
}

// DecodeWithoutMembers is decode for who knows the members otherwise.
func DecodeWithoutMembers(tenant string, t *schema.ResourceType, object client.Object) (*Record, error) {
	var (
		resource *scim.Resource
		meta     = MetaOf(object)
	)
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		resource = decodeUser(t, &o.Spec)
	case *scimv1alpha1.ScimGroup:
		resource = decodeGroup(t, &o.Spec)
	default:
		return nil, fmt.Errorf("decoding %s: %T is no SCIM resource", object.GetName(), object)
	}
	if TenantOf(object) != tenant {
		return nil, nil
	}
	resource.SetID(object.GetName())
	resource.SetMeta(scim.Meta{
		Created:      meta.CreatedTime.UTC(),
		LastModified: meta.LastModifiedTime.UTC(),
		Version:      versionOf(object),
	})
	return &Record{Object: object, Resource: resource}, nil
}

// versionOf returns the entity tag of an object: its generation changes with the
// spec and with nothing else.
func versionOf(object client.Object) string {
	return index.Version(object.GetGeneration()-unversioned(object), MetaOf(object).LastModifiedTime.Time)
}

// Encode returns a copy of the base object that holds the resource. A user has the labels that are
// made of its attributes, unless it is deleted.
func Encode(tenant client.ObjectKey, base client.Object, resource *scim.Resource, meta scimv1alpha1.ResourceMeta, made *userlabels.Set) (client.Object, error) {
	object := base.DeepCopyObject().(client.Object)
	labels := map[string]string{}
	for key, value := range object.GetLabels() {
		labels[key] = value
	}
	labels[scimv1alpha1.LabelTenant] = tenant.Name
	delete(labels, scimv1alpha1.LabelDeleted)
	if !meta.DeletedTime.IsZero() {
		labels[scimv1alpha1.LabelDeleted] = "true"
	}
	object.SetLabels(labels)
	object.SetNamespace(tenant.Namespace)
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		spec, err := encodeUser(resource, o.Spec.Extensions)
		if err != nil {
			return nil, err
		}
		meta.ActiveTransitionTime = activeTransition(base, resource, meta)
		o.Spec = *spec
		o.Spec.TenantRef.Name, o.Spec.Meta = tenant.Name, meta
		SetSelectors(o, resource, made)
	case *scimv1alpha1.ScimGroup:
		o.Spec = encodeGroup(resource)
		o.Spec.TenantRef.Name, o.Spec.Meta = tenant.Name, meta
	}
	return object, nil
}

// activeTransition is when a user became active or inactive last, given the object as it was before a write that
// makes the resource of it. Who is deleted is inactive from then on.
func activeTransition(before client.Object, next *scim.Resource, meta scimv1alpha1.ResourceMeta) metav1.MicroTime {
	user, isUser := before.(*scimv1alpha1.ScimUser)
	if !isUser || user.Spec.Meta.CreatedTime.IsZero() { // Who is created has not changed.
		return metav1.MicroTime{}
	}
	if is := meta.DeletedTime.IsZero() && store.TakesSeat(next); is != IsActive(user) {
		return meta.LastModifiedTime
	}
	return user.Spec.Meta.ActiveTransitionTime
}

// IsActive reports whether a user exists for SCIM and is active.
func IsActive(user *scimv1alpha1.ScimUser) bool {
	return Exists(user) && ptr.Deref(user.Spec.Active, true)
}

// LeftAt is when a user left who is inactive or deleted, in microseconds since 1970; 0 for who is active, or
// never was.
func LeftAt(object client.Object, active bool) int64 {
	at := MetaOf(object).ActiveTransitionTime
	if active || at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

// NeverActive makes an object of a user count as one who never was active.
func NeverActive(object client.Object) {
	if user, isUser := object.(*scimv1alpha1.ScimUser); isUser {
		user.Spec.Meta.ActiveTransitionTime = metav1.MicroTime{}
	}
}

// TenantOf returns the name of the tenant that an object belongs to.
func TenantOf(object client.Object) string {
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		return o.Spec.TenantRef.Name
	case *scimv1alpha1.ScimGroup:
		return o.Spec.TenantRef.Name
	case *scimv1alpha1.ScimGroupMembers:
		return o.Spec.TenantRef.Name
	default:
		return ""
	}
}

// MetaOf returns the spec.meta of an object.
func MetaOf(object client.Object) scimv1alpha1.ResourceMeta {
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		return o.Spec.Meta
	case *scimv1alpha1.ScimGroup:
		return o.Spec.Meta
	default:
		return scimv1alpha1.ResourceMeta{}
	}
}

// Stamp returns the meta of a write by the writer at the time now.
func Stamp(created, now metav1.MicroTime, by Writer) scimv1alpha1.ResourceMeta {
	return scimv1alpha1.ResourceMeta{CreatedTime: created, LastModifiedTime: now, KeyID: by.KeyID, RequestID: by.RequestID}
}
