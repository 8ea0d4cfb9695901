package scimtenant_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("The deletion of a tenant", func() {
	It("leaves users, groups and claims under the policy Retain", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		createUsers(ctx, tenant.Namespace, tenant.Name, 3)
		createGroup(ctx, tenant.Namespace, tenant.Name)
		createMembers(ctx, tenant.Namespace, tenant.Name)
		createClaim(ctx, tenant.Namespace, tenant.Name)

		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(exists(ctx, tenant)).Should(BeFalse())
		Expect(usersOf(ctx, tenant)).To(HaveLen(3))
		Expect(activeUsersOf(ctx, tenant)).To(HaveLen(3))
		Expect(groupsOf(ctx, tenant)).To(HaveLen(1))
		Expect(membersOf(ctx, tenant)).To(HaveLen(1))
		Expect(claimsOf(ctx, tenant)).To(HaveLen(1))
	})

	It("sets all users inactive, in pages, under the policy Deactivate", func(ctx context.Context) {
		const many = 1010
		tenant := newTenant(ctx, withDeletionPolicy(scimv1alpha1.DeletionPolicyDeactivate))
		becomeReady(ctx, tenant)
		createUsers(ctx, tenant.Namespace, tenant.Name, many)
		createUsers(ctx, tenant.Namespace, "globex", 1)
		createGroup(ctx, tenant.Namespace, tenant.Name)
		inactive := activeUsersOf(ctx, tenant)[0]
		inactive.Spec.Active = ptr.To(false)
		Expect(env.Client.Update(ctx, &inactive)).To(Succeed())

		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionReconciling, metav1.ConditionTrue, scimv1alpha1.ReasonDeleting),
			controllertest.BeWellFormed(),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", MatchRegexp(`\d+ so far`))))))
		Eventually(exists(ctx, tenant)).Should(BeFalse())

		Expect(usersOf(ctx, tenant)).To(HaveLen(many))
		Expect(activeUsersOf(ctx, tenant)).To(BeEmpty())
		Expect(groupsOf(ctx, tenant)).To(HaveLen(1))
		untouched := &scimv1alpha1.ScimUser{}
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(&inactive), untouched)).To(Succeed())
		Expect(untouched.ResourceVersion).To(Equal(inactive.ResourceVersion))
		for _, user := range usersOf(ctx, tenant) {
			meta := user.Spec.Meta
			Expect(meta.LastModifiedTime.After(meta.CreatedTime.Time)).To(Equal(user.UID != inactive.UID))
		}
		other := &scimv1alpha1.ScimUserList{}
		Expect(env.Client.List(ctx, other, client.InNamespace(tenant.Namespace),
			client.MatchingFields{"spec.tenantRef.name": "globex"})).To(Succeed())
		Expect(other.Items).To(ConsistOf(HaveField("Spec.Active", HaveValue(BeTrue()))))
	})

	It("deletes users, groups, their members and claims of this tenant only, in pages, under the policy Delete", func(ctx context.Context) {
		const many = 510
		tenant := newTenant(ctx, withDeletionPolicy(scimv1alpha1.DeletionPolicyDelete))
		becomeReady(ctx, tenant)
		globex := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "globex"}}
		for _, owner := range []*scimv1alpha1.ScimTenant{tenant, globex} {
			createUsers(ctx, owner.Namespace, owner.Name, 5)
			createGroup(ctx, owner.Namespace, owner.Name)
			createMembers(ctx, owner.Namespace, owner.Name)
			createClaim(ctx, owner.Namespace, owner.Name)
		}
		inParallel(many, func(int) error { return env.Client.Create(ctx, claim(tenant.Namespace, tenant.Name)) })

		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionReconciling, metav1.ConditionTrue, scimv1alpha1.ReasonDeleting),
			controllertest.BeWellFormed(),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", MatchRegexp(`claims.* \d+ so far`))))))
		Eventually(exists(ctx, tenant)).Should(BeFalse())
		Expect(usersOf(ctx, tenant)).To(BeEmpty())
		Expect(groupsOf(ctx, tenant)).To(BeEmpty())
		Expect(membersOf(ctx, tenant)).To(BeEmpty())
		Expect(claimsOf(ctx, tenant)).To(BeEmpty())
		Expect(usersOf(ctx, globex)).To(HaveLen(5))
		Expect(groupsOf(ctx, globex)).To(HaveLen(1))
		Expect(membersOf(ctx, globex)).To(HaveLen(1))
		Expect(claimsOf(ctx, globex)).To(HaveLen(1))
	})

	It("takes it for no failure that nothing can be written into a namespace that ends", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		Expect(env.Client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tenant.Namespace}})).To(Succeed())
		probe := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "probe"}}
		Eventually(func() error { return env.Client.Create(ctx, probe.DeepCopy(), client.DryRunAll) }).ShouldNot(Succeed())
		// Nothing deletes what is in the namespace here but this.
		Expect(env.Client.Delete(ctx, &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: key(tenant).Name},
		})).To(Succeed())
		Consistently(current(ctx, tenant)).WithTimeout(3 * time.Second).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(exists(ctx, tenant)).Should(BeFalse())
	})

	It("waits for users who have finalizers of others, and deletes them once", func(ctx context.Context) {
		tenant := newTenant(ctx, withDeletionPolicy(scimv1alpha1.DeletionPolicyDelete))
		becomeReady(ctx, tenant)
		createUsers(ctx, tenant.Namespace, tenant.Name, 3)
		held := usersOf(ctx, tenant)[0]
		held.Finalizers = []string{"example.com/audit"}
		Expect(env.Client.Update(ctx, &held)).To(Succeed())

		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		waiting := And(controllertest.BeWellFormed(), HaveField("Status.Conditions", ContainElement(HaveField("Message", And(
			ContainSubstring("waiting for finalizers of others, for example on ScimUser "+held.Name),
			ContainSubstring("objects deleted: 2 so far"))))))
		Eventually(current(ctx, tenant)).Should(waiting)
		Expect(usersOf(ctx, tenant)).To(HaveLen(1))
		before, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Consistently(current(ctx, tenant)).Should(HaveField("ResourceVersion", before.ResourceVersion), "nothing is written again and again")

		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(&held), &held)).To(Succeed())
		held.Finalizers = nil
		Expect(env.Client.Update(ctx, &held)).To(Succeed())
		Eventually(exists(ctx, tenant)).Should(BeFalse())
	})

	DescribeTable("stops the server", func(ctx context.Context, finalizers []string, how ...client.DeleteOption) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Finalizers = finalizers })
		becomeReady(ctx, tenant)
		Expect(env.Client.Delete(ctx, tenant, how...)).To(Succeed())
		Eventually(func() error { return env.Client.Get(ctx, key(tenant), &appsv1.Deployment{}) }).Should(BeNotFound())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionReconciling, metav1.ConditionTrue, scimv1alpha1.ReasonDeleting),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionFalse, scimv1alpha1.ReasonDeleting),
			controllertest.BeWellFormed(),
			HaveField("Finalizers", Not(ContainElement(scimv1alpha1.Finalizer)))))
		now, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(now.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring("waiting for finalizers of others: "+now.Finalizers[0]))))

		now.Finalizers = nil
		Expect(env.Client.Update(ctx, now)).To(Succeed())
		Eventually(exists(ctx, tenant)).Should(BeFalse())
	},
		Entry("while a finalizer of somebody else keeps the tenant", []string{"example.com/mine"}),
		Entry("when all that belongs to the tenant is to stay", nil, client.PropagationPolicy(metav1.DeletePropagationOrphan)),
	)

	It("does not touch users while a server might still write them", func(ctx context.Context) {
		tenant := newTenant(ctx, withDeletionPolicy(scimv1alpha1.DeletionPolicyDelete))
		becomeReady(ctx, tenant)
		createUsers(ctx, tenant.Namespace, tenant.Name, 2)
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, "acme-scim-0")).To(Succeed())
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "acme-scim-0", Labels: operand.Labels(tenant.Name)},
			Spec: corev1.PodSpec{
				Containers:                   []corev1.Container{{Name: "scim-server", Image: controllertest.ServerImage}},
				AutomountServiceAccountToken: ptr.To(false),
			},
		}
		createServiceAccount(ctx, tenant.Namespace, "default")
		Expect(env.Client.Create(ctx, pod)).To(Succeed())

		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		deployment := &appsv1.Deployment{}
		Eventually(func() error { return env.Client.Get(ctx, key(tenant), deployment) }).Should(Satisfy(apierrors.IsNotFound))
		message := func(part string) OmegaMatcher {
			return And(controllertest.BeWellFormed(),
				HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring(part)))))
		}
		Eventually(current(ctx, tenant)).Should(message("acme-scim-0"))
		Expect(usersOf(ctx, tenant)).To(HaveLen(2))

		Expect(env.Client.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed())
		Eventually(current(ctx, tenant)).Should(message("Leases of 1 server replicas"))
		Expect(usersOf(ctx, tenant)).To(HaveLen(2))

		Expect(env.StopPod(ctx, tenant.Namespace, "acme-scim-0")).To(Succeed())
		Eventually(exists(ctx, tenant)).Should(BeFalse())
		Expect(usersOf(ctx, tenant)).To(BeEmpty())
	})
})

