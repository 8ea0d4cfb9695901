package slice

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/uuid"
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
		By:  codec.Writer{Actor: store.Actor{KeyID: "key", RequestID: "request"}, Owner: "scim/key"},
		Tag: "tag", Full: 4, Exists: func(context.Context) error { return nil },
	}
}

// listed is what each slice lists.
func listed(t *testing.T, w *Writer) map[string][]index.Member {
	t.Helper()
	g := NewWithT(t)
	list := &scimv1alpha1.ScimGroupMembersList{}
	g.Expect(w.Client.List(context.Background(), list)).To(Succeed())
	found := map[string][]index.Member{}
	for _, slice := range list.Items {
		g.Expect(slice.Spec.MemberCount == nil || int(*slice.Spec.MemberCount) == len(slice.Spec.Members)).To(BeTrue())
		found[slice.Name] = append(found[slice.Name], codec.MembersOf(slice.Spec.Members, nil)...)
	}
	return found
}

// entries are slices as memory has them.
func entries(slices ...*scimv1alpha1.ScimGroupMembers) (there []*index.Slice) {
	for _, slice := range slices {
		there = append(there, codec.SliceEntry(uuid.MustParse(idOf(99)), slice))
	}
	return there
}

// The lowest bit of the hash of an id is that of its number here.
func TestApply(t *testing.T) {
	zero, one := codec.SliceName(idOf(99), "tag", 0), codec.SliceName(idOf(99), "tag", 1)
	deep := sliceWith(zero, 2, 4)
	codec.SetDepth(deep, 1)
	for name, c := range map[string]struct {
		there []*scimv1alpha1.ScimGroupMembers
		plan  Plan
		want  map[string][]index.Member
		begun bool
	}{
		"one, and there is no slice":         {nil, Plan{Add: members(2)}, map[string][]index.Member{zero: members(2)}, true},
		"one, into a slice with room":        {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2)}, Plan{Add: members(1)}, map[string][]index.Member{zero: members(2, 1)}, true},
		"one into a slice without room":      {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2, 4, 1, 3)}, Plan{Add: members(5)}, map[string][]index.Member{zero: members(2, 4, 1, 3), one: members(5)}, true},
		"one who stays in a full one":        {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2, 4, 1, 3)}, Plan{Add: members(6)}, map[string][]index.Member{zero: members(2, 4, 1, 3, 6)}, true},
		"one of the other half":              {[]*scimv1alpha1.ScimGroupMembers{deep}, Plan{Add: members(1)}, map[string][]index.Member{zero: members(2, 4), one: members(1)}, true},
		"one who is there already":           {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2)}, Plan{Add: members(2)}, map[string][]index.Member{zero: members(2)}, false},
		"nobody":                             {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2)}, Plan{}, map[string][]index.Member{zero: members(2)}, false},
		"one goes":                           {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2, 1)}, Plan{Leave: ids(1)}, map[string][]index.Member{zero: members(2)}, true},
		"the last one goes, the slice stays": {[]*scimv1alpha1.ScimGroupMembers{sliceWith(zero, 2)}, Plan{Leave: ids(2)}, map[string][]index.Member{zero: nil}, true},
		"a stray goes":                       {[]*scimv1alpha1.ScimGroupMembers{sliceWith("a", 1, 3), sliceWith(zero, 1)}, Plan{Leave: ids(1), Strays: map[string][]uuid.UUID{"a": ids(1)}}, map[string][]index.Member{"a": members(3), zero: nil}, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := writerOver(t, interceptor.Funcs{}, c.there...)
			g.Expect(w.Apply(context.Background(), &c.plan, entries(c.there...))).To(Succeed())
			g.Expect(listed(t, w)).To(Equal(c.want))
			g.Expect(w.Begun).To(Equal(c.begun))
			g.Expect(w.Latest.IsZero()).To(Equal(!c.begun))
			if c.begun || len(c.plan.Add) > 0 {
				g.Expect(w.Written).NotTo(BeZero(), "what was found as it should be rests on a revision, too")
			}
		})
	}
	t.Run("nobody, in a slice that has to be made so that who is on the way to it does not come", func(t *testing.T) {
		g := NewWithT(t)
		w := writerOver(t, interceptor.Funcs{}, deep)
		g.Expect(w.Apply(context.Background(), &Plan{Leave: ids(1)}, entries(deep))).To(Succeed())
		g.Expect(listed(t, w)).To(Equal(map[string][]index.Member{zero: members(2, 4), one: nil}))
		g.Expect(w.Begun).To(BeTrue())
		g.Expect(w.Listed).To(BeFalse())
		g.Expect(w.Changes).To(BeZero())
		g.Expect(w.Latest).To(BeZero(), "for a client, nothing has changed")
		made := &scimv1alpha1.ScimGroupMembers{}
		g.Expect(w.Client.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: one}, made)).To(Succeed())
		made.Generation = 1 // As the API server has it.
		g.Expect(codec.SliceEntry(uuid.MustParse(idOf(99)), made)).To(And(HaveField("Generation", BeZero()), HaveField("Modified", BeZero())))
		made.Generation = 2
		g.Expect(codec.SliceEntry(uuid.MustParse(idOf(99)), made)).To(And(HaveField("Generation", BeEquivalentTo(1)), HaveField("Modified", Not(BeZero()))))
	})
	t.Run("more than a slice has room for", func(t *testing.T) {
		g := NewWithT(t)
		w := writerOver(t, interceptor.Funcs{})
		var everybody []index.Member
		for n := range 200 {
			everybody = append(everybody, members(n)...)
		}
		g.Expect(w.Apply(context.Background(), &Plan{Add: everybody}, nil)).To(Succeed())
		var all []index.Member
		for _, in := range listed(t, w) {
			g.Expect(len(in)).To(BeNumerically("<=", w.Full))
			all = append(all, in...)
		}
		g.Expect(all).To(ConsistOf(everybody))
	})
	t.Run("to a group that is gone", func(t *testing.T) {
		g := NewWithT(t)
		gone := errors.New("there is no such group")
		w := writerOver(t, interceptor.Funcs{})
		w.Exists = func(context.Context) error { return gone }
		g.Expect(w.Apply(context.Background(), &Plan{Add: members(1)}, nil)).To(MatchError(gone))
		g.Expect(listed(t, w)).To(BeEmpty())
		g.Expect(w.Begun).To(BeFalse())
	})
	t.Run("with the labels of a slice", func(t *testing.T) {
		g := NewWithT(t)
		w := writerOver(t, interceptor.Funcs{}, sliceWith(zero, 2))
		g.Expect(w.Apply(context.Background(), &Plan{Add: members(1)}, nil)).To(Succeed())
		slice := &scimv1alpha1.ScimGroupMembers{}
		g.Expect(w.Client.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: zero}, slice)).To(Succeed())
		g.Expect(slice.OwnerReferences).To(BeEmpty())
		g.Expect(slice.Labels).To(Equal(map[string]string{"team": "x", scimv1alpha1.LabelTenant: "acme", scimv1alpha1.LabelGroup: idOf(99)}))
		g.Expect(slice.Spec.Meta.RequestID).To(Equal("request"))
	})
}

