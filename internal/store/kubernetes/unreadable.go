package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// leaveOut notes that an object is left out. What is in it may be personal.
func (s *Store) leaveOut(kind readindex.Kind, name string) {
	s.metrics.unreadable()
	s.log.Error("an object cannot be read and is left out",
		slog.String("kind", fmt.Sprintf("%T", codec.NewObjectOf(kind))), slog.String("name", name), slog.Any("error", failure.ErrUnreadable))
}

// page is one page of a LIST.
type page struct {
	objects  []client.Object
	revision uint64 // of the whole collection
	next     string // where the LIST goes on; empty after the last page
}

// list reads a page. If the whole of it cannot be read, it is read one by one.
func (s *Store) list(ctx context.Context, kind readindex.Kind, options *client.ListOptions) (*page, error) {
	list := codec.NewList(kind)
	err := s.client.List(ctx, list, options)
	if err == nil {
		return &page{objects: codec.ItemsOf(list), revision: codec.RevisionOf(list), next: list.GetContinue()}, nil
	}
	if !failure.IsUnreadable(err) {
		return nil, failure.Wrap(err, "listing %T", list)
	}
	raw := &unstructured.UnstructuredList{}
	of, err := s.client.GroupVersionKindFor(list)
	if err != nil {
		return nil, fmt.Errorf("listing %T: %w", list, err)
	}
	raw.SetGroupVersionKind(of)
	if err := s.client.List(ctx, raw, options); err != nil {
		return nil, failure.Wrap(err, "listing %T one by one", list)
	}
	read := &page{revision: codec.RevisionOf(raw), next: raw.GetContinue()}
	for i := range raw.Items {
		object := codec.NewObjectOf(kind)
		if runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Items[i].Object, object) != nil {
			s.leaveOut(kind, raw.Items[i].GetName())
			continue
		}
		read.objects = append(read.objects, object)
	}
	return read, nil
}

// readShown returns the record with the id that clients are shown, or else that there is none.
func (s *Store) readShown(ctx context.Context, t *scim.ResourceType, id string) (*codec.Record, error) {
	read, err := s.read(ctx, t, id)
	if errors.Is(err, failure.ErrUnreadable) || err == nil && !s.shows(read) {
		return nil, store.NotFound(t, id)
	}
	return read, err
}
