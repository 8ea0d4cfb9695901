package slice

import (
	"context"
	"errors"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// sliceWith is a slice that lists members, and has an owner, as slices had once.
func sliceWith(name string, numbers ...int) *scimv1alpha1.ScimGroupMembers {
	slice := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{
		Namespace: "team", Name: name, Labels: map[string]string{"team": "x"},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "scim.kubescim.dev/v1alpha1", Kind: "ScimGroup", Name: idOf(99), UID: "u"}},
	}}
	slice.Spec.TenantRef.Name, slice.Spec.GroupRef.Name = "acme", idOf(99)
	slice.Spec.Members, _ = codec.MemberLists(members(numbers...))
	return slice
}

// writerOver is a writer for a group with these slices, over calls that may fail.
func writerOver(t *testing.T, calls interceptor.Funcs, slices ...*scimv1alpha1.ScimGroupMembers) *Writer {
	t.Helper()
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	builder := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(calls)
	for _, slice := range slices {
		builder = builder.WithObjects(slice)
	}
	return &Writer{
		Client: builder.Build(), Tenant: client.ObjectKey{Namespace: "team", Name: "acme"}, Group: idOf(99),
		By:   codec.Writer{Actor: store.Actor{KeyID: "key", RequestID: "request"}, Owner: "scim/key"},
		Full: 4, Few: 2, Exists: func(context.Context) error { return nil },
	}
}

// listed is what each slice lists; one that is new has the name "new".
func listed(t *testing.T, w *Writer, known ...string) map[string][]index.Member {
	t.Helper()
	g := NewWithT(t)
	list := &scimv1alpha1.ScimGroupMembersList{}
	g.Expect(w.Client.List(context.Background(), list)).To(Succeed())
	found := map[string][]index.Member{}
	for _, slice := range list.Items {
		name := "new"
		for _, each := range known {
			if slice.Name == each {
				name = each
			}
		}
		g.Expect(slice.Spec.MemberCount == nil || int(*slice.Spec.MemberCount) == len(slice.Spec.Members)).To(BeTrue())
		found[name] = append(found[name], codec.MembersOf(slice.Spec.Members, nil)...)
	}
	return found
}

func TestAdd(t *testing.T) {
	entries := func(slices ...*scimv1alpha1.ScimGroupMembers) (there []*index.Slice) {
		for _, slice := range slices {
			there = append(there, &index.Slice{Name: slice.Name, Members: codec.MembersOf(slice.Spec.Members, nil)})
		}
		return there
	}
	for name, c := range map[string]struct {
		there   []*scimv1alpha1.ScimGroupMembers
		add     []index.Member
		want    map[string][]index.Member
		changes int64
	}{
		"one, and there is no slice":             {nil, members(1), map[string][]index.Member{"new": members(1)}, 1},
		"one, into a slice with few":             {[]*scimv1alpha1.ScimGroupMembers{sliceWith("a", 1)}, members(2), map[string][]index.Member{"a": members(1, 2)}, 1},
		"one, and the slice has more than a few": {[]*scimv1alpha1.ScimGroupMembers{sliceWith("a", 1, 2)}, members(3), map[string][]index.Member{"a": members(1, 2), "new": members(3)}, 1},
		"many fill a slice up":                   {[]*scimv1alpha1.ScimGroupMembers{sliceWith("a", 1, 2)}, members(3, 4, 5), map[string][]index.Member{"a": members(1, 2, 3, 4), "new": members(5)}, 2},
		"one who is there already":               {[]*scimv1alpha1.ScimGroupMembers{sliceWith("a", 1)}, members(1), map[string][]index.Member{"a": members(1)}, 0},
		"nobody":                                 {[]*scimv1alpha1.ScimGroupMembers{sliceWith("a", 1)}, nil, map[string][]index.Member{"a": members(1)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := writerOver(t, interceptor.Funcs{}, c.there...)
			g.Expect(w.Add(context.Background(), c.add, entries(c.there...))).To(Succeed())
			g.Expect(listed(t, w, "a")).To(Equal(c.want))
			g.Expect(w.Changes).To(Equal(c.changes))
			g.Expect(w.Begun).To(Equal(c.changes > 0))
			g.Expect(w.Latest.IsZero()).To(Equal(c.changes == 0))
		})
	}
	t.Run("more than a slice has room for", func(t *testing.T) {
		g := NewWithT(t)
		w := writerOver(t, interceptor.Funcs{})
		g.Expect(w.Add(context.Background(), members(1, 2, 3, 4, 5, 6, 7, 8, 9), nil)).To(Succeed())
		list := &scimv1alpha1.ScimGroupMembersList{}
		g.Expect(w.Client.List(context.Background(), list)).To(Succeed())
		g.Expect(list.Items).To(HaveLen(3))
		for _, slice := range list.Items {
			g.Expect(len(slice.Spec.Members)).To(BeNumerically("<=", w.Full))
			g.Expect(slice.Name).To(HavePrefix(idOf(99) + "-"))
		}
		g.Expect(listed(t, w)["new"]).To(ConsistOf(members(1, 2, 3, 4, 5, 6, 7, 8, 9)))
	})
	t.Run("to a group that is gone", func(t *testing.T) {
		g := NewWithT(t)
		gone := errors.New("there is no such group")
		w := writerOver(t, interceptor.Funcs{})
		w.Exists = func(context.Context) error { return gone }
		g.Expect(w.Add(context.Background(), members(1), nil)).To(MatchError(gone))
		g.Expect(listed(t, w)).To(BeEmpty())
		g.Expect(w.Begun).To(BeFalse())
	})
}

