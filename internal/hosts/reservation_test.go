package hosts

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// Under watchNamespaces, the operator's rights in a namespace go with the namespace.
func TestAHolderWithoutANamespaceHasGivenItsHostUp(t *testing.T) {
	for name, tc := range map[string]struct {
		namespaces []client.Object
		want       bool
	}{
		"its namespace is gone":              {nil, true},
		"its namespace is watched no longer": {[]client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "acme"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, scimv1alpha1.AddToScheme} {
				if err := add(scheme); err != nil {
					t.Fatal(err)
				}
			}
			record := operand.HostRecord("kubescim-system", "acme.example.com", operand.Holder{Kind: operand.KindTenant, NamespacedName: types.NamespacedName{Namespace: "acme", Name: "acme"}})
			live := fake.NewClientBuilder().WithScheme(scheme).WithObjects(tc.namespaces...).WithObjects(record).
				WithInterceptorFuncs(interceptor.Funcs{Get: func(
					ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, options ...client.GetOption,
				) error {
					if _, ok := obj.(*networkingv1.Ingress); ok {
						return apierrors.NewForbidden(schema.GroupResource{Resource: "ingresses"}, key.Name, nil)
					}
					return c.Get(ctx, key, obj, options...)
				}}).Build()
			r := &Records{Live: live, Namespace: "kubescim-system", Routes: func(context.Context) (client.Reader, error) { return nil, nil }}
			stored, err := r.recordOf(context.Background(), "acme.example.com")
			if err != nil || stored == nil {
				t.Fatal(stored, err)
			}
			since, err := r.givenUpSince(context.Background(), stored)
			if err != nil || since.IsZero() == tc.want {
				t.Errorf("given up since %s, %v", since, err)
			}
		})
	}
}

// HTTPRoutes that cannot be read are no reason to refuse a host to whom nobody else has, nor to give one away.
func TestHostsWhileHTTPRoutesCannotBeRead(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, scimv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	holder := operand.Holder{Kind: operand.KindTenant, NamespacedName: types.NamespacedName{Namespace: "acme", Name: "gone"}}
	live := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "acme"}}, operand.HostRecord("kubescim-system", "held.example.com", holder)).
		WithIndex(&networkingv1.Ingress{}, indexPublished, func(obj client.Object) []string {
			if ingress, ok := obj.(*networkingv1.Ingress); ok {
				return operand.ByIngress(ingress).Hosts
			}
			return nil
		}).Build()
	r := &Records{Live: live, Cached: live, Namespace: "kubescim-system", Routes: func(context.Context) (client.Reader, error) {
		return nil, errors.New("busy")
	}}
	owner := operand.Owner{Kind: operand.KindTenant, Namespace: "acme", Name: "acme"}
	for host, want := range map[string]bool{"held.example.com": true, "free.example.com": false} {
		taken, err := r.Hold(t.Context(), owner, nil, Wish{Host: host})
		if err != nil || (taken != nil) != want {
			t.Errorf("%s is taken by %v, %v", host, taken, err)
		}
	}
}
