package scimtenant_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("A host that its holder has given up", func() {
	const class = "reservations"
	conflict := controllertest.BeStalled(scimv1alpha1.ReasonHostConflict)
	message := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (string, error) {
		return func() (string, error) {
			now, err := current(ctx, tenant)()
			if c := meta.FindStatusCondition(now.Status.Conditions, scimv1alpha1.ConditionReady); c != nil {
				return c.Message, err
			}
			return "", err
		}
	}
	givenUp := func(ctx context.Context, host string) {
		GinkgoHelper()
		Eventually(recordOf(ctx, host)).ShouldNot(WithTransform(operand.GivenUpSince, BeZero()))
	}
	// remove deletes a tenant with all that belongs to it.
	remove := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
		GinkgoHelper()
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(func() error { _, err := current(ctx, tenant)(); return err }).Should(BeNotFound())
		for _, obj := range append(operands(), &networkingv1.Ingress{}) {
			obj.SetNamespace(tenant.Namespace)
			obj.SetName(operand.Name(tenant.Name))
			Expect(client.IgnoreNotFound(env.Client.Delete(ctx, obj))).To(Succeed())
		}
	}
	again := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant) *scimv1alpha1.ScimTenant {
		GinkgoHelper()
		anew := &scimv1alpha1.ScimTenant{Spec: tenant.Spec}
		anew.Namespace, anew.Name = tenant.Namespace, tenant.Name
		Expect(env.Client.Create(ctx, anew)).To(Succeed())
		return anew
	}
	// contested makes a tenant that holds the host, and one that waits for it.
	contested := func(ctx context.Context, host string) (holder, waiting *scimv1alpha1.ScimTenant) {
		GinkgoHelper()
		holder = newTenant(ctx, withHost(host, class))
		becomeReady(ctx, holder)
		waiting = newTenant(ctx, withHost(host, class))
		Eventually(current(ctx, waiting)).Should(conflict)
		return holder, waiting
	}
	BeforeEach(func(ctx context.Context) { newIngressClass(ctx, class, false) })

	It("is reserved for it: a tenant that waits for it does not get it when the holder is made anew", func(ctx context.Context) {
		const host = "recreated.example.com"
		holder, waiting := contested(ctx, host)

		remove(ctx, holder)
		givenUp(ctx, host)
		Eventually(message(ctx, waiting)).Should(And(
			ContainSubstring("it is gone, or asks for another host, since "),
			ContainSubstring("delete ConfigMap "+controllertest.OperatorNamespace+"/"+operand.HostRecordName(host)),
			ContainSubstring("set spec.endpoint.host to another host"),
			Not(ContainSubstring(holder.Namespace))))
		Consistently(publishersOf(ctx, host)).Should(BeEmpty())

		becomeReady(ctx, again(ctx, holder))
		Expect(publishersOf(ctx, host)()).To(ConsistOf(holder.Namespace))
		Eventually(recordOf(ctx, host)).Should(WithTransform(operand.GivenUpSince, BeZero()))
		Eventually(message(ctx, waiting)).Should(ContainSubstring("who it is"))
	})

	It("is reserved for it: a tenant that waits for it does not get it when the holder moves away and back", func(ctx context.Context) {
		const host = "edited.example.com"
		holder, waiting := contested(ctx, host)

		change(ctx, holder, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint = scimv1alpha1.EndpointSpec{} })
		givenUp(ctx, host)
		Consistently(publishersOf(ctx, host)).Should(BeEmpty())
		change(ctx, holder, withHost(host, class))
		Eventually(publishersOf(ctx, host)).Should(ConsistOf(holder.Namespace))
		Expect(current(ctx, waiting)()).To(conflict)
	})

	It("goes on being timed when the operator starts anew, and is free after the time of absence", func(ctx context.Context) {
		const host = "restarted.example.com"
		holder := newTenant(ctx, withHost(host, class))
		becomeReady(ctx, holder)
		remove(ctx, holder)
		givenUp(ctx, host)
		Expect(stopManager()).To(Succeed())
		record, err := recordOf(ctx, host)()
		Expect(err).NotTo(HaveOccurred())
		before := time.Now().Add(-time.Hour)
		operand.GiveUp(record, before)
		Expect(env.Client.Update(ctx, record)).To(Succeed())
		waiting := newTenant(ctx, withHost(host, class))
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())

		free := before.Add(config.Default().Servers.Absence.Duration).UTC().Format(time.RFC3339)
		Eventually(message(ctx, waiting)).Should(ContainSubstring(free))
		longAgo(ctx, host)
		becomeReady(ctx, waiting)
		Expect(recordOf(ctx, host)()).To(WithTransform(operand.HolderOf, Equal(operand.TenantOwner(waiting).Holder())))
	})

	It("is not free while its holder asks for it, however long it has been given up", func(ctx context.Context) {
		const host = "late.example.com"
		holder := newTenant(ctx, withHost(host, class))
		becomeReady(ctx, holder)
		remove(ctx, holder)
		givenUp(ctx, host)
		Expect(stopManager()).To(Succeed())
		longAgo(ctx, host)
		waiting := newTenant(ctx, withHost(host, class))
		holder = again(ctx, holder)
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		becomeReady(ctx, holder)
		Eventually(current(ctx, waiting)).Should(conflict)
	})

	It("is free at once for a tenant of the same namespace", func(ctx context.Context) {
		const host = "neighbour.example.com"
		holder := newTenant(ctx, withHost(host, class))
		becomeReady(ctx, holder)
		neighbour := newTenant(ctx, in(holder, "other"), withHost(host, class))
		Eventually(message(ctx, neighbour)).Should(ContainSubstring("acme of this namespace"))
		remove(ctx, holder)
		becomeReady(ctx, neighbour)
	})

	It("is free when whoever runs the operator deletes its record", func(ctx context.Context) {
		const host = "deleted.example.com"
		holder, waiting := contested(ctx, host)
		remove(ctx, holder)
		givenUp(ctx, host)
		forget(ctx, host)
		becomeReady(ctx, waiting)
	})

	It("leaves no record behind when the time of absence is over and nobody asks for it", func(ctx context.Context) {
		const host = "unwanted.example.com"
		holder := newTenant(ctx, withHost(host, class))
		becomeReady(ctx, holder)
		remove(ctx, holder)
		longAgo(ctx, host)
		Eventually(func() error { _, err := recordOf(ctx, host)(); return err }).Should(BeNotFound())
	})

	It("is free when its namespace has given up many others since", func(ctx context.Context) {
		const host = "first.example.com"
		holder, waiting := contested(ctx, host)
		for i := range 21 { // One more than may be reserved.
			change(ctx, holder, withHost(fmt.Sprintf("next-%d.example.com", i), class))
			Eventually(publishersOf(ctx, fmt.Sprintf("next-%d.example.com", i))).Should(ConsistOf(holder.Namespace))
		}
		becomeReady(ctx, waiting)
	})
})