func TestRemove(t *testing.T) {
	g := NewWithT(t)
	w := writerOver(t, interceptor.Funcs{}, sliceWith("a", 1, 2), sliceWith("b", 2, 3))
	g.Expect(w.Remove(context.Background(), map[string][]index.Member{"a": members(2), "b": members(2, 3)})).To(Succeed())
	g.Expect(listed(t, w, "a", "b")).To(Equal(map[string][]index.Member{"a": members(1), "b": nil}), "an empty slice stays")
	g.Expect(w.Changes).To(BeEquivalentTo(2))

	slice := &scimv1alpha1.ScimGroupMembers{}
	g.Expect(w.Client.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: "a"}, slice)).To(Succeed())
	g.Expect(slice.OwnerReferences).To(BeEmpty())
	g.Expect(slice.Labels).To(Equal(map[string]string{"team": "x", scimv1alpha1.LabelTenant: "acme", scimv1alpha1.LabelGroup: idOf(99)}))
	g.Expect(slice.Spec.Meta.RequestID).To(Equal("request"))
	written := w.Written

	again := writerOver(t, interceptor.Funcs{}, slice)
	g.Expect(again.Remove(context.Background(), map[string][]index.Member{"a": members(2)})).To(Succeed())
	g.Expect(again.Changes).To(BeZero())
	g.Expect(again.Begun).To(BeFalse())
	g.Expect(again.Written).NotTo(BeZero(), "what was found as it should be rests on a revision")
	g.Expect(written).NotTo(BeZero())
}

// Which answers are tried again, and what is known afterwards.
func TestWritesThatFail(t *testing.T) {
	of := schema.GroupResource{Group: "scim.kubescim.dev", Resource: "scimgroupmembers"}
	lost := errors.New("the connection broke")
	for name, c := range map[string]struct {
		answers []error // to the first updates; those after them succeed
		made    bool    // although the answer is an error
		status  int
		begun   bool
	}{
		"a conflict":                    {[]error{apierrors.NewConflict(of, "a", lost)}, false, 0, true},
		"an answer that got lost":       {[]error{lost}, false, 0, true},
		"one that got lost, but wrote":  {[]error{lost}, true, 0, true},
		"a quota":                       {[]error{apierrors.NewForbidden(of, "a", errors.New("exceeded quota: x"))}, false, http.StatusServiceUnavailable, false},
		"too large":                     {[]error{apierrors.NewRequestEntityTooLargeError("x")}, false, http.StatusRequestEntityTooLarge, false},
		"two conflicts, then a refusal": {[]error{apierrors.NewConflict(of, "a", lost), apierrors.NewConflict(of, "a", lost), apierrors.NewRequestEntityTooLargeError("x")}, false, http.StatusRequestEntityTooLarge, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			answers := c.answers
			w := writerOver(t, interceptor.Funcs{Update: func(ctx context.Context, live client.WithWatch, object client.Object, options ...client.UpdateOption) error {
				if len(answers) == 0 {
					return live.Update(ctx, object, options...)
				}
				answer := answers[0]
				answers = answers[1:]
				if c.made {
					g.Expect(live.Update(ctx, object.DeepCopyObject().(client.Object), options...)).To(Succeed())
				}
				return answer
			}}, sliceWith("a", 1, 2))
			err := w.Remove(context.Background(), map[string][]index.Member{"a": members(2)})
			if c.status == 0 {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(listed(t, w, "a")).To(Equal(map[string][]index.Member{"a": members(1)}))
			} else {
				g.Expect(failure.Status(err)).To(Equal(c.status))
				g.Expect(listed(t, w, "a")).To(Equal(map[string][]index.Member{"a": members(1, 2)}))
			}
			g.Expect(w.Begun).To(Equal(c.begun))
		})
	}
	t.Run("nothing is written without evidence", func(t *testing.T) {
		g := NewWithT(t)
		none := errors.New("the member exists")
		w := writerOver(t, interceptor.Funcs{}, sliceWith("a", 1, 2))
		w.Evidence = func(context.Context) error { return none }
		g.Expect(w.Remove(context.Background(), map[string][]index.Member{"a": members(2)})).To(MatchError(none))
		g.Expect(listed(t, w, "a")).To(Equal(map[string][]index.Member{"a": members(1, 2)}))
	})
	t.Run("a slice that is gone", func(t *testing.T) {
		g := NewWithT(t)
		w := writerOver(t, interceptor.Funcs{})
		err := w.Remove(context.Background(), map[string][]index.Member{"a": members(2)})
		g.Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable), "somebody deleted it by hand; the group is there")
		w.Exists = func(context.Context) error { return store.NotFound(group(t).Type(), idOf(99)) }
		err = w.Remove(context.Background(), map[string][]index.Member{"a": members(2)})
		g.Expect(failure.Status(err)).To(Equal(http.StatusNotFound), "it has gone with its group")
	})
	t.Run("a slice that was created, of which the answer got lost", func(t *testing.T) {
		g := NewWithT(t)
		tries := 0
		w := writerOver(t, interceptor.Funcs{Create: func(ctx context.Context, live client.WithWatch, object client.Object, options ...client.CreateOption) error {
			err := live.Create(ctx, object, options...)
			if tries++; tries == 1 {
				return lost
			}
			return err
		}})
		g.Expect(w.Add(context.Background(), members(1), nil)).To(Succeed())
		g.Expect(listed(t, w)).To(Equal(map[string][]index.Member{"new": members(1)}), "there is one of it")
		g.Expect(tries).To(Equal(2))
		g.Expect(w.Written).NotTo(BeZero())
	})
}
