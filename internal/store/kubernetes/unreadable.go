package kubernetes

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// errUnreadable is of an object that the API server has and that cannot be read. The schema
// of a CRD takes more than the types do, as a time without a fraction, and an older program
// may meet what a newer one has written. One such object must not hide all others: it is
// left out, here as in memory, and never written.
var errUnreadable = errors.New("it is not as this version of the API defines it")

// unreadableAnswer reports whether the API server has answered what the types do not take.
func unreadableAnswer(err error) bool {
	var (
		kind   *stdjson.UnmarshalTypeError
		moment *time.ParseError
	)
	return errors.As(err, &kind) || errors.As(err, &moment)
}

// leaveOut notes that an object is left out. What is in it may be personal.
func (s *Store) leaveOut(kind readindex.Kind, name string) {
	s.metrics.unreadable()
	if s.mirror != nil {
		s.mirror.log.Error("an object cannot be read and is left out",
			slog.String("kind", fmt.Sprintf("%T", newObjectOf(kind))), slog.String("name", name), slog.Any("error", errUnreadable))
	}
}

// newObjectOf returns an empty object of a kind.
func newObjectOf(kind readindex.Kind) client.Object {
	if kind == readindex.GroupMembers {
		return &v1alpha1.ScimGroupMembers{}
	}
	return newMember(kind)
}

// page is one page of a LIST.
type page struct {
	objects  []client.Object
	revision uint64 // of the whole collection
	next     string // where the LIST goes on; empty after the last page
}

// list reads a page. If the whole of it cannot be read, it is read one by one.
func (s *Store) list(ctx context.Context, kind readindex.Kind, options *client.ListOptions) (*page, error) {
	list := newList(kind)
	err := s.client.List(ctx, list, options)
	if err == nil {
		return &page{objects: itemsOf(list), revision: revisionOfList(list), next: list.GetContinue()}, nil
	}
	if !unreadableAnswer(err) {
		return nil, wrap(err, "listing %T", list)
	}
	raw := &unstructured.UnstructuredList{}
	of, err := s.client.GroupVersionKindFor(list)
	if err != nil {
		return nil, fmt.Errorf("listing %T: %w", list, err)
	}
	raw.SetGroupVersionKind(of)
	if err := s.client.List(ctx, raw, options); err != nil {
		return nil, wrap(err, "listing %T one by one", list)
	}
	read := &page{revision: revisionOfList(raw), next: raw.GetContinue()}
	for i := range raw.Items {
		object := newObjectOf(kind)
		if runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Items[i].Object, object) != nil {
			s.leaveOut(kind, raw.Items[i].GetName())
			continue
		}
		read.objects = append(read.objects, object)
	}
	return read, nil
}

// readShown returns the record with the id that clients are shown, or else that there is none.
func (s *Store) readShown(ctx context.Context, t *scim.ResourceType, id string) (*record, error) {
	read, err := s.read(ctx, t, id)
	if errors.Is(err, errUnreadable) || err == nil && !s.shows(read) {
		return nil, store.NotFound(t, id)
	}
	return read, err
}
