package kubernetes

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
)

var errList = errors.New("the API server's answer is not a list")

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

// listedWatch is the watch: the objects as events, a bookmark that says that those were
// all, and then what happens to them.
type listedWatch struct {
	source *source
	cancel context.CancelFunc
	list   *listReader
	follow func(revision string) (*eventReader, error)
	events *eventReader // nil while objects are read
}

var _ watch.Decoder = (*listedWatch)(nil)

// Close implements watch.Decoder.
func (w *listedWatch) Close() { w.cancel() }

// Decode implements watch.Decoder.
func (w *listedWatch) Decode() (watch.EventType, runtime.Object, error) {
	if w.events != nil {
		return w.events.Decode()
	}
	if w.list.complete {
		events, err := w.follow(w.list.revision)
		if err != nil {
			return "", nil, fmt.Errorf("watching what was listed: %w", err)
		}
		w.events = events
		return w.events.Decode()
	}
	doc, err := w.list.next()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // It is not the end of the watch.
	}
	if err != nil {
		w.source.broke.Store(true)
		return "", nil, fmt.Errorf("reading a list: %w", err)
	}
	if doc == nil {
		end := &metav1.PartialObjectMetadata{}
		end.SetResourceVersion(w.list.revision)
		end.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		return watch.Bookmark, end, nil
	}
	object, err := w.source.object(doc)
	return watch.Added, object, err
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
