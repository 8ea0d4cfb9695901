package cache

import (
	"bufio"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
)

const (
	// usualEvent is the size of a buffer into which most events fit, in bytes.
	usualEvent = 64 << 10
	// maxEvent bounds one event, in bytes. etcd takes objects of 1.5 MiB.
	maxEvent = 16 << 20
)

// watchClient is a client with watches of its own for the kinds that a cache is fed
// with.
type watchClient struct {
	client.WithWatch
	rest                  rest.Interface
	parameters            runtime.ParameterCodec
	users, groups, slices *source
}

// NewWatchClient returns the client with cheaper watches of ScimUsers, ScimGroups and
// ScimGroupMembers: every replica reads every event, and all objects when it starts.
// The JSON of an event is read once, where client-go reads it about ten times, and of
// metadata only the name, namespace, labels, annotations, generation,
// resourceVersion and deletionTimestamp. What there is when a watch begins is listed, and
// comes several objects in an event.
// config is how the client reaches the API server.
func NewWatchClient(c client.WithWatch, config *rest.Config) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &v1alpha1.GroupVersion, "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(c.Scheme()).WithoutConversion()
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	config.QPS = -1 // client-go does not hold watches back either.
	streams, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for watches: %w", err)
	}
	return &watchClient{
		WithWatch: c, rest: streams, parameters: runtime.NewParameterCodec(c.Scheme()),
		users: sourceOf("scimusers", func() (client.Object, *v1alpha1.ScimUserSpec) {
			object := &v1alpha1.ScimUser{}
			return object, &object.Spec
		}),
		groups: sourceOf("scimgroups", func() (client.Object, *v1alpha1.ScimGroupSpec) {
			object := &v1alpha1.ScimGroup{}
			return object, &object.Spec
		}),
		slices: sourceOf("scimgroupmembers", func() (client.Object, *v1alpha1.ScimGroupMembersSpec) {
			object := &v1alpha1.ScimGroupMembers{}
			return object, &object.Spec
		}),
	}, nil
}

// Watch implements client.WithWatch. An object that cannot be read comes as one that
// says why, and does not end the watch.
func (c *watchClient) Watch(ctx context.Context, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
	var from *source
	switch list.(type) {
	case *v1alpha1.ScimUserList:
		from = c.users
	case *v1alpha1.ScimGroupList:
		from = c.groups
	case *v1alpha1.ScimGroupMembersList:
		from = c.slices
	default:
		return c.WithWatch.Watch(ctx, list, opts...)
	}
	options := (&client.ListOptions{}).ApplyOptions(opts)
	parameters := options.AsListOptions()
	open := func(ctx context.Context, parameters *metav1.ListOptions) (io.ReadCloser, error) {
		return c.rest.Get().Namespace(options.Namespace).Resource(from.resource).VersionedParams(parameters, c.parameters).Stream(ctx)
	}
	decoder, err := from.watch(ctx, parameters, open)
	if err != nil {
		return nil, err
	}
	return watch.NewStreamWatcher(decoder, apierrors.NewClientErrorReporter(http.StatusInternalServerError, "watch", "ClientWatchDecoding")), nil
}

// opener sends a request and returns the body of its answer.
type opener func(context.Context, *metav1.ListOptions) (io.ReadCloser, error)

// source is how the objects of one kind are read.
type source struct {
	resource string
	event    func(line []byte) (watch.EventType, client.Object, error)
	object   func(doc []byte) (client.Object, error)
	// broke says that the last list broke off.
	broke atomic.Bool
}

// watch begins a watch.
func (s *source) watch(ctx context.Context, parameters *metav1.ListOptions, open opener) (watch.Decoder, error) {
	// A list has to be read within the API server's time limit for requests, which is a
	// minute by default, and a watch has not.
	if ptr.Deref(parameters.SendInitialEvents, false) && parameters.ResourceVersion == "" && !s.broke.Swap(false) {
		return s.list(ctx, parameters, open)
	}
	return s.events(ctx, parameters, open)
}

// events begins a watch that is nothing but events.
func (s *source) events(ctx context.Context, parameters *metav1.ListOptions, open opener) (*eventReader, error) {
	parameters.Watch = true
	body, err := open(ctx, parameters)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, usualEvent), maxEvent)
	return &eventReader{body: body, lines: lines, decode: s.event}, nil
}

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
	object.SetLabels(m.Labels)
	object.SetAnnotations(m.Annotations)
	object.SetGeneration(m.Generation)
	object.SetResourceVersion(m.ResourceVersion)
	object.SetDeletionTimestamp(m.DeletionTimestamp)
}

// unreadable stands for an object that cannot be read.
type unreadable struct {
	metav1.PartialObjectMetadata
	reason error
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
			return rest.Type, rest.Object.unread(err), nil
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
			return rest.unread(err), nil
		},
	}
}

// unread returns what stands for the object, whose spec cannot be read.
func (o watchedObject[Spec]) unread(reason error) client.Object {
	object := &unreadable{reason: impersonal(reason)}
	o.Metadata.describe(object)
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
