package kubernetes

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// beside is a replica beside which one of the release before is alive.
type beside struct{ Members }

// AllFence implements Members.
func (beside) AllFence(context.Context) (bool, error) { return false, nil }

var _ = Describe("A group as the release before has written it", func() {
	var (
		at     *scene
		keeper *upkeep.Upkeep
		people []string
		now    time.Time
	)
	BeforeEach(func(ctx SpecContext) {
		at, people, now = newScene(ctx), nil, time.Now()
		sized(at.reader, sizes{inline: 2, slice: 3})
		keeper = NewUpkeep(at.reader, upkeep.Options{
			Policy: func() store.Policy { return store.Policy{} }, Recorder: events.NewFakeRecorder(20), Log: slog.New(slog.NewTextHandler(GinkgoWriter, nil)),
		}, prometheus.NewRegistry())
		keeper.Now = func() time.Time { return now }
		for n := range 9 {
			people = append(people, at.create(ctx, "user"+strconv.Itoa(n)+"@example.com"))
		}
	})
	// groupOf makes a group with some members in its own object and the others in slices.
	groupOf := func(ctx context.Context, inline int, slices ...[]string) (id string) {
		GinkgoHelper()
		former := sized(newStore(live, at.namespace), sizes{inline: 9, slice: 9})
		made, err := former.Create(ctx, newGroup("Tour Guides", people[:inline]...), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		group := &scimv1alpha1.ScimGroup{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: made.ID()}, group)).To(Succeed())
		if len(slices) > 0 {
			codec.MarkSliced(group)
			Expect(live.Update(ctx, group)).To(Succeed())
		}
		for n, members := range slices {
			slice := &scimv1alpha1.ScimGroupMembers{}
			slice.Namespace, slice.Name = at.namespace, made.ID()+"-bcdfghjkl"+strconv.Itoa(n)
			slice.Labels = map[string]string{scimv1alpha1.LabelTenant: "acme", scimv1alpha1.LabelGroup: made.ID()}
			slice.Spec.TenantRef.Name, slice.Spec.GroupRef.Name, slice.Spec.Meta = "acme", made.ID(), group.Spec.Meta
			for _, member := range members {
				slice.Spec.Members = append(slice.Spec.Members, scimv1alpha1.MemberID(member))
			}
			slice.Spec.MemberCount = ptr.To(int32(len(members)))
			Expect(live.Create(ctx, slice)).To(Succeed())
		}
		Eventually(func() []int {
			counts := at.reader.cache.Counts()
			return []int{counts.Groups, counts.Slices}
		}).Should(Equal([]int{1, len(slices)}), "nobody has told of them")
		return made.ID()
	}
	read := func(ctx context.Context, s *Store, id string) *scim.Resource {
		GinkgoHelper()
		found, err := s.Get(ctx, registry.Group(), id, store.View{})
		Expect(err).NotTo(HaveOccurred())
		return found
	}
	strays := func(ctx context.Context) (left int) {
		GinkgoHelper()
		Eventually(at.synced(ctx)).Should(Succeed())
		members := at.reader.cache.Index().Members()
		return len(members.Strayed()) + len(members.Inline(2))
	}
	// settle lets the upkeep go on until all is where it is to be.
	settle := func(ctx context.Context, id string, want []string) {
		GinkgoHelper()
		modified := read(ctx, at.reader, id).Meta().LastModified
		for range 12 {
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			for _, s := range []*Store{at.reader, newStore(live, at.namespace)} {
				Expect(read(ctx, s, id).Members().IDs()).To(ConsistOf(want), "also in between")
			}
			if strays(ctx) == 0 {
				break
			}
			now = now.Add(time.Minute)
		}
		Expect(strays(ctx)).To(BeZero())
		Expect(read(ctx, at.reader, id).Meta().LastModified).To(Equal(modified), "nothing has changed for a client")
		group := &scimv1alpha1.ScimGroup{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, group)).To(Succeed())
		Expect(group.Spec.Members).To(BeEmpty())
		slices := &scimv1alpha1.ScimGroupMembersList{}
		Expect(live.List(ctx, slices, client.InNamespace(at.namespace), codec.OfGroup("acme", id))).To(Succeed())
		var listed []string
		for _, slice := range slices.Items {
			Expect(len(slice.Spec.Members)).To(BeNumerically("<=", 3))
			for _, member := range slice.Spec.Members {
				listed = append(listed, string(member))
			}
		}
		Expect(listed).To(ConsistOf(want), "each once")
	}

	It("is moved to slices of this one", func(ctx SpecContext) {
		id := groupOf(ctx, 3, people[3:7], people[6:9])
		settle(ctx, id, people)
	})

	It("is moved to slices when it was in one object", func(ctx SpecContext) {
		id := groupOf(ctx, 9)
		settle(ctx, id, people)
	})

	It("is changed before anything is moved, and after", func(ctx SpecContext) {
		id := groupOf(ctx, 3, people[3:7], people[6:8])
		change := func(changes ...scim.MemberChange) {
			GinkgoHelper()
			_, err := at.reader.Update(ctx, registry.Group(), id, unchanged, store.UpdateOptions{Members: changes})
			Expect(err).NotTo(HaveOccurred())
		}
		change(scim.MemberChange{ID: people[6]}, scim.MemberChange{ID: people[0]}, scim.MemberChange{ID: people[8], Add: true})
		want := append(append([]string{}, people[1:6]...), people[7], people[8])
		Expect(read(ctx, at.reader, id).Members().IDs()).To(ConsistOf(want))
		settle(ctx, id, want)
		change(scim.MemberChange{ID: people[0], Add: true}, scim.MemberChange{ID: people[6], Add: true})
		settle(ctx, id, people)
	})

	It("stays as it is beside a pod of that release, and can be changed all the same", func(ctx SpecContext) {
		at.reader.members = beside{at.reader.members}
		id := groupOf(ctx, 3, people[3:8])
		before := strays(ctx)
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Expect(strays(ctx)).To(Equal(before))
		_, err := at.reader.Update(ctx, registry.Group(), id, unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: people[8], Add: true}, {ID: people[4]}}})
		Expect(err).NotTo(HaveOccurred())
		Expect(read(ctx, at.reader, id).Members().IDs()).To(ConsistOf(append(append([]string{}, people[:4]...), people[5:]...)))
	})

	It("keeps those in its own object until every reader must know where they are", func(ctx SpecContext) {
		id := groupOf(ctx, 9)
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		for range 3 {
			Eventually(at.synced(ctx)).Should(Succeed())
			Expect(keeper.Pass(ctx, false)).To(Succeed())
		}
		Expect(at.reader.cache.Index().Members().Inline(2)).To(ConsistOf(HaveField("Copied", true)))
		group := &scimv1alpha1.ScimGroup{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, group)).To(Succeed())
		Expect(group.Spec.Members).To(HaveLen(9))
	})
})
