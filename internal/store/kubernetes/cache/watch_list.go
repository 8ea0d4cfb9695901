package cache

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// atOnce is how many objects of a list come in one event.
const atOnce = 64

var errList = errors.New("the API server's answer is not a list")

// several stands for objects of a list that come in one event. Handing one over to
// another goroutine by itself takes as long as a good part of reading it.
type several struct {
	metav1.PartialObjectMetadata
	objects []client.Object
}

// list begins a watch with a LIST of what there is. That brings the same as the events
// that the API server would send instead (KEP-3157), at half of the work for it, and is
// decoded while it comes.
func (s *source) list(ctx context.Context, parameters *metav1.ListOptions, open opener) (watch.Decoder, error) {
	ctx, cancel := context.WithCancel(ctx)
	body, err := open(ctx, &metav1.ListOptions{LabelSelector: parameters.LabelSelector, FieldSelector: parameters.FieldSelector})
	if err != nil {
		cancel()
		return nil, err
	}
	return &listedWatch{
		source: s,
		cancel: cancel,
		list:   newListReader(body),
		follow: func(revision string) (*eventReader, error) {
			next := parameters.DeepCopy()
			next.SendInitialEvents, next.ResourceVersionMatch, next.ResourceVersion = nil, "", revision
			return s.events(ctx, next, open)
		},
	}, nil
}

// listedWatch is the watch: the objects, several in an event, a bookmark that says that
// those were all, and then what happens to them.
type listedWatch struct {
	source *source
	cancel context.CancelFunc
	list   *listReader
	follow func(revision string) (*eventReader, error)
	ended  bool         // The bookmark is out.
	events *eventReader // nil until the first event after it
}

var _ watch.Decoder = (*listedWatch)(nil)

// Close implements watch.Decoder.
func (w *listedWatch) Close() { w.cancel() }

// Decode implements watch.Decoder.
func (w *listedWatch) Decode() (watch.EventType, runtime.Object, error) {
	if w.events != nil {
		return w.events.Decode()
	}
	if w.ended {
		events, err := w.follow(w.list.revision)
		if err != nil {
			return "", nil, fmt.Errorf("watching what was listed: %w", err)
		}
		w.events = events
		return w.events.Decode()
	}
	objects, err := w.objects()
	switch {
	case err != nil:
		w.source.broke.Store(true)
		return "", nil, fmt.Errorf("reading a list: %w", err)
	case len(objects) > 0:
		return watch.Added, &several{objects: objects}, nil
	default:
		w.ended = true
		end := &metav1.PartialObjectMetadata{}
		end.SetResourceVersion(w.list.revision)
		end.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		return watch.Bookmark, end, nil
	}
}

// objects are the next objects of the list; none after the last.
func (w *listedWatch) objects() ([]client.Object, error) {
	objects := make([]client.Object, 0, atOnce)
	for len(objects) < atOnce {
		doc, err := w.list.next()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // It is not the end of the watch.
		}
		if doc == nil || err != nil {
			return objects, err
		}
		object, err := w.source.object(doc)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// listReader reads a list as it comes. Members other than the items may stand before or
// after them.
type listReader struct {
	body    io.ReadCloser
	bounded *io.LimitedReader
	json    *jsontext.Decoder
	inItems bool
	// complete says that the list has ended; its resourceVersion is known then.
	complete bool
	revision string
}

func newListReader(body io.ReadCloser) *listReader {
	bounded := &io.LimitedReader{R: body}
	return &listReader{body: body, bounded: bounded, json: jsontext.NewDecoder(bounded, asChecked)}
}

// next returns the next item, valid until the next call, or nil after the last one.
func (r *listReader) next() ([]byte, error) {
	for !r.complete {
		// An item is no larger than an event.
		r.bounded.N = maxEvent
		if r.inItems && r.json.PeekKind() != ']' {
			return r.json.ReadValue()
		}
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	_ = r.body.Close() // It was only read from.
	return nil, nil
}

// step reads what is not an item.
func (r *listReader) step() error {
	token, err := r.json.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '{':
		return nil
	case '"':
		return r.member(token.String())
	case ']':
		r.inItems = false
		return nil
	case '}':
		r.complete = true
		if r.revision == "" {
			return errList
		}
		return nil
	default:
		return errList
	}
}

// member reads what the name stands before.
func (r *listReader) member(name string) error {
	switch name {
	case "items":
		r.inItems = true
		token, err := r.json.ReadToken()
		if err == nil && token.Kind() != '[' {
			err = errList
		}
		return err
	case "metadata":
		var list metav1.ListMeta
		err := json.UnmarshalDecode(r.json, &list)
		r.revision = list.ResourceVersion
		return err
	default:
		return r.json.SkipValue()
	}
}
