package kubernetes

import (
	"context"
	"log/slog"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

var _ = Describe("The upkeep of labels", func() {
	var (
		at       *scene
		keeper   *upkeep.Upkeep
		recorder *events.FakeRecorder
	)
	BeforeEach(func(ctx SpecContext) {
		at = newScene(ctx)
		recorder = events.NewFakeRecorder(20)
		keeper = NewUpkeep(at.reader, upkeep.Options{
			Policy: func() store.Policy { return store.Policy{} }, Recorder: recorder,
			Log: slog.New(slog.NewTextHandler(GinkgoWriter, nil)),
		}, prometheus.NewRegistry())
	})
	labelsOf := func(ctx context.Context, object client.Object, name string) map[string]string {
		GinkgoHelper()
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: name}, object)).To(Succeed())
		return object.GetLabels()
	}

	// passed does both kinds of rounds until the labels are as expected: memory has to see what was lost.
	passed := func(ctx context.Context, object client.Object, name string, expected OmegaMatcher) {
		GinkgoHelper()
		Eventually(func() map[string]string {
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			upkeep.LabelSome(ctx, true, []*upkeep.Upkeep{keeper}, 0)
			return labelsOf(ctx, object, name)
		}).Should(expected)
	}

	It("puts that of the tenant back, changes no version, and tells", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		group, err := at.writer.Create(ctx, newGroup("Tour Guides", id), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		person, err := at.get(ctx, id)
		Expect(err).NotTo(HaveOccurred())
		at.loseLabel(ctx, &scimv1alpha1.ScimUser{}, id, scimv1alpha1.LabelTenant)
		wrong := &scimv1alpha1.ScimGroup{}
		labelsOf(ctx, wrong, group.ID())[scimv1alpha1.LabelTenant] = "globex"
		Expect(live.Update(ctx, wrong)).To(Succeed())

		passed(ctx, &scimv1alpha1.ScimUser{}, id, HaveKeyWithValue(scimv1alpha1.LabelTenant, "acme"))
		passed(ctx, &scimv1alpha1.ScimGroup{}, group.ID(), HaveKeyWithValue(scimv1alpha1.LabelTenant, "acme"))
		Expect(testutil.ToFloat64(keeper.Metrics.Labels.WithLabelValues(scimv1alpha1.LabelTenant))).To(BeEquivalentTo(2))
		Expect(recorder.Events).To(Receive(And(ContainSubstring("LabelRestored"), Not(ContainSubstring("babs")))))
		again, err := at.get(ctx, id)
		Expect(err).NotTo(HaveOccurred())
		Expect(again.Meta()).To(Equal(person.Meta()))
	})

	It("puts those of a large group and its members back", func(ctx SpecContext) {
		sized(at.reader, sizes{inline: 1, slice: 3})
		made, err := at.reader.Create(ctx, newGroup("Tour Guides", at.create(ctx, "a@example.com"), at.create(ctx, "b@example.com")), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		list := &scimv1alpha1.ScimGroupMembersList{}
		Expect(live.List(ctx, list, client.InNamespace(at.namespace))).To(Succeed())
		Expect(list.Items).To(HaveLen(1))
		slice := list.Items[0].Name
		at.loseLabel(ctx, &scimv1alpha1.ScimGroup{}, made.ID(), scimv1alpha1.LabelSliced)
		at.loseLabel(ctx, &scimv1alpha1.ScimGroupMembers{}, slice, scimv1alpha1.LabelGroup)
		at.loseLabel(ctx, &scimv1alpha1.ScimGroupMembers{}, slice, scimv1alpha1.LabelTenant)

		passed(ctx, &scimv1alpha1.ScimGroup{}, made.ID(), HaveKeyWithValue(scimv1alpha1.LabelSliced, "true"))
		passed(ctx, &scimv1alpha1.ScimGroupMembers{}, slice, And(
			HaveKeyWithValue(scimv1alpha1.LabelGroup, made.ID()), HaveKeyWithValue(scimv1alpha1.LabelTenant, "acme")))
	})
})
