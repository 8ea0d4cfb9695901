package cache

import (
	"bufio"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// eventReader reads the events of a watch, of which each is a line.
type eventReader struct {
	body   io.ReadCloser
	lines  *bufio.Scanner
	decode func([]byte) (watch.EventType, client.Object, error)
}

var _ watch.Decoder = (*eventReader)(nil)

// Close implements watch.Decoder.
func (r *eventReader) Close() { _ = r.body.Close() } // It was only read from.

// Decode implements watch.Decoder.
func (r *eventReader) Decode() (watch.EventType, runtime.Object, error) {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return "", nil, err
		}
		return "", nil, io.EOF
	}
	kind, object, err := r.decode(r.lines.Bytes())
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "", nil, io.ErrUnexpectedEOF // The connection broke in the middle of it.
	case err != nil:
		return "", nil, err
	}
	switch kind {
	case watch.Added, watch.Modified, watch.Deleted, watch.Bookmark:
		return kind, object, nil
	case watch.Error:
		return decodeStatus(r.lines.Bytes())
	default:
		return "", nil, fmt.Errorf("%q is no type of event", kind)
	}
}

// watchedEvent is what is read of an event.
type watchedEvent[Spec any] struct {
	Type   watch.EventType     `json:"type"`
	Object watchedObject[Spec] `json:"object"`
}

// watchedObject is what is read of an object.
type watchedObject[Spec any] struct {
	Metadata watchedMeta `json:"metadata"`
	Spec     *Spec       `json:"spec"`
}

// watchedMeta is what is read of an object's metadata: the managed fields alone are
// a quarter of a user's JSON.
type watchedMeta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	UID               types.UID         `json:"uid"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	Generation        int64             `json:"generation"`
	ResourceVersion   string            `json:"resourceVersion"`
	DeletionTimestamp *metav1.Time      `json:"deletionTimestamp"`
}

// describe gives the object the metadata.
func (m watchedMeta) describe(object client.Object) {
	object.SetName(m.Name)
	object.SetNamespace(m.Namespace)
	object.SetUID(m.UID)
	object.SetLabels(m.Labels)
	object.SetAnnotations(m.Annotations)
	object.SetGeneration(m.Generation)
	object.SetResourceVersion(m.ResourceVersion)
	object.SetDeletionTimestamp(m.DeletionTimestamp)
}

// unreadable stands for an object that cannot be read.
type unreadable struct {
	metav1.PartialObjectMetadata
	tenant string // empty if that cannot be read either
	reason error
}

// tenantOf returns the name of the tenant that an object is of; empty when it is not known.
func tenantOf(object client.Object) string {
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		return o.Spec.TenantRef.Name
	case *scimv1alpha1.ScimGroup:
		return o.Spec.TenantRef.Name
	case *scimv1alpha1.ScimGroupMembers:
		return o.Spec.TenantRef.Name
	case *unreadable:
		return o.tenant
	default:
		return ""
	}
}

// sourceOf returns how objects with the spec are read. empty makes an object, and says
// where its spec is.
func sourceOf[Spec any](resource string, empty func() (client.Object, *Spec)) *source {
	return &source{
		resource: resource,
		event: func(line []byte) (watch.EventType, client.Object, error) {
			var event watchedEvent[Spec]
			object, spec := empty()
			event.Object.Spec = spec
			err := readJSON(line, &event)
			if err == nil {
				event.Object.Metadata.describe(object)
				return event.Type, object, nil
			}
			var rest watchedEvent[jsontext.Value]
			if readJSON(line, &rest) != nil {
				return "", nil, fmt.Errorf("reading an event: %w", impersonal(err))
			}
			return rest.Type, unread(rest.Object, err), nil
		},
		object: func(doc []byte) (client.Object, error) {
			var read watchedObject[Spec]
			object, spec := empty()
			read.Spec = spec
			err := readJSON(doc, &read)
			if err == nil {
				read.Metadata.describe(object)
				return object, nil
			}
			var rest watchedObject[jsontext.Value]
			if readJSON(doc, &rest) != nil {
				return nil, fmt.Errorf("reading an object: %w", impersonal(err))
			}
			return unread(rest, err), nil
		},
	}
}

// unread returns what stands for the object, whose spec cannot be read.
func unread(o watchedObject[jsontext.Value], reason error) client.Object {
	object := &unreadable{reason: impersonal(reason)}
	o.Metadata.describe(object)
	var spec struct {
		TenantRef struct {
			Name string `json:"name"`
		} `json:"tenantRef"`
	}
	if o.Spec != nil && readJSON(*o.Spec, &spec) == nil {
		object.tenant = spec.TenantRef.Name
	}
	return object
}

// impersonal returns the reason for which JSON cannot be read, without the JSON: what
// does not fit may be personal, and the error is logged.
func impersonal(reason error) error {
	if fault := (*json.SemanticError)(nil); errors.As(reason, &fault) {
		return fmt.Errorf("%s is not as this version of the API defines it", fault.JSONPointer)
	}
	return reason
}

// decodeStatus reads the event by which the API server says why a watch ends.
func decodeStatus(line []byte) (watch.EventType, runtime.Object, error) {
	var event struct {
		Object metav1.Status `json:"object"`
	}
	if err := stdjson.Unmarshal(line, &event); err != nil {
		return "", nil, fmt.Errorf("reading why a watch ends: %w", err)
	}
	return watch.Error, &event.Object, nil
}

// asChecked reads JSON as it is read that the API server has checked.
var asChecked = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// readJSON reads JSON of the API server.
func readJSON(doc []byte, into any) error {
	return json.Unmarshal(doc, into, asChecked)
}
