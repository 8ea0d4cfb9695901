package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
	"github.com/kubescim/kubescim/internal/userlabels"
)

// labelled is a policy under which users have labels.
func labelled(definitions ...userlabels.Definition) store.Policy {
	GinkgoHelper()
	labels, err := userlabels.Parse(definitions, registry.User())
	Expect(err).NotTo(HaveOccurred())
	return store.Policy{Labels: labels, KeepDeletedUsers: true}
}

var (
	byTeam  = userlabels.Definition{Key: "team", Attribute: schema.URNEnterpriseUser + ":department"}
	byTitle = userlabels.Definition{Key: "example.com/title", Attribute: "title"}
)

// inDepartment sets the department of a user, as a change of an Update.
func inDepartment(name string) store.Change {
	return func(current *scim.Resource) (*scim.Resource, error) {
		next := current.Clone()
		next.Attributes()[schema.URNEnterpriseUser] = scim.Complex{"department": name}
		return next, nil
	}
}

var _ = Describe("What selectors find a user by", func() {
	var at *scene
	BeforeEach(func(ctx SpecContext) { at = newScene(ctx) })

	object := func(ctx context.Context, id string) *scimv1alpha1.ScimUser {
		GinkgoHelper()
		user := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, user)).To(Succeed())
		return user
	}
	found := func(ctx context.Context, selector client.ListOption) []string {
		GinkgoHelper()
		list := &scimv1alpha1.ScimUserList{}
		Expect(live.List(ctx, list, client.InNamespace(at.namespace), selector)).To(Succeed())
		var names []string
		for _, user := range list.Items {
			names = append(names, user.Name)
		}
		return names
	}
	person := func(userName, department string) *scim.Resource {
		user := newUser(userName)
		user.Attributes()["emails"] = []any{scim.Complex{"value": "Other@Example.com"}, scim.Complex{"value": "B." + userName, "primary": true}}
		user.Attributes()[schema.URNEnterpriseUser] = scim.Complex{"department": department}
		return user
	}

	It("is in the write that it follows from, and goes with the user", func(ctx SpecContext) {
		policy := labelled(byTeam)
		created, err := at.writer.Create(ctx, person("Babs@Example.com", "R&D / Payments"), policy)
		Expect(err).NotTo(HaveOccurred())
		id := created.ID()
		Expect(found(ctx, client.MatchingLabels{"team": "r-d-payments"})).To(ConsistOf(id))
		Expect(found(ctx, client.MatchingFields{"spec.lookup.userName": "babs@example.com"})).To(ConsistOf(id))
		Expect(found(ctx, client.MatchingFields{"spec.lookup.email": "b.babs@example.com"})).To(ConsistOf(id))

		user := object(ctx, id)
		user.Labels["somebody.example.com/note"] = "x"
		Expect(live.Update(ctx, user)).To(Succeed())
		_, err = at.writer.Update(ctx, registry.User(), id, inDepartment("Sales"), store.UpdateOptions{Policy: policy})
		Expect(err).NotTo(HaveOccurred())
		Expect(object(ctx, id).Labels).To(Equal(map[string]string{
			scimv1alpha1.LabelTenant: "acme", "team": "sales", "somebody.example.com/note": "x"}))

		Expect(at.writer.Delete(ctx, registry.User(), id, store.DeleteOptions{Policy: policy})).To(Succeed())
		user = object(ctx, id)
		Expect(user.Labels).To(Equal(map[string]string{
			scimv1alpha1.LabelTenant: "acme", scimv1alpha1.LabelDeleted: "true", "somebody.example.com/note": "x"}))
		Expect(user.Annotations).To(BeEmpty())
		Expect(user.Spec.Lookup).To(BeZero())

		again, err := at.writer.Create(ctx, person("babs@example.com", "営業部"), policy)
		Expect(err).NotTo(HaveOccurred())
		Expect(again.ID()).To(Equal(id))
		Expect(object(ctx, id).Labels).To(Equal(map[string]string{scimv1alpha1.LabelTenant: "acme", "somebody.example.com/note": "x"}))
		Expect(object(ctx, id).Spec.Lookup.UserName).To(Equal("babs@example.com"))
	})

	Describe("when it comes later", func() {
		var (
			keeper   *upkeep.Upkeep
			recorder *events.FakeRecorder
			policy   store.Policy
		)
		BeforeEach(func() {
			policy, recorder = store.Policy{}, events.NewFakeRecorder(20)
			keeper = NewUpkeep(at.reader, upkeep.Options{
				Policy: func() store.Policy { return policy }, Recorder: recorder,
				Log: slog.New(slog.NewTextHandler(GinkgoWriter, nil)),
			}, prometheus.NewRegistry())
		})
		// want makes the labels those that users are to have.
		want := func(definitions ...userlabels.Definition) {
			GinkgoHelper()
			policy = labelled(definitions...)
			at.reader.cache.Label(policy.Labels)
			Eventually(func() string {
				at.reader.cache.Compare()
				digest, _, known := at.reader.cache.Labelled()
				Expect(known).To(BeTrue())
				return digest
			}).Should(Equal(policy.Labels.Digest()))
		}
		left := func() int {
			_, left, _ := at.reader.cache.Labelled()
			return left
		}
		round := func(ctx context.Context) {
			GinkgoHelper()
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			upkeep.LabelSome(ctx, true, []*upkeep.Upkeep{keeper}, 0)
		}
		passed := func(ctx context.Context) {
			GinkgoHelper()
			Eventually(func() int {
				round(ctx)
				return left()
			}).Should(BeZero())
		}

		It("comes by the upkeep, without another version", func(ctx SpecContext) {
			created, err := at.writer.Create(ctx, person("Babs@Example.com", "Payments"), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			user := object(ctx, created.ID())
			user.Spec.Lookup = scimv1alpha1.UserLookup{} // As the release before left it.
			Expect(live.Update(ctx, user)).To(Succeed())
			before, err := newStore(live, at.namespace).Get(ctx, registry.User(), created.ID(), store.View{})
			Expect(err).NotTo(HaveOccurred())
			Eventually(func() (scim.Meta, error) { // Nobody has told the pods of what was written past them.
				read, err := at.writer.Get(ctx, registry.User(), created.ID(), store.View{})
				if err != nil {
					return scim.Meta{}, err
				}
				return read.Meta(), nil
			}).Should(Equal(before.Meta()))
			want(byTeam, byTitle)
			Eventually(left).Should(Equal(1))
			unlabelled := object(ctx, created.ID()).ResourceVersion
			Expect(keeper.Pass(ctx, false)).To(Succeed())
			Expect(object(ctx, created.ID()).ResourceVersion).To(Equal(unlabelled), "a pass would keep no pace that is for all tenants")

			passed(ctx)
			Expect(object(ctx, created.ID()).Labels).To(Equal(map[string]string{scimv1alpha1.LabelTenant: "acme", "team": "payments"}))
			Expect(object(ctx, created.ID()).Spec.Lookup).To(Equal(scimv1alpha1.UserLookup{UserName: "babs@example.com", Email: "b.babs@example.com"}))
			Expect(testutil.ToFloat64(keeper.Metrics.Selectable)).To(BeEquivalentTo(1))
			Expect(recorder.Events).To(BeEmpty(), "nothing was lost")
			for _, reader := range []store.Store{at.writer, at.reader, newStore(live, at.namespace)} {
				after, err := reader.Get(ctx, registry.User(), created.ID(), store.View{})
				Expect(err).NotTo(HaveOccurred())
				Expect(after.Meta()).To(Equal(before.Meta()))
			}
			written := object(ctx, created.ID())
			passed(ctx)
			Expect(object(ctx, created.ID()).ResourceVersion).To(Equal(written.ResourceVersion), "nothing is written again")

			By("counting on from the version that clients know")
			updated, err := at.writer.Update(ctx, registry.User(), created.ID(), inDepartment("Sales"), store.UpdateOptions{
				Policy: policy, Precondition: func(version string) bool { return version == before.Meta().Version },
			})
			Expect(err).NotTo(HaveOccurred())
			Expect(updated.Meta().Version).NotTo(Equal(before.Meta().Version))
		})

		It("does not come while pods of the release before are alive, which would show another version", func(ctx SpecContext) {
			created, err := at.writer.Create(ctx, person("babs@example.com", "Payments"), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			before := object(ctx, created.ID())
			want(byTeam)
			Eventually(left).Should(Equal(1))
			members := at.reader.members
			at.reader.members = beside{members}
			round(ctx)
			Expect(object(ctx, created.ID()).ResourceVersion).To(Equal(before.ResourceVersion))

			By("these having gone")
			at.reader.members = members
			passed(ctx)
			Expect(object(ctx, created.ID()).Labels).To(HaveKeyWithValue("team", "payments"))
		})

		It("takes away what nobody wants any more, and nothing else", func(ctx SpecContext) {
			first := labelled(byTeam)
			created, err := at.writer.Create(ctx, person("babs@example.com", "Payments"), first)
			Expect(err).NotTo(HaveOccurred())
			user := object(ctx, created.ID())
			user.Labels[byTitle.Key] = "by-hand"
			Expect(live.Update(ctx, user)).To(Succeed())
			want(byTitle)
			passed(ctx)
			Expect(object(ctx, created.ID()).Labels).To(Equal(map[string]string{scimv1alpha1.LabelTenant: "acme", byTitle.Key: "by-hand"}))
			Expect(object(ctx, created.ID()).Annotations).To(BeEmpty())

			By("going by no annotation that names what is not its own")
			user = object(ctx, created.ID())
			user.Annotations = map[string]string{"scim.kubescim.dev/user-labels": scimv1alpha1.LabelTenant}
			Expect(live.Update(ctx, user)).To(Succeed())
			_, err = at.writer.Update(ctx, registry.User(), created.ID(), inDepartment("Sales"), store.UpdateOptions{Policy: policy})
			Expect(err).NotTo(HaveOccurred())
			Expect(object(ctx, created.ID()).Labels).To(HaveKeyWithValue(scimv1alpha1.LabelTenant, "acme"))
		})

		It("leaves users who are deleted without", func(ctx SpecContext) {
			created, err := at.writer.Create(ctx, person("babs@example.com", "Payments"), labelled(byTeam))
			Expect(err).NotTo(HaveOccurred())
			user := object(ctx, created.ID())
			user.Labels[scimv1alpha1.LabelDeleted] = "true" // As somebody marks one by hand, or the release before did.
			Expect(live.Update(ctx, user)).To(Succeed())
			want(byTeam)
			Eventually(left).Should(Equal(1))
			passed(ctx)
			Expect(object(ctx, created.ID()).Labels).NotTo(HaveKey("team"))
			Expect(object(ctx, created.ID()).Spec.Lookup).To(BeZero())
		})

		It("loses no change that is made meanwhile", func(ctx SpecContext) {
			const people = 20
			var ids []string
			for i := range people {
				created, err := at.writer.Create(ctx, person(fmt.Sprintf("user%d@example.com", i), "Payments"), store.Policy{})
				Expect(err).NotTo(HaveOccurred())
				ids = append(ids, created.ID())
			}
			want(byTeam)
			var writing sync.WaitGroup
			for _, id := range ids {
				writing.Go(func() {
					defer GinkgoRecover()
					_, err := at.writer.Update(ctx, registry.User(), id, inDepartment("Sales"), store.UpdateOptions{Policy: policy})
					Expect(err).NotTo(HaveOccurred())
				})
			}
			round(ctx)
			writing.Wait()
			passed(ctx)
			Eventually(func() []string { return found(ctx, client.MatchingLabels{"team": "sales"}) }).Should(ConsistOf(ids))
			for _, id := range ids {
				user, err := at.get(ctx, id)
				Expect(err).NotTo(HaveOccurred())
				Expect(user.Attributes()[schema.URNEnterpriseUser]).To(HaveKeyWithValue("department", "Sales"))
			}
		})
	})
})
