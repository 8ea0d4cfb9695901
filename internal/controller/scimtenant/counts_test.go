package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("The counts in the status of a tenant", func() {
	It("are what the server's pods report, and are not written with every report", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(HaveField("Status", And(
			HaveField("Users", BeNil()), HaveField("Groups", BeNil()), HaveField("LastRequestTime", BeZero()))))

		noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		report := func(users int32, at time.Time) {
			GinkgoHelper()
			Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0",
				operand.Usage{Users: users, ActiveUsers: users - 1, LastRequestTime: at})).To(Succeed())
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
		report(3, noon.Add(30*time.Second))
		counted(3, noon)
		By("starting the pod again, which then knows of no request")
		report(2, time.Time{})
		counted(2, noon)
		report(5, noon.Add(time.Minute))
		counted(5, noon.Add(time.Minute))

		By("reporting more than is written")
		report(6, noon.Add(2*time.Minute))
		Expect(env.StopPod(ctx, tenant.Namespace, "acme-scim-0")).To(Succeed())
		Consistently(current(ctx, tenant)).Should(HaveField("ResourceVersion", written.ResourceVersion))
	})
})
