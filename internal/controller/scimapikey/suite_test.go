package scimapikey_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/controller/scimapikey"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/operand"
)

var env *controllertest.Environment

func TestScimApiKey(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
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

// startOperator starts a life. Writes that crash returns an error for are not made.
func startOperator(crash func(verb string, obj client.Object) error) *operator {
	if crash == nil {
		return operatorWith(env.Client)
	}
	return operatorWith(intercepted(func(verb string, obj client.Object, write func() error) error {
		if err := crash(verb, obj); err != nil {
			return err
		}
		return write()
	}))
}

// operatorWith starts a life that goes by a client.
func operatorWith(live client.Client) *operator {
	o := &operator{events: events.NewFakeRecorder(100)}
	o.reconciler = &scimapikey.Reconciler{Client: live, Live: live, Recorder: o.events, Usage: usage.NewPoller(live, nil), Now: func() time.Time {
		if o.now.IsZero() {
			return time.Now()
		}
		return o.now
	}}
	return o
}

// intercepted returns a client whose writes go through a function.
func intercepted(through func(verb string, obj client.Object, write func() error) error) client.Client {
	GinkgoHelper()
	withWatch, err := client.NewWithWatch(env.Config, client.Options{Scheme: env.Client.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	return interceptor.NewClient(withWatch, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return through("create", obj, func() error { return c.Create(ctx, obj, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return through("update", obj, func() error { return c.Update(ctx, obj, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return through("delete", obj, func() error { return c.Delete(ctx, obj, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return through("patch", obj, func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return through(sub, obj, func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
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
	settle(ctx, o, tenant, key)
	Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	return key, tokenOf(ctx, key)
}

// settle reconciles a key while a server pod follows the credentials.
func settle(ctx context.Context, o *operator, tenant *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) {
	GinkgoHelper()
	for range 4 {
		_, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		accept(ctx, tenant, "acme-scim-0")
	}
	_, err := o.reconcile(ctx, key)
	Expect(err).NotTo(HaveOccurred())
}

// tokenOf returns the token in the hand-over Secret of a key.
func tokenOf(ctx context.Context, key *scimv1alpha1.ScimApiKey) string {
	GinkgoHelper()
	handover := secret(ctx, key.Namespace, key.HandoverSecretName())
	Expect(handover).NotTo(BeNil())
	return string(handover.Data[operand.HandoverToken])
}

// credentialsOf returns the ScimCredentials of a key.
func credentialsOf(ctx context.Context, key *scimv1alpha1.ScimApiKey) []scimv1alpha1.ScimCredential {
	GinkgoHelper()
	found := &scimv1alpha1.ScimCredentialList{}
	Expect(env.Client.List(ctx, found, client.InNamespace(key.Namespace),
		client.MatchingFields{"spec.apiKeyRef.name": key.Name})).To(Succeed())
	return found.Items
}

// beRevoked succeeds if a ScimCredential has been made to expire.
func beRevoked() types.GomegaMatcher {
	return HaveField("Spec.ExpirationTime.Time", And(Not(BeZero()), BeTemporally("<=", time.Now())))
}

// accepts reports whether a server of the tenant accepts a token now.
func accepts(ctx context.Context, tenant *scimv1alpha1.ScimTenant, token string) bool {
	GinkgoHelper()
	return acceptsAt(ctx, tenant, token, time.Now())
}

// acceptsAt reports whether a server of the tenant accepts a token at a time.
func acceptsAt(ctx context.Context, tenant *scimv1alpha1.ScimTenant, token string, now time.Time) bool {
	GinkgoHelper()
	keys, credentials := &scimv1alpha1.ScimApiKeyList{}, &scimv1alpha1.ScimCredentialList{}
	Expect(env.Client.List(ctx, keys, client.InNamespace(tenant.Namespace))).To(Succeed())
	Expect(env.Client.List(ctx, credentials, client.InNamespace(tenant.Namespace))).To(Succeed())
	byName, all := map[string]*scimv1alpha1.ScimApiKey{}, []*scimv1alpha1.ScimCredential{}
	for i := range keys.Items {
		byName[keys.Items[i].Name] = &keys.Items[i]
	}
	for i := range credentials.Items {
		all = append(all, &credentials.Items[i])
	}
	id, _ := apikey.KeyID(token)
	return contract.Accepted(tenant, byName, all, now)[id].Verifier.Matches(token)
}

// provide applies the ScimCredential of a token that was made elsewhere.
func provide(ctx context.Context, key *scimv1alpha1.ScimApiKey, change ...func(*scimv1alpha1.ScimCredential)) (credential *scimv1alpha1.ScimCredential, token string) {
	GinkgoHelper()
	token, verifier, err := apikey.Mint()
	Expect(err).NotTo(HaveOccurred())
	credential = contract.CredentialOf(verifier, key.Namespace, key.Name, time.Now().Add(-time.Minute))
	for _, c := range change {
		c(credential)
	}
	Expect(env.Client.Create(ctx, credential)).To(Succeed())
	return credential, token
}

// accept lets server pods go by the credentials as they are now.
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
