package scimtenant

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// fakeLive returns a client of an API server in memory.
func fakeLive(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, scimv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
}

// A ScimCredential that came after its key was revoked would let its token in as soon as
// there is another key of that name.
func TestAKeyThatIsRevokedMeanwhileGetsNoCredential(t *testing.T) {
	listed := &scimv1alpha1.ScimApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "okta", UID: "uid"}}
	leaving := listed.DeepCopy()
	leaving.DeletionTimestamp, leaving.Finalizers = &metav1.Time{Time: metav1.Now().Time}, []string{scimv1alpha1.Finalizer}
	another := listed.DeepCopy()
	another.UID = "other"
	for name, tc := range map[string]struct {
		there []client.Object
		stays bool
	}{
		"a key that is there":  {[]client.Object{listed}, true},
		"one that is gone":     {nil, false},
		"one that is leaving":  {[]client.Object{leaving}, false},
		"another of that name": {[]client.Object{another}, false},
	} {
		t.Run(name, func(t *testing.T) {
			live := fakeLive(t, interceptor.Funcs{}, tc.there...)
			r := &Reconciler{Live: live}
			credential := &scimv1alpha1.ScimCredential{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "aaaaaaaaaaaaaaaa"}}
			if err := r.makeCredential(t.Context(), listed, credential); err != nil {
				t.Fatal(err)
			}
			err := live.Get(t.Context(), client.ObjectKeyFromObject(credential), &scimv1alpha1.ScimCredential{})
			if client.IgnoreNotFound(err) != nil || apierrors.IsNotFound(err) == tc.stays {
				t.Errorf("reading the credential: %v", err)
			}
		})
	}
}

func TestATenantIsLookedAtOnceForVerifiers(t *testing.T) {
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme", UID: "uid"}}
	ours := operand.VerifiersSecret("team", "acme", nil, nil)
	theirs := ours.DeepCopy()
	theirs.Labels = nil
	for name, tc := range map[string]struct {
		secret client.Object
		found  bool
		looks  int
	}{
		"none":            {nil, false, 1},
		"somebody else's": {theirs, false, 1},
		"of before":       {ours, true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			looks := 0
			counting := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				looks++
				return c.Get(ctx, key, obj, opts...)
			}}
			var there []client.Object
			if tc.secret != nil {
				there = append(there, tc.secret)
			}
			r := &Reconciler{Live: fakeLive(t, counting, there...)}
			var s *scope
			for range 3 {
				s = &scope{tenant: tenant}
				if err := r.gatherVerifiers(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if (s.verifiers != nil) != tc.found || looks != tc.looks {
				t.Errorf("after %d looks, the Secret is %+v", looks, s.verifiers)
			}
			if err := r.Live.Get(t.Context(), client.ObjectKeyFromObject(ours), &corev1.Secret{}); (err == nil) != (tc.secret != nil) {
				t.Error(err)
			}
		})
	}
}
