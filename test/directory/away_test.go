package directory

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/directory"
	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// known selects those that SCIM knows.
var known = func() labels.Selector {
	without, err := labels.NewRequirement(scimv1alpha1.LabelDeleted, selection.DoesNotExist, nil)
	if err != nil {
		panic(err)
	}
	return labels.NewSelector().Add(*without)
}()

// whileRunning does something while a program in this process keeps the system in step.
func (s *system) whileRunning(ctx context.Context, t *tenant, do func()) {
	GinkgoHelper()
	running, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		defer GinkgoRecover()
		Expect(s.run(running, config, t.namespace, func() error { return nil })).To(Succeed())
	})
	do()
	stop()
	ended.Wait()
}

var _ = Describe("A directory", func() {
	DescribeTable("has all compared", func(ctx SpecContext, age func(ctx context.Context, t *tenant, cursor map[string]any)) {
		t := newTenant(ctx)
		s, err := newSystem(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		t.user(ctx, "ada@example.com")
		goes := t.user(ctx, "grace@example.com")
		s.whileRunning(ctx, t, func() { s.agrees(ctx, t) })
		Expect(s.lines("resyncs")).To(Equal(1), "it had no cursor")
		s.whileRunning(ctx, t, func() { s.agrees(ctx, t) })
		Expect(s.lines("resyncs")).To(Equal(1), "it was away for a moment")

		Expect(t.delete(ctx, registry.User(), goes)).To(Succeed())
		text, err := os.ReadFile(s.cursor())
		Expect(err).NotTo(HaveOccurred())
		cursor := map[string]any{}
		Expect(json.Unmarshal(text, &cursor)).To(Succeed())
		age(ctx, t, cursor)
		text, err = json.Marshal(cursor)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(s.cursor(), text, 0o600)).To(Succeed())
		s.whileRunning(ctx, t, func() { s.agrees(ctx, t) })
		Expect(s.lines("resyncs")).To(Equal(2))
	},
		Entry("when it was away for longer than markers stay", func(ctx context.Context, t *tenant, cursor map[string]any) {
			t.erase(ctx)
			cursor["time"] = time.Now().Add(-7 * 24 * time.Hour)
		}),
		Entry("when there are as many markers as may stay", func(_ context.Context, _ *tenant, cursor map[string]any) { cursor["most"] = 1 }),
		Entry("when markers stayed for less long than now", func(_ context.Context, _ *tenant, cursor map[string]any) { cursor["stay"] = 0 }),
		Entry("when the tenant is another one", func(ctx context.Context, t *tenant, _ map[string]any) {
			Expect(live.DeleteAllOf(ctx, &scimv1alpha1.ScimTenant{}, client.InNamespace(t.namespace))).To(Succeed())
			t.erase(ctx)
			t.apply(ctx)
		}),
		Entry("when the tenant is gone", func(ctx context.Context, t *tenant, _ map[string]any) {
			Expect(live.DeleteAllOf(ctx, &scimv1alpha1.ScimTenant{}, client.InNamespace(t.namespace))).To(Succeed())
			t.erase(ctx)
		}),
		Entry("when etcd is older than before", func(ctx context.Context, t *tenant, cursor map[string]any) {
			t.erase(ctx)
			cursor["revisions"] = []uint64{1 << 40, 1 << 40, 1 << 40}
		}),
	)

	It("finds users and groups, and says what they were before", func(ctx SpecContext) {
		t := newTenant(ctx)
		ada, grace := t.user(ctx, "Ada@example.com"), t.user(ctx, "grace@example.com")
		group := t.group(ctx, "Engineers", ada)
		Expect(live.Create(ctx, &scimv1alpha1.ScimGroupMembers{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: group + "-more"},
			Spec: scimv1alpha1.ScimGroupMembersSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, GroupRef: scimv1alpha1.GroupReference{Name: group},
				MemberCount: ptr.To[int32](2),
				Members:     []scimv1alpha1.MemberID{scimv1alpha1.MemberID(ada), scimv1alpha1.MemberID(grace)},
				Meta:        scimv1alpha1.ResourceMeta{CreatedTime: metav1.NowMicro(), LastModifiedTime: metav1.NowMicro()},
			},
		})).To(Succeed())
		changes := make(chan directory.Change[scimv1alpha1.ScimUser], 100)
		d, err := directory.New(directory.Options{
			Config: config, Namespace: t.namespace, Tenant: "acme", Cursor: directory.File(GinkgoT().TempDir() + "/cursor"),
			OnUser: func(_ context.Context, change directory.Change[scimv1alpha1.ScimUser]) error {
				changes <- change
				return nil
			},
			Resync: func(context.Context, directory.IDs) error { return nil },
		})
		Expect(err).NotTo(HaveOccurred())
		running, stop := context.WithCancel(ctx)
		var ended sync.WaitGroup
		ended.Go(func() {
			defer GinkgoRecover()
			Expect(d.Run(running)).To(Succeed())
		})
		defer ended.Wait()
		defer stop()
		Eventually(d.Synced()).Should(BeClosed())
		Expect(d.UserByName("ADA@EXAMPLE.COM")).To(HaveField("Name", ada))
		Expect(d.UsersByEmail("GRACE@example.com")).To(HaveExactElements(HaveField("Name", grace)))
		Expect(d.GroupByName("engineers")).To(HaveField("ID", group))
		Expect(d.Members(group)).To(ConsistOf(d.User(ada), d.User(grace)))
		Expect(d.User(group)).To(BeNil())
		for range 2 {
			Eventually(changes).Should(Receive(HaveField("Before", BeNil())))
		}

		Expect(t.deactivate(ctx, ada)).To(Succeed())
		change := directory.Change[scimv1alpha1.ScimUser]{}
		Eventually(changes).Should(Receive(&change))
		Expect(*change.Before.Spec.Active).To(BeTrue())
		Expect(*change.After.Spec.Active).To(BeFalse())
		Expect(t.delete(ctx, registry.User(), ada)).To(Succeed())
		Eventually(changes).Should(Receive(And(HaveField("ID", ada), HaveField("Before", Not(BeNil())), HaveField("After", BeNil()))))
		Expect(live.Delete(ctx, &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: grace}})).To(Succeed())
		Eventually(changes).Should(Receive(And(HaveField("ID", grace), HaveField("After", BeNil()))), "past the server")
		t.erase(ctx)
		Consistently(changes, 200*time.Millisecond).ShouldNot(Receive(), "nothing is to be done about a marker that goes")
		Expect(d.Members(group)).To(BeEmpty())
	})

	It("says what somebody may not read who is to run it", func(ctx SpecContext) {
		t := newTenant(ctx)
		mallory := rest.CopyConfig(config)
		mallory.Impersonate = rest.ImpersonationConfig{UserName: "mallory"}
		s, err := newSystem(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		Expect(s.run(ctx, mallory, t.namespace, func() error { return nil })).To(MatchError(ContainSubstring("kubescim-user-viewer")))
		_, err = directory.New(directory.Options{Config: config, Namespace: t.namespace, Tenant: "acme"})
		Expect(err).To(MatchError(ContainSubstring("Cursor")))
	})

	It("finds names as the SCIM server does", func() {
		for _, name := range []string{"", "bob", "BOB@Example.COM", "Straße", "ＡＤＡ", "é", "É", "ΣΊΣΥΦΟΣ", "ǅ", "\xff"} {
			Expect(directory.Fold(name)).To(Equal(fold.Key(name)), "%q", name)
		}
	})
})
