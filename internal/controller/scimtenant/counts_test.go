package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("The counts in the status of a tenant", func() {
	It("are what the server's pods report, and are not written with every report", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(HaveField("Status", And(
			HaveField("Users", BeNil()), HaveField("Groups", BeNil()), HaveField("LastRequestTime", BeZero()))))

		created := tenant.CreationTimestamp.UTC() // no request is older than its tenant, or to come
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		report := func(users int32, at time.Time) {
			GinkgoHelper()
			Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0",
				contract.Usage{Users: users, ActiveUsers: users - 1, LastRequestTime: at})).To(Succeed())
		}
		var written *scimv1alpha1.ScimTenant
		counted := func(users int32, at time.Time) {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				now, err := current(ctx, tenant)()
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(now.Status.Users).To(HaveValue(Equal(users)))
				g.Expect(now.Status.ActiveUsers).To(HaveValue(Equal(users - 1)))
				g.Expect(now.Status.Groups).To(HaveValue(BeZero()))
				g.Expect(now.Status.LastRequestTime.UTC()).To(Equal(at))
				written = now
			}).Should(Succeed())
		}
		report(3, created)
		counted(3, created)
		By("starting the pod again, which then knows of no request")
		report(2, time.Time{})
		counted(2, created)
		report(5, created)
		counted(5, created)

		By("reporting more than is written")
		report(6, created)
		Expect(env.StopPod(ctx, tenant.Namespace, "acme-scim-0")).To(Succeed())
		Consistently(current(ctx, tenant)).Should(HaveField("ResourceVersion", written.ResourceVersion))
	})

	It("tell when all seats are taken", func(ctx context.Context) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.Seats = 7 })
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(HaveField("Status", And(
			HaveField("State", scimv1alpha1.TenantStateActive), HaveField("Seats", BeEmpty()))))

		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		report := func(active int32) {
			GinkgoHelper()
			Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0", contract.Usage{Users: 9, ActiveUsers: active})).To(Succeed())
		}
		report(6)
		Eventually(current(ctx, tenant)).Should(And(
			HaveField("Status.Seats", "6/7"),
			controllertest.Have(scimv1alpha1.ConditionSeatsAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonSeatsAvailable)))
		report(7)
		Eventually(current(ctx, tenant)).Should(And(
			HaveField("Status.Seats", "7/7"),
			controllertest.Have(scimv1alpha1.ConditionSeatsAvailable, metav1.ConditionFalse, scimv1alpha1.ReasonSeatsExhausted),
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		Eventually(func() ([]eventsv1.Event, error) {
			found := &eventsv1.EventList{}
			err := env.Client.List(ctx, found, client.InNamespace(tenant.Namespace))
			return found.Items, err
		}).Should(ContainElement(And(
			HaveField("Type", "Warning"), HaveField("Reason", scimv1alpha1.ReasonSeatsExhausted),
			HaveField("Note", ContainSubstring("7 of 7 seats are taken")))))

		By("taking the limit away")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.Seats = 0 })
		Eventually(current(ctx, tenant)).Should(And(
			HaveField("Status.Seats", BeEmpty()),
			HaveField("Status.Conditions", Not(ContainElement(HaveField("Type", scimv1alpha1.ConditionSeatsAvailable))))))
	})

	It("tell when the deactivation guard has stopped a request, and that somebody has opened it", func(ctx context.Context) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.DeactivationGuard.MaxPercent = 30 })
		becomeReady(ctx, tenant)
		allowed := func(status metav1.ConditionStatus, reason string) OmegaMatcher {
			return controllertest.Have(scimv1alpha1.ConditionDeactivationsAllowed, status, reason)
		}
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0", contract.Usage{Users: 9, ActiveUsers: 9})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(allowed(metav1.ConditionTrue, scimv1alpha1.ReasonWithinGuard))
		Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0", contract.Usage{Users: 9, ActiveUsers: 6, Guarded: true})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			allowed(metav1.ConditionFalse, scimv1alpha1.ReasonDeactivationsGuarded), controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Users.DeactivationGuard.AllowUntil = metav1.NewTime(time.Now().Add(time.Hour))
		})
		Eventually(current(ctx, tenant)).Should(allowed(metav1.ConditionTrue, scimv1alpha1.ReasonGuardOpen))
		Eventually(notesOf(ctx, tenant, scimv1alpha1.ReasonGuardOpen)).Should(ContainElement(ContainSubstring("stops nothing until")))
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.DeactivationGuard = scimv1alpha1.DeactivationGuard{} })
		Eventually(current(ctx, tenant)).Should(
			HaveField("Status.Conditions", Not(ContainElement(HaveField("Type", scimv1alpha1.ConditionDeactivationsAllowed)))))
	})

	It("tell when few seats are left", func(ctx context.Context) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.Seats = 10 })
		becomeReady(ctx, tenant)
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0", contract.Usage{Users: 9, ActiveUsers: 9})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			HaveField("Status.Seats", "9/10"),
			controllertest.Have(scimv1alpha1.ConditionSeatsAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonFewSeatsLeft)))
		Eventually(notesOf(ctx, tenant, scimv1alpha1.ReasonFewSeatsLeft)).Should(ContainElement(ContainSubstring("1 of 10 seats are left")))
	})
})

