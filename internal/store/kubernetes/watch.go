package kubernetes

import (
	"bufio"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
)

const (
	// usualEvent is the size of a buffer into which most events fit, in bytes.
	usualEvent = 64 << 10
	// maxEvent bounds one event, in bytes. etcd takes objects of 1.5 MiB.
	maxEvent = 16 << 20
)

// watchClient is a client with watches of its own for the kinds that a mirror is fed
// with.
type watchClient struct {
	client.WithWatch
	rest       rest.Interface
	parameters runtime.ParameterCodec
}

// NewWatchClient returns the client with cheaper watches of ScimUsers, ScimGroups and
// ScimGroupMembers: every replica reads every event, and all objects when it starts.
// The JSON of an event is read once, where client-go reads it about ten times, and of
// metadata only the name, namespace, labels, annotations, generation,
// resourceVersion and deletionTimestamp. config is how the client reaches the API
// server.
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
	return &watchClient{WithWatch: c, rest: streams, parameters: runtime.NewParameterCodec(c.Scheme())}, nil
}

// Watch implements client.WithWatch. An object that cannot be read comes as one that
// says why, and does not end the watch.
func (c *watchClient) Watch(ctx context.Context, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
	var (
		resource string
		decode   func([]byte) (watch.EventType, client.Object, error)
	)
	switch list.(type) {
	case *v1alpha1.ScimUserList:
		resource = "scimusers"
		decode = decoderOf(func(meta metav1.ObjectMeta, spec *v1alpha1.ScimUserSpec) client.Object {
			return &v1alpha1.ScimUser{ObjectMeta: meta, Spec: *spec}
		})
	case *v1alpha1.ScimGroupList:
		resource = "scimgroups"
		decode = decoderOf(func(meta metav1.ObjectMeta, spec *v1alpha1.ScimGroupSpec) client.Object {
			return &v1alpha1.ScimGroup{ObjectMeta: meta, Spec: *spec}
		})
	case *v1alpha1.ScimGroupMembersList:
		resource = "scimgroupmembers"
		decode = decoderOf(func(meta metav1.ObjectMeta, spec *v1alpha1.ScimGroupMembersSpec) client.Object {
			return &v1alpha1.ScimGroupMembers{ObjectMeta: meta, Spec: *spec}
		})
	default:
		return c.WithWatch.Watch(ctx, list, opts...)
	}
	options := (&client.ListOptions{}).ApplyOptions(opts)
	parameters := options.AsListOptions()
	parameters.Watch = true
	body, err := c.rest.Get().Namespace(options.Namespace).Resource(resource).VersionedParams(parameters, c.parameters).Stream(ctx)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, usualEvent), maxEvent)
	return watch.NewStreamWatcher(&eventReader{body: body, lines: lines, decode: decode},
		apierrors.NewClientErrorReporter(http.StatusInternalServerError, "watch", "ClientWatchDecoding")), nil
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
	case kind == watch.Error:
		return decodeStatus(r.lines.Bytes())
	}
	return kind, object, nil
}

// watchedEvent is what is read of an event.
type watchedEvent[Spec any] struct {
	Type   watch.EventType `json:"type"`
	Object struct {
		Metadata watchedMeta `json:"metadata"`
		Spec     Spec        `json:"spec"`
	} `json:"object"`
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

func (m watchedMeta) objectMeta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, Labels: m.Labels, Annotations: m.Annotations, Generation: m.Generation,
		ResourceVersion: m.ResourceVersion, DeletionTimestamp: m.DeletionTimestamp,
	}
}

// unreadable stands for an object that cannot be read.
type unreadable struct {
	metav1.PartialObjectMetadata
	reason error
}

// decoderOf returns what reads events with objects that have the spec. The object of
// an event of type Error is nil.
func decoderOf[Spec any](object func(metav1.ObjectMeta, *Spec) client.Object) func([]byte) (watch.EventType, client.Object, error) {
	return func(line []byte) (watch.EventType, client.Object, error) {
		var event watchedEvent[Spec]
		if err := readJSON(line, &event); err != nil {
			return decodeUnreadable(line, err)
		}
		switch event.Type {
		case watch.Added, watch.Modified, watch.Deleted, watch.Bookmark:
			return event.Type, object(event.Object.Metadata.objectMeta(), &event.Object.Spec), nil
		case watch.Error:
			return event.Type, nil, nil
		default:
			return "", nil, fmt.Errorf("%q is no type of event", event.Type)
		}
	}
}

// decodeUnreadable returns the event as far as it can be read.
func decodeUnreadable(line []byte, reason error) (watch.EventType, client.Object, error) {
	// What does not fit may be personal, and the error is logged.
	if fault := (*json.SemanticError)(nil); errors.As(reason, &fault) {
		reason = fmt.Errorf("%s is not as the API of this version defines it", fault.JSONPointer)
	}
	var event watchedEvent[jsontext.Value]
	if err := readJSON(line, &event); err != nil || event.Object.Metadata.Name == "" {
		return "", nil, fmt.Errorf("reading an event: %w", reason)
	}
	object := &unreadable{reason: reason}
	object.ObjectMeta = event.Object.Metadata.objectMeta()
	return event.Type, object, nil
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

// readJSON reads JSON of the API server, which has checked it.
func readJSON(doc []byte, into any) error {
	return json.Unmarshal(doc, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}