// Which answers are tried again, and what is known afterwards.
func TestWritesThatFail(t *testing.T) {
	of := schema.GroupResource{Group: "scim.kubescim.dev", Resource: "scimgroupmembers"}
	lost, zero := errors.New("the connection broke"), codec.SliceName(idOf(99), "tag", 0)
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
			}}, sliceWith(zero, 1, 2))
			err := w.Apply(context.Background(), &Plan{Leave: ids(2)}, nil)
			if c.status == 0 {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(listed(t, w)).To(Equal(map[string][]index.Member{zero: members(1)}))
			} else {
				g.Expect(failure.Status(err)).To(Equal(c.status))
				g.Expect(listed(t, w)).To(Equal(map[string][]index.Member{zero: members(1, 2)}))
			}
			g.Expect(w.Begun).To(Equal(c.begun))
		})
	}
	t.Run("nothing is written without evidence", func(t *testing.T) {
		g := NewWithT(t)
		none := errors.New("the member exists")
		w := writerOver(t, interceptor.Funcs{}, sliceWith(zero, 1, 2))
		w.Evidence = func(context.Context) error { return none }
		g.Expect(w.Apply(context.Background(), &Plan{Leave: ids(2)}, nil)).To(MatchError(none))
		g.Expect(listed(t, w)).To(Equal(map[string][]index.Member{zero: members(1, 2)}))
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
		g.Expect(w.Apply(context.Background(), &Plan{Add: members(1)}, nil)).To(Succeed())
		g.Expect(listed(t, w)).To(Equal(map[string][]index.Member{zero: members(1)}), "there is one of it")
		g.Expect(tries).To(Equal(1))
		g.Expect(w.Written).NotTo(BeZero())
	})
}
