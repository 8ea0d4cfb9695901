package objects

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

const (
	// PageSize is the number of objects in one page of a LIST.
	PageSize = 1000
	// slicesPage is that of slices, of which each may have 1,000 members.
	slicesPage = 200
)

// Each LISTs the objects of a kind that are selected, as of one moment. Those that are
// marked as deleted are among them: that a client is told nothing of them rests on
// that mark.
func (r *Reader) Each(ctx context.Context, kind readindex.Kind, selected client.ListOption, yield func(client.Object) error) error {
	options := &client.ListOptions{Namespace: r.Tenant.Namespace, Limit: PageSize}
	if kind == readindex.GroupMembers {
		options.Limit = slicesPage
	}
	selected.ApplyToList(options)
	known := r.Cache.Seen()
	for {
		page, err := r.list(ctx, kind, options)
		if err != nil {
			return err
		}
		if r.Cache.Contradicts(known, kind, page.revision) {
			r.Rewound()
		}
		for _, object := range page.objects {
			r.Cache.Acknowledge(kind, object)
			if err := yield(object); err != nil {
				return err
			}
		}
		if options.Continue = page.next; options.Continue == "" {
			return nil
		}
	}
}

// EachMetadata LISTs the metadata of the tenant's objects of a kind.
func (r *Reader) EachMetadata(ctx context.Context, kind string, yield func(*metav1.PartialObjectMetadata) error) error {
	options := &client.ListOptions{Namespace: r.Tenant.Namespace, Limit: PageSize}
	codec.OfTenant(r.Tenant.Name).ApplyToList(options)
	for {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(kind + "List"))
		if err := r.Client.List(ctx, list, options); err != nil {
			return failure.Wrap(err, "listing the metadata of every %s", kind)
		}
		for i := range list.Items {
			if err := yield(&list.Items[i]); err != nil {
				return err
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// SlicesOf LISTs the slices of a group.
func (r *Reader) SlicesOf(ctx context.Context, group string) (slices []*index.Slice, err error) {
	err = r.EachSlice(ctx, codec.OfGroup(r.Tenant.Name, group), func(slice *index.Slice) error {
		slices = append(slices, slice)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the members of the group %s: %w", group, err)
	}
	return slices, nil
}

// EachSlice LISTs the tenant's slices that are selected.
func (r *Reader) EachSlice(ctx context.Context, selected client.ListOption, yield func(*index.Slice) error) error {
	return r.Each(ctx, readindex.GroupMembers, selected, func(object client.Object) error {
		slice, isSlice := object.(*scimv1alpha1.ScimGroupMembers)
		if !isSlice || slice.Spec.TenantRef.Name != r.Tenant.Name || slice.DeletionTimestamp != nil {
			return nil
		}
		group, err := codec.ParseID(slice.Spec.GroupRef.Name)
		if err != nil {
			return nil //nolint:nilerr // It is no group's.
		}
		return yield(codec.SliceEntry(group, slice))
	})
}

// page is one page of a LIST.
type page struct {
	objects  []client.Object
	revision uint64 // of the whole collection
	next     string // where the LIST goes on; empty after the last page
}

// list reads a page. If the whole of it cannot be read, it is read one by one.
func (r *Reader) list(ctx context.Context, kind readindex.Kind, options *client.ListOptions) (*page, error) {
	list := codec.NewList(kind)
	err := r.Client.List(ctx, list, options)
	if err == nil {
		return &page{objects: codec.ItemsOf(list), revision: codec.RevisionOf(list), next: list.GetContinue()}, nil
	}
	if !failure.IsUnreadable(err) {
		return nil, failure.Wrap(err, "listing %T", list)
	}
	raw := &unstructured.UnstructuredList{}
	of, err := r.Client.GroupVersionKindFor(list)
	if err != nil {
		return nil, fmt.Errorf("listing %T: %w", list, err)
	}
	raw.SetGroupVersionKind(of)
	if err := r.Client.List(ctx, raw, options); err != nil {
		return nil, failure.Wrap(err, "listing %T one by one", list)
	}
	read := &page{revision: codec.RevisionOf(raw), next: raw.GetContinue()}
	for i := range raw.Items {
		object := codec.NewObjectOf(kind)
		if runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Items[i].Object, object) != nil {
			r.leaveOut(kind, raw.Items[i].GetName())
			continue
		}
		read.objects = append(read.objects, object)
	}
	return read, nil
}