// notesOf returns a function that reads what the events for a reason say.
func notesOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant, reason string) func() ([]string, error) {
	return func() (notes []string, err error) {
		found := &eventsv1.EventList{}
		err = env.Client.List(ctx, found, client.InNamespace(tenant.Namespace))
		for _, event := range found.Items {
			if event.Reason == reason {
				notes = append(notes, event.Type+": "+event.Note)
			}
		}
		return notes, err
	}
}

var _ = Describe("What the status says of the identity provider", func() {
	It("is nothing at first, and then whether most requests fail", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(And(
			controllertest.Have(scimv1alpha1.ConditionProviderActive, metav1.ConditionUnknown, scimv1alpha1.ReasonFewRequests),
			controllertest.Have(scimv1alpha1.ConditionRequestsSucceeding, metav1.ConditionUnknown, scimv1alpha1.ReasonFewRequests)))
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		for _, failing := range []bool{true, false} {
			usage := contract.Usage{Users: 3, ActiveUsers: 3, LastRequestTime: time.Now(), MostlyFailing: &failing}
			Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0", usage)).To(Succeed())
			status, reason := metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded
			if failing {
				status, reason = metav1.ConditionFalse, scimv1alpha1.ReasonMostlyFailing
			}
			Eventually(current(ctx, tenant)).Should(And(
				controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
				controllertest.Have(scimv1alpha1.ConditionRequestsSucceeding, status, reason)))
		}
	})

	It("is whether it sends about as often as usual, which is seen when it does not", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		// last makes the tenant one that got a request in each quarter of an hour, and the last one some time ago.
		last := func(ago time.Duration) {
			GinkgoHelper()
			now, err := current(ctx, tenant)()
			Expect(err).NotTo(HaveOccurred())
			next := now.DeepCopy()
			next.Status.LastRequestTime = metav1.NewTime(time.Now().Add(-ago))
			next.Status.RequestGaps = scimv1alpha1.RequestGaps{Minutes: 50, SinceTime: metav1.NewTime(time.Now().Add(-24 * time.Hour)), Counts: []int32{49}}
			Expect(env.Client.Status().Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
			change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.DisplayName = "silent for " + ago.String() })
		}
		is := func(ready string, status metav1.ConditionStatus, reason string) {
			GinkgoHelper()
			Eventually(current(ctx, tenant)).Should(And(
				controllertest.BeReady(ready), controllertest.Have(scimv1alpha1.ConditionProviderActive, status, reason)))
		}
		last(2 * time.Hour)
		is(scimv1alpha1.ReasonSucceeded, metav1.ConditionFalse, scimv1alpha1.ReasonProviderSilent)
		By("letting an hour pass, which is too long")
		last(time.Hour - 5*time.Second)
		is(scimv1alpha1.ReasonSucceeded, metav1.ConditionTrue, scimv1alpha1.ReasonRequestsArrive)
		is(scimv1alpha1.ReasonSucceeded, metav1.ConditionFalse, scimv1alpha1.ReasonProviderSilent)
		By("pausing it")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.State = scimv1alpha1.TenantStatePaused })
		is(scimv1alpha1.ReasonPaused, metav1.ConditionUnknown, scimv1alpha1.ReasonPaused)
	})
})