func exists(ctx context.Context, obj client.Object) func() (bool, error) {
	return func() (bool, error) {
		err := env.Client.Get(ctx, client.ObjectKeyFromObject(obj), obj.DeepCopyObject().(client.Object))
		return err == nil, client.IgnoreNotFound(err)
	}
}

func resourceMeta() scimv1alpha1.ResourceMeta {
	then := metav1.NewMicroTime(time.Now().Add(-time.Hour))
	return scimv1alpha1.ResourceMeta{CreatedTime: then, LastModifiedTime: then}
}

func scimLabels(tenant string) map[string]string {
	return map[string]string{scimv1alpha1.LabelTenant: tenant}
}

func createUsers(ctx context.Context, namespace, tenant string, count int) {
	GinkgoHelper()
	inParallel(count, func(i int) error {
		return env.Client.Create(ctx, &scimv1alpha1.ScimUser{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "user-", Labels: scimLabels(tenant)},
			Spec: scimv1alpha1.ScimUserSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: tenant},
				UserName:  fmt.Sprintf("user%d@example.com", i),
				Active:    []*bool{nil, ptr.To(true)}[i%2],
				Meta:      resourceMeta(),
			},
		})
	})
}

// inParallel makes many objects, some at the same time.
func inParallel(count int, create func(i int) error) {
	GinkgoHelper()
	group := errgroup.Group{}
	group.SetLimit(16)
	for i := range count {
		group.Go(func() error { return create(i) })
	}
	Expect(group.Wait()).To(Succeed())
}

