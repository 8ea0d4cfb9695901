package cache

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
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
// metadata only the name, namespace, uid, labels, annotations, generation,
// resourceVersion and deletionTimestamp. What there is when a watch begins is listed, and
// comes several objects in an event.
// config is how the client reaches the API server.
func NewWatchClient(c client.WithWatch, config *rest.Config) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &scimv1alpha1.GroupVersion, "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(c.Scheme()).WithoutConversion()
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	config.QPS = -1 // client-go does not hold watches back either.
	streams, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for watches: %w", err)
	}
	return &watchClient{
		WithWatch: c, rest: streams, parameters: runtime.NewParameterCodec(c.Scheme()),
		users: sourceOf("scimusers", func() (client.Object, *scimv1alpha1.ScimUserSpec) {
			object := &scimv1alpha1.ScimUser{}
			return object, &object.Spec
		}),
		groups: sourceOf("scimgroups", func() (client.Object, *scimv1alpha1.ScimGroupSpec) {
			object := &scimv1alpha1.ScimGroup{}
			return object, &object.Spec
		}),
		slices: sourceOf("scimgroupmembers", func() (client.Object, *scimv1alpha1.ScimGroupMembersSpec) {
			object := &scimv1alpha1.ScimGroupMembers{}
			return object, &object.Spec
		}),
	}, nil
}

// Watch implements client.WithWatch. An object that cannot be read comes as one that
// says why, and does not end the watch.
func (c *watchClient) Watch(ctx context.Context, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
	var from *source
	switch list.(type) {
	case *scimv1alpha1.ScimUserList:
		from = c.users
	case *scimv1alpha1.ScimGroupList:
		from = c.groups
	case *scimv1alpha1.ScimGroupMembersList:
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
