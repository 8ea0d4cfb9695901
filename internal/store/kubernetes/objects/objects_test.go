package objects_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

func idOf(number int) string { return fmt.Sprintf("a0b1c2d3-0000-4000-8000-%012d", number) }

func registry(t *testing.T) *schema.Registry {
	t.Helper()
	registry, err := schema.NewRegistry()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return registry
}

// Users and groups by what is done to them: 1 is a user, 2 a group, 3 a user of another
// tenant, 4 a user who is kept, 5 a group that is being deleted.
func everyone() []client.Object {
	metaOf := func(number int) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "team", Name: idOf(number)} }
	user, group, foreign := &scimv1alpha1.ScimUser{ObjectMeta: metaOf(1)}, &scimv1alpha1.ScimGroup{ObjectMeta: metaOf(2)}, &scimv1alpha1.ScimUser{ObjectMeta: metaOf(3)}
	kept, leaving := &scimv1alpha1.ScimUser{ObjectMeta: metaOf(4)}, &scimv1alpha1.ScimGroup{ObjectMeta: metaOf(5)}
	for _, each := range []*scimv1alpha1.ScimUser{user, foreign, kept} {
		each.Spec.TenantRef.Name, each.Spec.UserName = "acme", "u"
	}
	for _, each := range []*scimv1alpha1.ScimGroup{group, leaving} {
		each.Spec.TenantRef.Name = "acme"
	}
	foreign.Spec.TenantRef.Name = "globex"
	kept.Labels = map[string]string{scimv1alpha1.LabelDeleted: "true"}
	leaving.DeletionTimestamp, leaving.Finalizers = &metav1.Time{Time: time.Now()}, []string{"example.com/wait"}
	return []client.Object{user, group, foreign, kept, leaving}
}

// readerOver reads the objects, by calls that may fail, and counts what it leaves out.
func readerOver(t *testing.T, calls interceptor.Funcs, there ...client.Object) (reader *objects.Reader, leftOut *atomic.Int32) {
	t.Helper()
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	leftOut = &atomic.Int32{}
	return &objects.Reader{
		Client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(there...).WithInterceptorFuncs(calls).Build(),
		Tenant: client.ObjectKey{Namespace: "team", Name: "acme"}, Rewound: func() { t.Error("etcd was not restored") },
		LeftOut: func() { leftOut.Add(1) }, Log: slog.New(slog.DiscardHandler),
	}, leftOut
}

// getsFail makes the GETs of one object fail.
func getsFail(name string, err error) interceptor.Funcs {
	return interceptor.Funcs{Get: func(ctx context.Context, live client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		if key.Name == name {
			return err
		}
		return live.Get(ctx, key, object, options...)
	}}
}

// unreadable is what the client returns for an object that the types do not take.
var unreadable = &time.ParseError{Value: "yesterday"}

func TestRead(t *testing.T) {
	types := registry(t)
	for name, c := range map[string]struct {
		t           *schema.ResourceType
		id          string
		read, shown bool
	}{
		"a user":                   {types.User(), idOf(1), true, true},
		"a group":                  {types.Group(), idOf(2), true, true},
		"a user by a group's id":   {types.User(), idOf(2), false, false},
		"one of another tenant":    {types.User(), idOf(3), false, false},
		"one who is kept":          {types.User(), idOf(4), true, false},
		"one that is deleted just": {types.Group(), idOf(5), true, false},
		"one that is not there":    {types.User(), idOf(6), false, false},
		"what is no id":            {types.User(), "babs", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			reader, _ := readerOver(t, interceptor.Funcs{}, everyone()...)
			record, err := reader.Read(context.Background(), c.t, c.id)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(record != nil).To(Equal(c.read))
			record, err = reader.ReadShown(context.Background(), c.t, c.id)
			if c.shown {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(record.Resource.ID()).To(Equal(c.id))
			} else {
				g.Expect(failure.IsNotFound(err)).To(BeTrue(), "it is for clients what never was")
			}
		})
	}
}

// One object that cannot be read is left out, and never taken for one that is not there.
func TestReadOfWhatCannotBeRead(t *testing.T) {
	g := NewWithT(t)
	user := registry(t).User()
	reader, leftOut := readerOver(t, getsFail(idOf(1), unreadable), everyone()...)
	_, err := reader.Read(context.Background(), user, idOf(1))
	g.Expect(err).To(MatchError(failure.ErrUnreadable))
	g.Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
	g.Expect(leftOut.Load()).To(BeEquivalentTo(1))
	_, err = reader.ReadShown(context.Background(), user, idOf(1))
	g.Expect(failure.IsNotFound(err)).To(BeTrue())

	reader, _ = readerOver(t, getsFail(idOf(1), errors.New("the connection broke")), everyone()...)
	_, err = reader.ReadShown(context.Background(), user, idOf(1))
	g.Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "what does not answer has not said that there is none")
}

