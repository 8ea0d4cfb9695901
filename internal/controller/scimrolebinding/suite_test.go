package scimrolebinding_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var (
	env         *controllertest.Environment
	stopManager func() error
)

func TestScimRoleBinding(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RunSpecs(t, "ScimRoleBinding controller")
}

var _ = BeforeSuite(func() {
	log.SetLogger(GinkgoLogr)
	ctrl.SetLogger(GinkgoLogr)
	var err error
	env, err = controllertest.Start()
	Expect(err).NotTo(HaveOccurred())
	startManager()
})

var _ = AfterSuite(func() {
	if stopManager != nil {
		Expect(stopManager()).To(Succeed())
	}
	if env != nil {
		Expect(env.Stop()).To(Succeed())
	}
})

func startManager() {
	GinkgoHelper()
	var err error
	stopManager, err = env.StartManager(controllertest.Operator)
	Expect(err).NotTo(HaveOccurred())
}

// place is a namespace with a tenant that is called acme.
type place struct {
	namespace string
	tenant    *scimv1alpha1.ScimTenant
}

func newPlace(ctx context.Context) place {
	GinkgoHelper()
	namespace, err := env.NewNamespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
	}
	Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	return place{namespace: namespace, tenant: tenant}
}

var written = scimv1alpha1.ResourceMeta{CreatedTime: metav1.NowMicro(), LastModifiedTime: metav1.NowMicro()}

// user makes a user of the tenant, whose name is the id.
func (p place) user(id string) *scimv1alpha1.ScimUser {
	GinkgoHelper()
	user := &scimv1alpha1.ScimUser{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: id},
		Spec:       scimv1alpha1.ScimUserSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, UserName: id + "@example.com", Meta: written},
	}
	Expect(env.Client.Create(context.Background(), user)).To(Succeed())
	return user
}

// group makes a group of the tenant.
func (p place) group(id string, users ...scimv1alpha1.MemberID) *scimv1alpha1.ScimGroup {
	GinkgoHelper()
	group := &scimv1alpha1.ScimGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: id},
		Spec: scimv1alpha1.ScimGroupSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, DisplayName: "Team " + id, Members: users,
			MemberCount: ptr.To(int32(len(users))), Meta: written,
		},
	}
	Expect(env.Client.Create(context.Background(), group)).To(Succeed())
	return group
}

// binding is one of a group, which is not there yet.
func (p place) binding(name, group string, change ...func(*scimv1alpha1.ScimRoleBindingSpec)) *scimv1alpha1.ScimRoleBinding {
	binding := &scimv1alpha1.ScimRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name},
		Spec: scimv1alpha1.ScimRoleBindingSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, Group: scimv1alpha1.GroupSelector{DisplayName: "team " + group},
			RoleRef: scimv1alpha1.BoundRoleReference{Kind: scimv1alpha1.BoundClusterRole, Name: "view"},
			Subject: scimv1alpha1.SubjectSpec{Attribute: scimv1alpha1.SubjectUserName, Prefix: "oidc:"},
		},
	}
	for _, c := range change {
		c(&binding.Spec)
	}
	return binding
}

// bind makes a binding, when the policy has been there for long enough.
func (p place) bind(name, group string, change ...func(*scimv1alpha1.ScimRoleBindingSpec)) *scimv1alpha1.ScimRoleBinding {
	GinkgoHelper()
	Eventually(policyAge(context.Background())).Should(BeNumerically(">", 6*time.Second))
	binding := p.binding(name, group, change...)
	Expect(env.Client.Create(context.Background(), binding)).To(Succeed())
	return binding
}

func policyAge(ctx context.Context) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		bound := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
		err := env.Client.Get(ctx, client.ObjectKey{Name: "kubescim-role-bindings"}, bound)
		return time.Since(bound.CreationTimestamp.Time), err
	}
}

// named are the subjects of users by their ids.
func named(ids ...string) (all []rbacv1.Subject) {
	for _, id := range ids {
		all = append(all, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "oidc:" + id + "@example.com"})
	}
	return all
}

// roleBinding returns a function that reads the RoleBinding of a binding, as long as it has one.
func (p place) roleBinding(name string) func() (*rbacv1.RoleBinding, error) {
	return func() (*rbacv1.RoleBinding, error) {
		found := &rbacv1.RoleBinding{}
		err := env.Client.Get(context.Background(), client.ObjectKey{Namespace: p.namespace, Name: "scim:" + name + ":0"}, found)
		return found, client.IgnoreNotFound(err)
	}
}

// haveSubjects succeeds if a RoleBinding has exactly the users with these ids; without any, it is not there.
func haveSubjects(ids ...string) OmegaMatcher {
	return HaveField("Subjects", Equal(named(ids...)))
}

// current returns a function that reads an object as it is now.
func current[T any, P interface {
	*T
	client.Object
}](ctx context.Context, object P) func() (P, error) {
	return func() (P, error) {
		now := P(new(T))
		return now, env.Client.Get(ctx, client.ObjectKeyFromObject(object), now)
	}
}

// change writes a change of an object.
func change[T any, P interface {
	*T
	client.Object
}](ctx context.Context, object P, do func(P)) {
	GinkgoHelper()
	Eventually(func() error {
		now, err := current[T, P](ctx, object)()
		if err != nil {
			return err
		}
		do(now)
		return env.Client.Update(ctx, now)
	}).Should(Succeed())
}
