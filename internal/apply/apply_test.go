package apply

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// cluster is an API server in memory that counts the applies.
type cluster struct {
	client.Client
	applies int
	fail    error
}

func newCluster(t *testing.T, objects ...client.Object) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), scimv1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c := &cluster{}
	c.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(ctx context.Context, w client.WithWatch, ac runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
				c.applies++
				if c.fail != nil {
					return c.fail
				}
				return w.Apply(ctx, ac, opts...)
			},
		}).Build()
	return c
}

func acme() *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme", UID: "uid"}}
}

func service(change func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme-scim"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "old", Port: 1}}},
	}
	change(s)
	return s
}

func ownedBy(kind, name string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "v1", Kind: kind, Name: name, UID: uid, Controller: ptr.To(true)}}
}

func TestApplySendsNothingTwice(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	a := New(c, c)
	obj, err := a.Apply(ctx, operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme())))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := obj.(*corev1.Service); !ok || s.Spec.Ports[0].Port != contract.PortService {
		t.Fatalf("Apply returned %+v", obj)
	}
	for range 3 {
		if _, err := a.Apply(ctx, operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme()))); err != nil {
			t.Fatal(err)
		}
	}
	if c.applies != 1 {
		t.Errorf("%d applies were sent, want 1", c.applies)
	}
}

func TestApplySendsWhatHasChanged(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		change func(t *testing.T, c *cluster, tenant *scimv1alpha1.ScimTenant)
		want   int
	}{
		"the intent": {func(_ *testing.T, _ *cluster, tenant *scimv1alpha1.ScimTenant) { tenant.UID = "other" }, 2},
		"the object": {func(t *testing.T, c *cluster, _ *scimv1alpha1.ScimTenant) {
			edit(t, c, func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 })
		}, 2},
		"its labels": {func(t *testing.T, c *cluster, _ *scimv1alpha1.ScimTenant) {
			edit(t, c, func(s *corev1.Service) { s.Labels[operand.LabelName] = "x" })
		}, 2},
		"nothing but its status": {func(t *testing.T, c *cluster, _ *scimv1alpha1.ScimTenant) {
			s := get(t, c)
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "x"}}
			if err := c.Status().Update(ctx, s); err != nil {
				t.Fatal(err)
			}
		}, 1},
		"nothing": {func(*testing.T, *cluster, *scimv1alpha1.ScimTenant) {}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, tenant := newCluster(t), acme()
			a := New(c, c)
			intent := func() Intent {
				return operand.Service(operand.DedicatedServer(&scimv1alpha1.ScimTenant{ObjectMeta: tenant.ObjectMeta}))
			}
			if _, err := a.Apply(ctx, operand.TenantOwner(tenant), intent()); err != nil {
				t.Fatal(err)
			}
			tc.change(t, c, tenant)
			// Of a changed UID only the intent is of interest, not the owner.
			if tenant.UID != "uid" {
				edit(t, c, func(s *corev1.Service) { s.OwnerReferences = nil })
			}
			if _, err := a.Apply(ctx, operand.TenantOwner(tenant), intent()); err != nil {
				t.Fatal(err)
			}
			if c.applies != tc.want {
				t.Errorf("%d applies were sent, want %d", c.applies, tc.want)
			}
		})
	}
}

func TestApplyTakesNothingFromOthers(t *testing.T) {
	ours := operand.Labels("acme")
	for name, tc := range map[string]struct {
		existing *corev1.Service
		want     any
	}{
		"somebody's":           {service(func(*corev1.Service) {}), new(*ConflictError)},
		"another tenant's":     {service(func(s *corev1.Service) { s.Labels = operand.Labels("globex") }), new(*ConflictError)},
		"somebody's with ours": {service(func(s *corev1.Service) { s.Labels = ours; s.OwnerReferences = ownedBy("Deployment", "web", "x") }), new(*ConflictError)},
		"the earlier tenant's": {service(func(s *corev1.Service) { s.Labels = ours; s.OwnerReferences = ownedBy("ScimTenant", "acme", "x") }), new(*LeftoverError)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, tc.existing)
			_, err := New(c, c).Apply(context.Background(), operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme())))
			if !errors.As(err, tc.want) {
				t.Errorf("the error is %v, want a %T", err, tc.want)
			}
			if c.applies != 0 || get(t, c).Spec.Ports[0].Name != "old" {
				t.Error("the object was written")
			}
		})
	}
}

// What the cache leaves out must be seen nevertheless.
func TestApplyAsksTheAPIServerBeforeItMakesAnObject(t *testing.T) {
	cached, live := newCluster(t), newCluster(t, service(func(*corev1.Service) {}))
	_, err := New(cached, live).Apply(context.Background(), operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme())))
	if conflict := (*ConflictError)(nil); !errors.As(err, &conflict) {
		t.Errorf("the error is %v", err)
	}
	if cached.applies != 0 {
		t.Error("the object was written")
	}
}

func TestApplyTakesBackItsOwn(t *testing.T) {
	for name, existing := range map[string]*corev1.Service{
		"without an owner": service(func(s *corev1.Service) { s.Labels = operand.Labels("acme") }),
		"without labels":   service(func(s *corev1.Service) { s.OwnerReferences = ownedBy("ScimTenant", "acme", "uid") }),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, existing)
			if _, err := New(c, c).Apply(context.Background(), operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme()))); err != nil {
				t.Fatal(err)
			}
			if s := get(t, c); s.Labels[operand.LabelManagedBy] != operand.ManagedBy || !metav1.IsControlledBy(s, acme()) {
				t.Errorf("the object is %+v", s.ObjectMeta)
			}
		})
	}
}

func TestApplyReportsFailures(t *testing.T) {
	c := newCluster(t)
	c.fail = errors.New("no")
	a := New(c, c)
	if _, err := a.Apply(context.Background(), operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme()))); !errors.Is(err, c.fail) {
		t.Errorf("the error is %v", err)
	}
	c.fail = nil
	if _, err := a.Apply(context.Background(), operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme()))); err != nil || c.applies != 2 {
		t.Errorf("the failed apply was not repeated: %v", err)
	}
}

func TestDelete(t *testing.T) {
	for name, tc := range map[string]struct {
		existing *corev1.Service
		gone     bool
	}{
		"its own":    {service(func(s *corev1.Service) { s.Labels = operand.Labels("acme") }), true},
		"somebody's": {service(func(*corev1.Service) {}), false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, c := context.Background(), newCluster(t, tc.existing)
			obj := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme-scim"}}
			for range 2 {
				if err := New(c, c).Delete(ctx, operand.TenantOwner(acme()), obj.DeepCopy()); err != nil {
					t.Fatal(err)
				}
			}
			err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj)
			if gone := err != nil; gone != tc.gone {
				t.Errorf("gone = %v", gone)
			}
		})
	}
}

func get(t *testing.T, c *cluster) *corev1.Service {
	t.Helper()
	s := &corev1.Service{}
	if err := c.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: "acme-scim"}, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func edit(t *testing.T, c *cluster, change func(*corev1.Service)) {
	t.Helper()
	s := get(t, c)
	change(s)
	if err := c.Update(context.Background(), s); err != nil {
		t.Fatal(err)
	}
}