func TestLookUp(t *testing.T) {
	g := NewWithT(t)
	reader, _ := readerOver(t, interceptor.Funcs{}, everyone()...)
	g.Expect(reader.LookUp(context.Background(), []string{idOf(1), idOf(2), idOf(3), idOf(4), idOf(5), idOf(6), "babs", ""})).
		To(Equal(map[string]string{idOf(1): store.MemberUser, idOf(2): store.MemberGroup}))
	g.Expect(reader.LookUp(context.Background(), nil)).To(BeEmpty())

	reader, leftOut := readerOver(t, getsFail(idOf(1), unreadable), everyone()...)
	g.Expect(reader.LookUp(context.Background(), []string{idOf(1), idOf(2)})).To(Equal(map[string]string{idOf(2): store.MemberGroup}))
	g.Expect(leftOut.Load()).NotTo(BeZero())

	reader, _ = readerOver(t, getsFail(idOf(1), errors.New("the connection broke")), everyone()...)
	_, err := reader.LookUp(context.Background(), []string{idOf(2), idOf(1)})
	g.Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
}

// Nothing is taken away from a group without evidence.
func TestPresence(t *testing.T) {
	for name, c := range map[string]struct {
		id                     string
		want                   objects.Presence
		deleted, goneAfterLong bool
	}{
		"a user":                      {idOf(1), objects.Present, false, false},
		"a group":                     {idOf(2), objects.Present, false, false},
		"one who is kept":             {idOf(4), objects.Deleted, true, true},
		"one that somebody deletes":   {idOf(5), objects.Present, false, false},
		"one that is not there":       {idOf(6), objects.Absent, false, true},
		"a name that is another kind": {"babs", objects.Absent, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			reader, _ := readerOver(t, interceptor.Funcs{}, everyone()...)
			is, err := reader.Presence(context.Background(), c.id)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(is).To(Equal(c.want))
			g.Expect(objects.IsDeleted(is)).To(Equal(c.deleted))
			g.Expect(objects.IsGone(is)).To(Equal(c.goneAfterLong))
		})
	}
	g := NewWithT(t)
	for _, answer := range []error{errors.New("the connection broke"), apierrors.NewForbidden(runtimeschema.GroupResource{Resource: "scimusers"}, idOf(6), errors.New("x"))} {
		reader, _ := readerOver(t, getsFail(idOf(6), answer))
		is, err := reader.Presence(context.Background(), idOf(6))
		g.Expect(err).To(HaveOccurred())
		g.Expect(objects.IsGone(is)).To(BeFalse(), "no answer is no evidence")
	}
}

func TestEachSlice(t *testing.T) {
	g := NewWithT(t)
	sliceOf := func(name, tenant, group string) *scimv1alpha1.ScimGroupMembers {
		slice := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}}
		slice.Spec.TenantRef.Name, slice.Spec.GroupRef.Name = tenant, group
		return slice
	}
	leaving := sliceOf("leaving", "acme", idOf(2))
	leaving.DeletionTimestamp, leaving.Finalizers = &metav1.Time{Time: time.Now()}, []string{"example.com/wait"}
	elsewhere := sliceOf("elsewhere", "acme", idOf(2))
	elsewhere.Namespace = "another"
	reader, _ := readerOver(t, interceptor.Funcs{}, sliceOf("one", "acme", idOf(2)), sliceOf("two", "acme", idOf(7)),
		sliceOf("foreign", "globex", idOf(2)), sliceOf("nobodys", "acme", "guides"), leaving, elsewhere)
	found := map[string]string{}
	everything := client.MatchingLabels{}
	g.Expect(reader.EachSlice(context.Background(), everything, func(slice *index.Slice) error {
		found[slice.Name] = slice.Group.String()
		return nil
	})).To(Succeed())
	g.Expect(found).To(Equal(map[string]string{"one": idOf(2), "two": idOf(7)}))

	enough := errors.New("enough")
	calls := 0
	g.Expect(reader.EachSlice(context.Background(), everything, func(*index.Slice) error { calls++; return enough })).To(MatchError(enough))
	g.Expect(calls).To(Equal(1), "it ends at once")
}

// A page that cannot be read is read one by one, and what can be read of it is there.
func TestPagesThatCannotBeRead(t *testing.T) {
	g := NewWithT(t)
	typed := interceptor.Funcs{List: func(ctx context.Context, live client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, is := list.(*scimv1alpha1.ScimUserList); is {
			return unreadable
		}
		return live.List(ctx, list, options...)
	}}
	reader, leftOut := readerOver(t, typed, everyone()...)
	var names []string
	g.Expect(reader.Each(context.Background(), readindex.Users, client.MatchingLabels{}, func(object client.Object) error {
		names = append(names, object.GetName())
		return nil
	})).To(Succeed())
	g.Expect(slices.Sorted(slices.Values(names))).To(Equal([]string{idOf(1), idOf(3), idOf(4)}))
	g.Expect(leftOut.Load()).To(BeZero())

	down := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("the connection broke")
	}}
	reader, _ = readerOver(t, down, everyone()...)
	err := reader.Each(context.Background(), readindex.Users, client.MatchingLabels{}, func(client.Object) error { return nil })
	g.Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
}
