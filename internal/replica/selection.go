package replica

import (
	"context"
	"fmt"
	"log/slog"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// pageSize bounds how many objects one answer of the API server has.
const pageSize = 500

// object is a pointer to a T, which is an object of the API server.
type object[T any] interface {
	*T
	client.Object
}

// selection is the objects of one kind in a namespace that a selector picks out.
type selection[T any, O object[T]] struct {
	client    client.WithWatch
	log       *slog.Logger
	kind      string // such as "ScimApiKey"
	namespace string
	selector  fields.Selector // all, when nil
}

// list returns all of the objects, and the revision as of which they are all.
func (s *selection[T, O]) list(ctx context.Context) (objects []O, revision string, err error) {
	options := s.options()
	options.Limit = pageSize
	for {
		page := s.newList()
		if err := s.client.List(ctx, page, options); err != nil {
			return nil, "", fmt.Errorf("listing each %s: %w", s.kind, err)
		}
		for i := range page.Items {
			if object, readable := s.read(&page.Items[i]); readable {
				objects = append(objects, object)
			}
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return objects, page.GetResourceVersion(), nil
		}
	}
}

// get returns the object of a name, whether it is selected or not; false when there is none.
func (s *selection[T, O]) get(ctx context.Context, name string) (O, bool, error) {
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(s.kind))
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, found)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading the %s %s: %w", s.kind, name, err)
	}
	object, readable := s.read(found)
	return object, readable, nil
}

// read decodes an object. One that cannot be decoded must not hide all others, which is why
// none are decoded where they are read; false is returned for it with an object that has
// its name and resourceVersion.
func (s *selection[T, O]) read(found *unstructured.Unstructured) (object O, readable bool) {
	found.SetManagedFields(nil) // Nobody asks for these, and whoever may write the object can make
	found.SetAnnotations(nil)   // them as long as 256 KiB.
	object = O(new(T))
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, object); err != nil {
		s.log.Error("an object cannot be read and counts as absent; replace it",
			slog.String("kind", s.kind), slog.String("name", found.GetName()), slog.Any("error", err))
		object = O(new(T))
		object.SetName(found.GetName())
		object.SetResourceVersion(found.GetResourceVersion())
		return object, false
	}
	return object, true
}

func (s *selection[T, O]) newList() *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(s.kind + "List"))
	return list
}

func (s *selection[T, O]) options() *client.ListOptions {
	return &client.ListOptions{Namespace: s.namespace, FieldSelector: s.selector}
}