func createGroup(ctx context.Context, namespace, tenant string) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &scimv1alpha1.ScimGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "group-", Labels: scimLabels(tenant)},
		Spec: scimv1alpha1.ScimGroupSpec{
			TenantRef:   scimv1alpha1.TenantReference{Name: tenant},
			DisplayName: "Everybody",
			MemberCount: ptr.To[int32](0),
			Meta:        resourceMeta(),
		},
	})).To(Succeed())
}

func createMembers(ctx context.Context, namespace, tenant string) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &scimv1alpha1.ScimGroupMembers{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "group-", Labels: scimLabels(tenant)},
		Spec: scimv1alpha1.ScimGroupMembersSpec{
			TenantRef:   scimv1alpha1.TenantReference{Name: tenant},
			GroupRef:    scimv1alpha1.GroupReference{Name: "group"},
			MemberCount: ptr.To[int32](0),
			Meta:        resourceMeta(),
		},
	})).To(Succeed())
}

func createClaim(ctx context.Context, namespace, tenant string) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, claim(namespace, tenant))).To(Succeed())
}

func claim(namespace, tenant string) *coordinationv1.Lease {
	labels := scimLabels(tenant)
	labels[scimv1alpha1.LabelLease] = scimv1alpha1.LeaseClaim
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "claim-", Labels: labels},
	}
}

func createServiceAccount(ctx context.Context, namespace, name string) {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(client.IgnoreAlreadyExists(env.Client.Create(ctx, account))).To(Succeed())
}

func usersOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) []scimv1alpha1.ScimUser {
	GinkgoHelper()
	users := &scimv1alpha1.ScimUserList{}
	Expect(env.Client.List(ctx, users, client.InNamespace(tenant.Namespace),
		client.MatchingFields{"spec.tenantRef.name": tenant.Name})).To(Succeed())
	return users.Items
}

// activeUsersOf returns those that are not inactive.
func activeUsersOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) []scimv1alpha1.ScimUser {
	GinkgoHelper()
	var active []scimv1alpha1.ScimUser
	for _, user := range usersOf(ctx, tenant) {
		if ptr.Deref(user.Spec.Active, true) {
			active = append(active, user)
		}
	}
	return active
}

func groupsOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) []scimv1alpha1.ScimGroup {
	GinkgoHelper()
	groups := &scimv1alpha1.ScimGroupList{}
	Expect(env.Client.List(ctx, groups, client.InNamespace(tenant.Namespace),
		client.MatchingFields{"spec.tenantRef.name": tenant.Name})).To(Succeed())
	return groups.Items
}

func membersOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) []scimv1alpha1.ScimGroupMembers {
	GinkgoHelper()
	members := &scimv1alpha1.ScimGroupMembersList{}
	Expect(env.Client.List(ctx, members, client.InNamespace(tenant.Namespace),
		client.MatchingFields{"spec.tenantRef.name": tenant.Name})).To(Succeed())
	return members.Items
}

func claimsOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) []coordinationv1.Lease {
	GinkgoHelper()
	claims := &coordinationv1.LeaseList{}
	Expect(env.Client.List(ctx, claims, client.InNamespace(tenant.Namespace), client.MatchingLabels{
		scimv1alpha1.LabelTenant: tenant.Name,
		scimv1alpha1.LabelLease:  scimv1alpha1.LeaseClaim,
	})).To(Succeed())
	return claims.Items
}
