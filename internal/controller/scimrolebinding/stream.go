package scimrolebinding

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/reconcile"
	"github.com/kubescim/kubescim/internal/roster"
)

// kind is a kind of objects that rosters are made of.
type kind struct {
	of     roster.Kind
	object func() client.Object
	list   func() client.ObjectList
	put    func(*roster.Roster, any) bool
	remove func(*roster.Roster, string) bool
}

// kinds are all of them.
var kinds = []kind{
	{
		of: roster.Users, remove: (*roster.Roster).DeleteUser, put: putting((*roster.Roster).PutUser),
		object: func() client.Object { return &scimv1alpha1.ScimUser{} }, list: func() client.ObjectList { return &scimv1alpha1.ScimUserList{} },
	},
	{
		of: roster.Groups, remove: (*roster.Roster).DeleteGroup, put: putting((*roster.Roster).PutGroup),
		object: func() client.Object { return &scimv1alpha1.ScimGroup{} }, list: func() client.ObjectList { return &scimv1alpha1.ScimGroupList{} },
	},
	{
		of: roster.Members, remove: (*roster.Roster).DeleteMembers, put: putting((*roster.Roster).PutMembers),
		object: func() client.Object { return &scimv1alpha1.ScimGroupMembers{} }, list: func() client.ObjectList { return &scimv1alpha1.ScimGroupMembersList{} },
	},
}

func putting[T any](put func(*roster.Roster, T) bool) func(*roster.Roster, any) bool {
	return func(to *roster.Roster, object any) bool {
		typed, ok := object.(T)
		return ok && put(to, typed)
	}
}

// read keeps the roster of a tenant as the API server has its users and groups, until the context is done.
func (r *rosters) read(ctx context.Context, tenant client.ObjectKey, kept *keptRoster) {
	var running sync.WaitGroup
	for _, one := range kinds {
		into := &stream{kind: one, roster: kept.roster, changed: func(hasRead bool) { r.changed(kept, hasRead) }}
		note := func(ctx context.Context, err error) { r.note(ctx, kept, one.of, err) }
		running.Go(func() {
			toolscache.NewReflectorWithOptions(listerWatcher(r.live, tenant, one, note), one.object(), into, toolscache.ReflectorOptions{
				Name: fmt.Sprintf("scimrolebinding %s", tenant),
			}).RunWithContext(ctx)
		})
	}
	running.Wait()
}

// listerWatcher lists and watches the objects of one kind of a tenant, and notes how each call has ended.
func listerWatcher(live client.WithWatch, tenant client.ObjectKey, of kind, note func(context.Context, error)) toolscache.ListerWatcher {
	options := func(given metav1.ListOptions) *client.ListOptions {
		return &client.ListOptions{
			Namespace: tenant.Namespace, FieldSelector: fields.OneTermEqualSelector(reconcile.FieldTenant, tenant.Name),
			Limit: given.Limit, Continue: given.Continue, Raw: &given,
		}
	}
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, given metav1.ListOptions) (runtime.Object, error) {
			list := of.list()
			err := live.List(ctx, list, options(given))
			note(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, given metav1.ListOptions) (watch.Interface, error) {
			watching, err := live.Watch(ctx, of.list(), options(given))
			note(ctx, err)
			return watching, err
		},
	}
}

// stream puts the objects of one kind into a roster. A reflector calls it from one goroutine.
type stream struct {
	kind    kind
	roster  *roster.Roster
	changed func(hasRead bool)
	hasRead bool
}

// Add puts an object into the roster.
func (s *stream) Add(object any) error { return s.Update(object) }

// Update puts what has become of an object into the roster.
func (s *stream) Update(object any) error {
	if s.kind.put(s.roster, object) {
		s.changed(false)
	}
	return nil
}

// Delete removes an object from the roster.
func (s *stream) Delete(object any) error {
	gone, ok := object.(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object of a tenant", object)
	}
	if s.kind.remove(s.roster, gone.GetName()) {
		s.changed(false)
	}
	return nil
}

// Replace puts all objects that there are into the roster, and removes the others. It is then that nobody is missing in it.
func (s *stream) Replace(objects []any, _ string) error {
	there, matters := map[string]struct{}{}, false
	for _, object := range objects {
		one, ok := object.(client.Object)
		if !ok {
			return fmt.Errorf("%T is no object of a tenant", object)
		}
		there[one.GetName()] = struct{}{}
		matters = s.kind.put(s.roster, object) || matters
	}
	for _, name := range s.roster.Names(s.kind.of) {
		if _, is := there[name]; !is {
			matters = s.kind.remove(s.roster, name) || matters
		}
	}
	if first := !s.hasRead; first || matters {
		s.hasRead = true
		s.changed(first)
	}
	return nil
}

// Resync does nothing: no reflector of a roster asks for it.
func (s *stream) Resync() error { return nil }

// Transformer has the API server's answer kept without what no roster has, while it is read in whole.
func (s *stream) Transformer() toolscache.TransformFunc { return strip }

// strip leaves of a user what a roster has of one. What else a user can have is far more.
func strip(object any) (any, error) {
	u, ok := object.(*scimv1alpha1.ScimUser)
	if !ok {
		return object, nil
	}
	kept := &scimv1alpha1.ScimUser{}
	kept.Name, kept.Namespace, kept.ResourceVersion, kept.DeletionTimestamp = u.Name, u.Namespace, u.ResourceVersion, u.DeletionTimestamp
	kept.Spec.UserName, kept.Spec.ExternalID, kept.Spec.Active = u.Spec.UserName, u.Spec.ExternalID, u.Spec.Active
	kept.Spec.Emails, kept.Spec.Meta.DeletedTime = u.Spec.Emails, u.Spec.Meta.DeletedTime
	return kept, nil
}
