package kubernetes

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

var _ = Describe("Nothing is taken away without evidence", func() {
	var (
		namespace string
		s         *Store
		keeper    *upkeep.Upkeep
		recorder  *events.FakeRecorder
		policy    store.Policy
	)
	small := sizes{inline: 1, slice: 3}

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		replica, isStore := (&replicas{backend: backend{namespace: namespace}, sizes: small}).Replica().(*Store)
		Expect(isStore).To(BeTrue())
		s, recorder, policy = replica, events.NewFakeRecorder(20), store.Policy{}
		keeper = NewUpkeep(s, upkeep.Options{
			Policy: func() store.Policy { return policy }, Recorder: recorder,
			Log: slog.New(slog.NewTextHandler(GinkgoWriter, nil)),
		}, prometheus.NewRegistry())
	})

	create := func(ctx context.Context, userName string) string {
		GinkgoHelper()
		created, err := s.Create(ctx, newUser(userName), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		return created.ID()
	}
	group := func(ctx context.Context, members ...string) string {
		GinkgoHelper()
		created, err := s.Create(ctx, newGroup("Tour Guides", members...), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		return created.ID()
	}
	// listed are the members in the objects of a group, whether they exist or not.
	listed := func(ctx context.Context, group string) (members []string) {
		GinkgoHelper()
		object := &scimv1alpha1.ScimGroup{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: group}, object)).To(Succeed())
		slices := &scimv1alpha1.ScimGroupMembersList{}
		Expect(live.List(ctx, slices, client.InNamespace(namespace), client.MatchingLabels{scimv1alpha1.LabelGroup: group})).To(Succeed())
		all := object.Spec.Members
		for _, slice := range slices.Items {
			all = append(all, slice.Spec.Members...)
		}
		for _, id := range all {
			members = append(members, string(id))
		}
		return members
	}
	slicesOf := func(ctx context.Context) []scimv1alpha1.ScimGroupMembers {
		GinkgoHelper()
		list := &scimv1alpha1.ScimGroupMembersList{}
		Expect(live.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		return list.Items
	}
	user := func(ctx context.Context, id string) *scimv1alpha1.ScimUser {
		GinkgoHelper()
		object := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, object)).To(Succeed())
		return object
	}
	// restored puts an object back as a backup tool does.
	restored := func(ctx context.Context, object client.Object) {
		GinkgoHelper()
		object.SetResourceVersion("")
		object.SetUID("")
		Expect(live.Create(ctx, object)).To(Succeed())
	}
	inMemory := func(known bool, ids ...string) {
		GinkgoHelper()
		for _, id := range ids {
			Eventually(func() bool { return s.cache.Index().Knows(uuid.MustParse(id)) }).Should(Equal(known))
		}
	}

	Describe("The members of groups", func() {
		It("stay in it while users are put back after groups", func(ctx SpecContext) {
			ids := []string{create(ctx, "a@example.com"), create(ctx, "b@example.com"), create(ctx, "c@example.com")}
			id := group(ctx, ids...)
			var backup []*scimv1alpha1.ScimUser
			for _, id := range ids {
				backup = append(backup, user(ctx, id))
				Expect(live.Delete(ctx, user(ctx, id))).To(Succeed())
			}
			inMemory(false, ids...)
			for range 3 {
				Expect(keeper.Pass(ctx, true)).To(Succeed())
			}
			Expect(listed(ctx, id)).To(ConsistOf(ids))
			Expect(testutil.ToFloat64(keeper.Metrics.Absent)).To(BeEquivalentTo(3), "who looks can see it")
			Expect(recorder.Events).NotTo(Receive())
			for _, object := range backup {
				restored(ctx, object)
			}
			inMemory(true, ids...)
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			found, err := s.Get(ctx, registry.Group(), id, store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Members().IDs()).To(ConsistOf(ids))
			Expect(testutil.ToFloat64(keeper.Metrics.Absent)).To(BeZero())
		})

		It("leave it after they have been absent for long, a few at a time, and it is told", func(ctx SpecContext) {
			gone, stays := create(ctx, "a@example.com"), create(ctx, "b@example.com")
			id := group(ctx, stays, gone)
			Expect(live.Delete(ctx, user(ctx, gone))).To(Succeed())
			inMemory(false, gone)
			keeper.AbsenceAge = 0
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Expect(listed(ctx, id)).To(ConsistOf(stays))
			Expect(recorder.Events).To(Receive(And(ContainSubstring("MembersRemoved"), ContainSubstring(gone), Not(ContainSubstring("@")))))
			Expect(testutil.ToFloat64(keeper.Metrics.Left.WithLabelValues(upkeep.EvidenceAbsent))).To(BeEquivalentTo(1))
		})

		It("stay in it when memory has lost sight of them", func(ctx SpecContext) {
			member := create(ctx, "a@example.com")
			id := group(ctx, member)
			s.cache.Index().RemoveUser(uuid.MustParse(member)) // It could not be read.
			keeper.AbsenceAge = 0
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			Expect(listed(ctx, id)).To(ConsistOf(member))
		})

		for name, keep := range map[string]bool{"kept": true, "deleted for good": false} {
			It("leave it at once when somebody has deleted them, and the process died that was to do it: "+name, func(ctx SpecContext) {
				member := create(ctx, "a@example.com")
				id := group(ctx, create(ctx, "b@example.com"), member)
				halfDelete(ctx, s, registry.User(), member, keep)
				Eventually(func() int { return s.cache.Counts().Kept + s.cache.Counts().Markers }).Should(Equal(1))
				for _, reader := range []*Store{s, newStore(live, namespace)} {
					found, err := reader.Get(ctx, registry.Group(), id, store.View{})
					Expect(err).NotTo(HaveOccurred())
					Expect(found.Members().IDs()).NotTo(ContainElement(member), "nobody is shown it meanwhile")
				}
				Expect(listed(ctx, id)).To(ContainElement(member))
				Expect(keeper.Pass(ctx, false)).To(Succeed())
				Expect(listed(ctx, id)).NotTo(ContainElement(member))
				Expect(recorder.Events).To(Receive(ContainSubstring("MembersRemoved")))
			})
		}

		It("stay in it when the deletion of one is refused", func(ctx SpecContext) {
			member := create(ctx, "a@example.com")
			id := group(ctx, member)
			for name, refusal := range refusals {
				refused := newStore(scripted("update", answers(refusal), answers(refusal)), namespace)
				bounded, cancel := context.WithTimeout(ctx, time.Second)
				Expect(refused.Delete(bounded, registry.User(), member, store.DeleteOptions{})).NotTo(Succeed(), name)
				cancel()
				Expect(listed(ctx, id)).To(ConsistOf(member), name)
			}
		})

		It("stay in it when a late POST loses against one that has brought the user back", func(ctx SpecContext) {
			keep := store.Policy{KeepDeletedUsers: true}
			member := create(ctx, "a@example.com")
			id := group(ctx, create(ctx, "b@example.com"))
			Expect(s.Delete(ctx, registry.User(), member, store.DeleteOptions{Policy: keep})).To(Succeed())
			won := false
			late := newStore(interceptor.NewClient(live, interceptor.Funcs{
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if _, groups := list.(*scimv1alpha1.ScimGroupList); groups && !won {
						// The late one has found the kept user, and is about to take it out of its groups.
						won = true
						_, err := s.Create(ctx, newUser("a@example.com"), keep)
						Expect(err).NotTo(HaveOccurred())
						_, err = s.Update(ctx, registry.Group(), id, unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: member, Add: true}}})
						Expect(err).NotTo(HaveOccurred())
					}
					return c.List(ctx, list, opts...)
				},
			}), namespace)
			_, err := late.Create(ctx, newUser("a@example.com"), keep)
			Expect(failure.Status(err)).To(Equal(http.StatusConflict))
			Expect(listed(ctx, id)).To(ContainElement(member))
		})

		It("stay in it when the group becomes too large for its object", func(ctx SpecContext) {
			first := create(ctx, "a@example.com")
			id := group(ctx, first)
			others := []string{create(ctx, "b@example.com"), create(ctx, "c@example.com")}
			full := sized(newStore(interceptor.NewClient(live, interceptor.Funcs{
				Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
					if _, slice := obj.(*scimv1alpha1.ScimGroupMembers); slice {
						return refusals["a full quota"]
					}
					return c.Create(ctx, obj, opts...)
				},
			}), namespace), small)
			put := func(current *scim.Resource) (*scim.Resource, error) {
				next := current.Clone()
				next.SetMembers(newGroup("x", others[0], others[1], first).Members())
				return next, nil
			}
			_, err := full.Update(ctx, registry.Group(), id, put, store.UpdateOptions{})
			Expect(failure.Status(err)).To(Equal(http.StatusServiceUnavailable))
			Expect(listed(ctx, id)).To(ConsistOf(first))
			_, err = s.Update(ctx, registry.Group(), id, put, store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(listed(ctx, id)).To(ConsistOf(append(others, first)))
		})
	})

	Describe("The slices of groups", func() {
		It("belong to nothing that Kubernetes could take for gone, and go with their group", func(ctx SpecContext) {
			id := group(ctx, create(ctx, "a@example.com"), create(ctx, "b@example.com"))
			slices := slicesOf(ctx)
			Expect(slices).To(HaveLen(1))
			Expect(slices[0].OwnerReferences).To(BeEmpty())
			Expect(s.Delete(ctx, registry.Group(), id, store.DeleteOptions{})).To(Succeed())
			Expect(slicesOf(ctx)).To(BeEmpty())
		})

		It("lose the owner that they had once", func(ctx SpecContext) {
			group(ctx, create(ctx, "a@example.com"), create(ctx, "b@example.com"))
			slice := slicesOf(ctx)[0]
			slice.OwnerReferences = []metav1.OwnerReference{{
				APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimGroup", Name: slice.Spec.GroupRef.Name, UID: "of-another-cluster",
			}}
			Expect(live.Update(ctx, &slice)).To(Succeed())
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			Expect(slicesOf(ctx)[0].OwnerReferences).To(BeEmpty())
		})

		It("go when the process died that was to delete their group", func(ctx SpecContext) {
			id := group(ctx, create(ctx, "a@example.com"), create(ctx, "b@example.com"))
			halfDelete(ctx, s, registry.Group(), id, false)
			Eventually(func() int { return s.cache.Counts().Markers }).Should(Equal(1))
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Expect(slicesOf(ctx)).To(BeEmpty())
		})

		It("stay when they are put back before their group, until that has been absent for long", func(ctx SpecContext) {
			members := []string{create(ctx, "a@example.com"), create(ctx, "b@example.com")}
			id := group(ctx, members...)
			backup := &scimv1alpha1.ScimGroup{}
			Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, backup)).To(Succeed())
			Expect(live.Delete(ctx, backup.DeepCopy())).To(Succeed())
			inMemory(false, id)
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			Expect(slicesOf(ctx)).To(HaveLen(1))
			restored(ctx, backup)
			inMemory(true, id)
			found, err := s.Get(ctx, registry.Group(), id, store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Members().IDs()).To(ConsistOf(members))
			Expect(live.Delete(ctx, backup)).To(Succeed())
			inMemory(false, id)
			keeper.AbsenceAge = 0
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			Expect(slicesOf(ctx)).To(BeEmpty())
			Expect(testutil.ToFloat64(keeper.Metrics.Left.WithLabelValues(upkeep.EvidenceAbsent))).To(BeEquivalentTo(len(members)), "who looks can see it")
		})

		It("stay when their group is put back just when they are about to go", func(ctx SpecContext) {
			id := group(ctx, create(ctx, "a@example.com"), create(ctx, "b@example.com"))
			backup := &scimv1alpha1.ScimGroup{}
			Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, backup)).To(Succeed())
			Expect(live.Delete(ctx, backup.DeepCopy())).To(Succeed())
			inMemory(false, id)
			back := false
			s.use(interceptor.NewClient(live, interceptor.Funcs{
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if _, slices := list.(*scimv1alpha1.ScimGroupMembersList); slices && !back {
						back = true
						restored(ctx, backup)
					}
					return c.List(ctx, list, opts...)
				},
			}))
			keeper.AbsenceAge = 0
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Expect(back).To(BeTrue())
			Expect(slicesOf(ctx)).NotTo(BeEmpty())
		})

		It("are not told to have gone with a group that had none", func(ctx SpecContext) {
			var log bytes.Buffer
			keeper.Log = slog.New(slog.NewTextHandler(&log, nil))
			halfDelete(ctx, s, registry.Group(), group(ctx), false)
			Eventually(func() int { return s.cache.Counts().Markers }).Should(Equal(1))
			keeper.MarkerAge = 0
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Eventually(func() int { return s.cache.Counts().Markers }).Should(BeZero())
			Expect(log.String()).To(BeEmpty())
		})

		It("count for what a client is told, also when they were as wanted already", func(ctx SpecContext) {
			id := group(ctx, create(ctx, "a@example.com"), create(ctx, "b@example.com"))
			full := slicesOf(ctx)[0]
			member := create(ctx, "c@example.com")
			// Another replica has added the member, which this one's memory does not show.
			w := &slice.Writer{
				Client: live, Tenant: s.tenant, Group: id, Tag: codec.PlaceOf(&full).Tag, By: codec.WriterOf(ctx),
				Full: small.slice, Exists: func(context.Context) error { return nil },
			}
			full.Spec.Members = append(full.Spec.Members, scimv1alpha1.MemberID(member))
			full.Spec.MemberCount = ptr.To(*full.Spec.MemberCount + 1)
			Expect(live.Update(ctx, &full)).To(Succeed())
			Expect(w.Apply(ctx, &slice.Plan{Add: codec.MembersOf([]scimv1alpha1.MemberID{scimv1alpha1.MemberID(member)}, nil)}, nil)).To(Succeed())
			Expect(w.Changes).To(BeZero())
			Expect(w.Written).To(BeNumerically(">=", codec.RevisionOf(&full)), "the mark of this replica covers it")
		})
	})

	Describe("Kept users", func() {
		It("stay whatever their name is", func(ctx SpecContext) {
			id := create(ctx, "deleted-user@example.com")
			Expect(s.Delete(ctx, registry.User(), id, store.DeleteOptions{Policy: store.Policy{KeepDeletedUsers: true}})).To(Succeed())
			inMemory(true, id)
			Eventually(func() int { return s.cache.Counts().Kept }).Should(Equal(1))
			keeper.MarkerAge = 0
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Expect(user(ctx, id).Spec.UserName).To(Equal("deleted-user@example.com"))
		})

		It("stay when nobody has said when they were deleted", func(ctx SpecContext) {
			id := create(ctx, "a@example.com")
			object := user(ctx, id)
			object.Labels[scimv1alpha1.LabelDeleted] = "true"
			Expect(live.Update(ctx, object)).To(Succeed())
			Eventually(func() int { return s.cache.Counts().Kept }).Should(Equal(1))
			policy.Retention = ptr.To(time.Hour)
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Expect(user(ctx, id)).NotTo(BeNil())
		})

		It("keep the name that they have when they lose another one", func(ctx SpecContext) {
			keep := store.Policy{KeepDeletedUsers: true}
			id := create(ctx, "a@example.com")
			Expect(s.Delete(ctx, registry.User(), id, store.DeleteOptions{Policy: keep})).To(Succeed())
			// A rename of the user whose process died has left a claim.
			_, err := s.claims.Create(ctx, registry.User(), "b@example.com", id)
			Expect(err).NotTo(HaveOccurred())
			Expect(create(ctx, "b@example.com")).NotTo(Equal(id))
			back, err := s.Create(ctx, newUser("a@example.com"), keep)
			Expect(err).NotTo(HaveOccurred())
			Expect(back.ID()).To(Equal(id))
		})
	})

	It("counts markers for no limit", func(ctx SpecContext) {
		halfDelete(ctx, s, registry.User(), create(ctx, "a@example.com"), false)
		for _, each := range []*Store{s, newStore(live, namespace)} {
			created, err := each.Create(ctx, newUser("b@example.com"), store.Policy{ObjectLimit: 1})
			Expect(err).NotTo(HaveOccurred())
			Expect(each.Delete(ctx, registry.User(), created.ID(), store.DeleteOptions{})).To(Succeed())
		}
	})
})

// unchanged changes nothing but the members that go with it.
func unchanged(current *scim.Resource) (*scim.Resource, error) { return current, nil }

func newGroup(displayName string, members ...string) *scim.Resource {
	values := make([]any, 0, len(members))
	for _, id := range members {
		values = append(values, scim.Complex{"value": id})
	}
	return scim.NewResource(registry.Group(), scim.Complex{"displayName": displayName, "members": values})
}
