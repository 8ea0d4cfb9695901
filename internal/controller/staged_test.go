package controller_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// staged is a number of tenants, whose servers get what is new with the operator in turn.
type staged struct {
	*WithT
	ctx       context.Context //nolint:containedctx // It is the test's own.
	env       *controllertest.Environment
	namespace string
	names     []string
}

func (s *staged) tenant(name string) *scimv1alpha1.ScimTenant {
	tenant := &scimv1alpha1.ScimTenant{}
	s.Expect(s.env.Client.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, tenant)).To(Succeed())
	return tenant
}

func (s *staged) deployment(name string) *appsv1.Deployment {
	d := &appsv1.Deployment{}
	s.Expect(s.env.Client.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: operand.Name(name)}, d)).To(Succeed())
	return d
}

// having are the tenants whose server has an argument.
func (s *staged) having(argument string) func() []string {
	return func() []string {
		var found []string
		for _, name := range s.names {
			if slices.Contains(s.deployment(name).Spec.Template.Spec.Containers[0].Args, argument) {
				found = append(found, name)
			}
		}
		return found
	}
}

// says returns why a tenant is not up to date, and whether it is Ready.
func (s *staged) says(name string) func() [2]string {
	return func() [2]string {
		conditions := s.tenant(name).Status.Conditions
		current, ready := meta.FindStatusCondition(conditions, scimv1alpha1.ConditionUpToDate), meta.FindStatusCondition(conditions, scimv1alpha1.ConditionReady)
		if current == nil || ready == nil {
			return [2]string{}
		}
		return [2]string{current.Reason, string(ready.Status)}
	}
}

func (s *staged) without(found []string) []string {
	return slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return slices.Contains(found, name) })
}

func TestServersGetWhatIsNewInTurn(t *testing.T) {
	s := &staged{WithT: NewWithT(t), ctx: context.Background(), env: startEnvironment(t)}
	s.SetDefaultEventuallyTimeout(time.Minute)
	var err error
	s.namespace, err = s.env.NewNamespace(s.ctx)
	s.Expect(err).NotTo(HaveOccurred())
	run := func(absence time.Duration) (stop func()) {
		configuration := config.Default()
		configuration.Servers.Absence = metav1.Duration{Duration: absence}
		configuration.Servers.Rollout.MaxConcurrent = 2
		stopManager, err := s.env.StartManager(controllertest.OperatorWith(configuration))
		s.Expect(err).NotTo(HaveOccurred())
		return func() { s.Expect(stopManager()).To(Succeed()) }
	}
	stop := run(24 * time.Hour)
	for i := range 6 {
		name := fmt.Sprintf("tenant-%d", i)
		s.names = append(s.names, name)
		s.Expect(s.env.Client.Create(s.ctx, &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
			Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderGeneric},
		})).To(Succeed())
		s.Eventually(func() error { return s.env.RollOut(s.ctx, s.namespace, name) }).Should(Succeed())
		s.Eventually(s.says(name)).Should(Equal([2]string{scimv1alpha1.ReasonSucceeded, "True"}))
	}
	stop()

	stop = run(time.Hour) // another argument of every server
	const argument = "--absence=1h0m0s"
	s.Eventually(s.having(argument)).Should(HaveLen(2))
	for _, name := range s.without(s.having(argument)()) {
		s.Eventually(s.says(name)).Should(Equal([2]string{scimv1alpha1.ReasonWaitingForRollout, "True"}))
	}
	s.Consistently(s.having(argument)).Should(HaveLen(2))
	first := s.having(argument)()

	// One that waits is scaled as it is, and gets at once what its owner asks for.
	waiting := s.without(first)
	scaled := s.tenant(waiting[0])
	scaled.Spec.Server.Replicas = 3
	s.Expect(s.env.Client.Update(s.ctx, scaled)).To(Succeed())
	s.Eventually(func() int32 { return *s.deployment(waiting[0]).Spec.Replicas }).Should(Equal(int32(3)))
	edited := s.tenant(waiting[1])
	edited.Spec.Server.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("300Mi")}}
	s.Expect(s.env.Client.Update(s.ctx, edited)).To(Succeed())
	s.Eventually(s.having(argument)).Should(ConsistOf(append(first, waiting[1])))
	s.Consistently(s.having(argument)).ShouldNot(ContainElement(waiting[0]))

	// Another operator goes on where this one was.
	stop()
	stop = run(time.Hour)
	s.Consistently(s.having(argument)).Should(ConsistOf(append(first, waiting[1])))

	// What does not become ready stops the others.
	for _, name := range first {
		s.Expect(s.env.GiveUp(s.ctx, s.namespace, name)).To(Succeed())
	}
	s.Expect(s.env.RollOut(s.ctx, s.namespace, waiting[0])).To(Succeed()) // so that it is looked at again
	s.Eventually(s.says(waiting[0])).Should(Equal([2]string{scimv1alpha1.ReasonRolloutHalted, "True"}))
	s.Expect(s.having(argument)()).To(HaveLen(3))

	// As they become ready, the others get it, one for each.
	for _, name := range first {
		s.Expect(s.env.RollOut(s.ctx, s.namespace, name)).To(Succeed())
	}
	ready := append([]string{waiting[1]}, first...)
	for len(ready) < len(s.names) {
		s.Eventually(func() int { return len(s.having(argument)()) }).Should(BeNumerically(">", len(ready)))
		have := s.having(argument)()
		s.Expect(len(have) - len(ready)).To(BeNumerically("<=", 2))
		next := have[slices.IndexFunc(have, func(name string) bool { return !slices.Contains(ready, name) })]
		s.Expect(s.env.RollOut(s.ctx, s.namespace, next)).To(Succeed())
		ready = append(ready, next)
	}
	for _, name := range s.names {
		s.Eventually(func() error { return s.env.RollOut(s.ctx, s.namespace, name) }).Should(Succeed())
		s.Eventually(s.says(name)).Should(Equal([2]string{scimv1alpha1.ReasonSucceeded, "True"}))
	}
	stop()

	// One that waits again is in the middle of being scaled, and not of what it got before.
	stop = run(2 * time.Hour)
	const another = "--absence=2h0m0s"
	s.Eventually(s.having(another)).Should(HaveLen(2))
	first, waiting = s.having(another)(), s.without(s.having(another)())
	s.Eventually(s.says(waiting[0])).Should(Equal([2]string{scimv1alpha1.ReasonWaitingForRollout, "True"}))
	scaled = s.tenant(waiting[0])
	scaled.Spec.Server.Replicas = 4
	s.Expect(s.env.Client.Update(s.ctx, scaled)).To(Succeed())
	s.Eventually(func() int32 { return *s.deployment(waiting[0]).Spec.Replicas }).Should(Equal(int32(4)))
	s.Consistently(s.having(another)).Should(ConsistOf(first))
	stop()
}
