package scimapikey_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/controller/scimapikey"
	"github.com/kubescim/kubescim/internal/operand"
)

var env *controllertest.Environment

func TestScimApiKey(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(20 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RunSpecs(t, "ScimApiKey controller")
}

var _ = BeforeSuite(func() {
	ctrl.SetLogger(GinkgoLogr)
	var err error
	env, err = controllertest.Start()
	Expect(err).NotTo(HaveOccurred())
})

var _ = AfterSuite(func() {
	if env != nil {
		Expect(env.Stop()).To(Succeed())
	}
})

// operator is one life of the operator's key controller, driven by hand: what it
// holds in memory is lost with it.
type operator struct {
	reconciler *scimapikey.Reconciler
	events     *events.FakeRecorder
	// now is what its clock shows; the real time when zero.
	now time.Time
}

// startOperator starts a life. Requests that crash returns an error for are not
// made.
func startOperator(crash func(verb string, obj client.Object) error) *operator {
	o := &operator{events: events.NewFakeRecorder(100)}
	live := env.Client
	if crash != nil {
		live = crashing(crash)
	}
	o.reconciler = &scimapikey.Reconciler{Client: live, Live: live, Recorder: o.events, Now: func() time.Time {
		if o.now.IsZero() {
			return time.Now()
		}
		return o.now
	}}
	return o
}

func crashing(crash func(verb string, obj client.Object) error) client.Client {
	GinkgoHelper()
	withWatch, err := client.NewWithWatch(env.Config, client.Options{Scheme: env.Client.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	return interceptor.NewClient(withWatch, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := crash("create", obj); err != nil {
				return err
			}
			return c.Create(ctx, obj, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if err := crash("update", obj); err != nil {
				return err
			}
			return c.Update(ctx, obj, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := crash(sub, obj); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		},
	})
}

// reconcile reconciles a key once, and checks how that leaves its status, if it has
// come to write one.
func (o *operator) reconcile(ctx context.Context, key *scimv1alpha1.ScimApiKey) (ctrl.Result, error) {
	GinkgoHelper()
	result, err := o.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(key)})
	now := &scimv1alpha1.ScimApiKey{}
	if env.Client.Get(ctx, client.ObjectKeyFromObject(key), now) == nil && len(now.Status.Conditions) > 0 {
		Expect(now).To(controllertest.BeWellFormed())
	}
	return result, err
}

// reconcileUntilStable reconciles a key some times, as the watches would have it.
func (o *operator) reconcileUntilStable(ctx context.Context, key *scimv1alpha1.ScimApiKey) {
	GinkgoHelper()
	for range 3 {
		_, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
	}
}

// recorded returns the events that have been recorded since the last call.
func (o *operator) recorded() []string {
	var all []string
	for len(o.events.Events) > 0 {
		all = append(all, <-o.events.Events)
	}
	return all
}

// newTenant creates a tenant with a URL, as its controller would have left it,
// in a namespace of its own.
func newTenant(ctx context.Context) *scimv1alpha1.ScimTenant {
	GinkgoHelper()
	tenant := createTenant(ctx)
	setURL(ctx, tenant, "https://acme.example.com/scim/v2")
	return tenant
}

// createTenant creates a tenant in a namespace of its own.
func createTenant(ctx context.Context) *scimv1alpha1.ScimTenant {
	GinkgoHelper()
	namespace, err := env.NewNamespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
	}
	Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	return tenant
}

func setURL(ctx context.Context, tenant *scimv1alpha1.ScimTenant, url string) {
	GinkgoHelper()
	Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
	tenant.Status.URL = url
	tenant.Status.ObservedGeneration = tenant.Generation
	Expect(env.Client.Status().Update(ctx, tenant)).To(Succeed())
}

// newKey creates a key of a tenant.
func newKey(ctx context.Context, tenant *scimv1alpha1.ScimTenant, name string, change ...func(*scimv1alpha1.ScimApiKey)) *scimv1alpha1.ScimApiKey {
	GinkgoHelper()
	key := &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: name},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant.Name}},
	}
	for _, c := range change {
		c(key)
	}
	Expect(env.Client.Create(ctx, key)).To(Succeed())
	return key
}

// deliver creates a key and brings its token all the way to the hand-over Secret.
func deliver(ctx context.Context, o *operator, tenant *scimv1alpha1.ScimTenant, name string, change ...func(*scimv1alpha1.ScimApiKey)) (key *scimv1alpha1.ScimApiKey, token string) {
	GinkgoHelper()
	key = newKey(ctx, tenant, name, change...)
	o.reconcileUntilStable(ctx, key)
	accept(ctx, tenant, "acme-scim-0")
	o.reconcileUntilStable(ctx, key)
	Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	return key, string(secret(ctx, key.Namespace, key.HandoverSecretName()).Data[operand.HandoverToken])
}

// accept lets server pods use the verifiers as they are now.
func accept(ctx context.Context, tenant *scimv1alpha1.ScimTenant, pods ...string) {
	GinkgoHelper()
	for _, pod := range pods {
		Expect(env.Accept(ctx, tenant.Namespace, tenant.Name, pod)).To(Succeed())
	}
}

// current returns the key as it is now.
func current(ctx context.Context, key *scimv1alpha1.ScimApiKey) *scimv1alpha1.ScimApiKey {
	GinkgoHelper()
	now := &scimv1alpha1.ScimApiKey{}
	Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(key), now)).To(Succeed())
	return now
}

// secret returns a Secret; nil if there is none.
func secret(ctx context.Context, namespace, name string) *corev1.Secret {
	GinkgoHelper()
	s := &corev1.Secret{}
	err := env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, s)
	Expect(client.IgnoreNotFound(err)).NotTo(HaveOccurred())
	if err != nil {
		return nil
	}
	return s
}

// verifiersOf returns the Secret with a tenant's verifiers; nil if there is none.
func verifiersOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) *corev1.Secret {
	GinkgoHelper()
	return secret(ctx, tenant.Namespace, contract.VerifiersName(tenant.Name))
}
