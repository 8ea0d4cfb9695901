package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("The server of a tenant", func() {
	It("is asked for what cannot be: somebody has to mend that, and what runs goes on", func(ctx context.Context) {
		requests := func(memory string) func(*scimv1alpha1.ScimTenant) {
			return func(t *scimv1alpha1.ScimTenant) {
				t.Spec.Server.Resources = &corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
				}
			}
		}
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		change(ctx, tenant, requests("2Gi"))
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonObjectInvalid),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonObjectInvalid),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", And(
				ContainSubstring("correct in the spec what it names"), ContainSubstring("memory limit of 1Gi")))))))
		change(ctx, tenant, requests("512Mi"))
		Eventually(func() (string, error) {
			deployment := &appsv1.Deployment{}
			err := env.Client.Get(ctx, key(tenant), deployment)
			if err != nil {
				return "", err
			}
			return deployment.Spec.Template.Spec.Containers[0].Resources.Requests.Memory().String(), nil
		}).Should(Equal("512Mi"))
		becomeReady(ctx, tenant)
	})

	It("gets all of its objects, and the tenant becomes Ready with them", func(ctx context.Context) {
		tenant := newTenant(ctx)
		for _, obj := range operands() {
			Eventually(func() error { return env.Client.Get(ctx, key(tenant), obj) }).Should(Succeed())
			Expect(metav1.IsControlledBy(obj, tenant)).To(BeTrue(), "%T is not controlled by the tenant", obj)
			Expect(obj.GetLabels()).To(Equal(operand.Labels(tenant.Name)))
		}
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonServerUnavailable),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionFalse, scimv1alpha1.ReasonServerUnavailable),
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, metav1.ConditionTrue, scimv1alpha1.ReasonNoHost)))

		Expect(env.SetReady(ctx, tenant.Namespace, tenant.Name, 1)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonServerRollingOut),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonServerRollingOut)))

		becomeReady(ctx, tenant)
		now, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(now.Status.ServerReplicas).To(Equal("2/2"))
		Expect(now.Status.URL).To(Equal("http://acme-scim." + tenant.Namespace + ".svc/scim/v2"))
		Expect(now.Status.ObservedGeneration).To(Equal(now.Generation))
		Expect(now.Finalizers).To(ConsistOf(scimv1alpha1.Finalizer))

		Eventually(func() ([]eventsv1.Event, error) {
			events := &eventsv1.EventList{}
			err := env.Client.List(ctx, events, client.InNamespace(tenant.Namespace))
			return events.Items, err
		}).Should(ContainElement(And(
			HaveField("Reason", scimv1alpha1.ReasonSucceeded),
			HaveField("Regarding.UID", tenant.UID))))
	})

	It("is not written to when nothing has changed", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		before, err := versions(ctx, tenant)
		Expect(err).NotTo(HaveOccurred())
		// A reconciliation is brought about that has nothing to do.
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Labels = map[string]string{"team": "identity"} })
		now, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		before[now.UID] = now.ResourceVersion
		Consistently(func() (any, error) { return versions(ctx, tenant) }).Should(Equal(before))
	})

	It("is not written to when the operator starts again", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		before, err := versions(ctx, tenant)
		Expect(err).NotTo(HaveOccurred())
		Expect(stopManager()).To(Succeed())
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Consistently(func() (any, error) { return versions(ctx, tenant) }).Should(Equal(before))
	})

	It("does not restart its pods for what the server reads itself", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint.Path = "/api/scim"
			t.Spec.Users.OnDelete = scimv1alpha1.UserDeletionDelete
			t.Spec.DisplayName = "Acme"
		})
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.URL", HaveSuffix("/api/scim"))))
		deployment := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), deployment)).To(Succeed())
		Expect(deployment.Generation).To(Equal(int64(1)))
	})

	It("follows the number of replicas", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.Replicas = 3 })
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonServerRollingOut),
			HaveField("Status.ServerReplicas", "2/3")))
		becomeReady(ctx, tenant)
	})

	It("is repaired when somebody changes or deletes its objects", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)

		By("widening the Role")
		role := &rbacv1.Role{}
		Expect(env.Client.Get(ctx, key(tenant), role)).To(Succeed())
		rules := role.DeepCopy().Rules
		role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}})
		Expect(env.Client.Update(ctx, role)).To(Succeed())
		Eventually(func() ([]rbacv1.PolicyRule, error) {
			err := env.Client.Get(ctx, key(tenant), role)
			return role.Rules, err
		}).Should(Equal(rules))

		By("taking the owner reference and the labels away")
		service := &corev1.Service{}
		Expect(env.Client.Get(ctx, key(tenant), service)).To(Succeed())
		change(ctx, service, func(s *corev1.Service) { s.OwnerReferences = nil })
		Eventually(func() (bool, error) {
			err := env.Client.Get(ctx, key(tenant), service)
			return metav1.IsControlledBy(service, tenant), err
		}).Should(BeTrue())
		change(ctx, service, func(s *corev1.Service) { s.Labels = nil })
		Eventually(func() (map[string]string, error) {
			err := env.Client.Get(ctx, key(tenant), service)
			return service.Labels, err
		}).Should(Equal(operand.Labels(tenant.Name)))

		By("deleting every object")
		for _, obj := range operands() {
			Expect(env.Client.Get(ctx, key(tenant), obj)).To(Succeed())
			uid := obj.GetUID()
			Expect(env.Client.Delete(ctx, obj)).To(Succeed())
			Eventually(func() (string, error) {
				err := env.Client.Get(ctx, key(tenant), obj)
				return string(obj.GetUID()), err
			}).ShouldNot(Equal(string(uid)))
		}
		becomeReady(ctx, tenant)
	})

	It("keeps its finalizer", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Finalizers = nil })
		Eventually(current(ctx, tenant)).Should(HaveField("Finalizers", ConsistOf(scimv1alpha1.Finalizer)))
	})

	It("stays Ready while the tenant is paused, and says so", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.State = scimv1alpha1.TenantStatePaused })
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonPaused))
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.State = "" })
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("stalls when its Deployment makes no progress, and recovers", func(ctx context.Context) {
		tenant := newTenant(ctx)
		Eventually(func() error { return env.GiveUp(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonServerUnavailable))
		becomeReady(ctx, tenant)
	})

	It("does not take an object of somebody else", func(ctx context.Context) {
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		foreign := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme-scim", Labels: map[string]string{"app": "web"}},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 8443}}},
		}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		version := foreign.ResourceVersion
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Namespace = namespace })

		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict))
		now, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(now.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring(`Service "acme-scim"`))))
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(foreign), foreign)).To(Succeed())
		Expect(foreign.ResourceVersion).To(Equal(version))

		By("moving it out of the way")
		Expect(env.Client.Delete(ctx, foreign)).To(Succeed())
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.DisplayName = "Acme" })
		becomeReady(ctx, tenant)
	})
})
