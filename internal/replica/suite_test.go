package replica_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/readindex"
)

func TestReplica(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Replica")
}

var (
	environment *envtest.Environment
	scheme      = runtime.NewScheme()
	admin       client.Client
)

var _ = BeforeSuite(func() {
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})

// dropRules makes the API server take objects of a resource that its CRD refuses, such
// as are there when an earlier CRD took them.
func dropRules(ctx context.Context, resource string) {
	GinkgoHelper()
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	Expect(admin.Get(ctx, client.ObjectKey{Name: resource + "." + scimv1alpha1.GroupVersion.Group}, definition)).To(Succeed())
	withoutRules(definition.Object)
	Expect(admin.Update(ctx, definition)).To(Succeed())
}

// withoutRules takes out all rules of a schema, and of what is in it.
func withoutRules(value any) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			withoutRules(item)
		}
	case map[string]any:
		delete(value, "x-kubernetes-validations")
		for _, field := range value {
			withoutRules(field)
		}
	}
}

// asServer returns a client with the permissions that the operator gives to the
// tenant's server, and no others.
func asServer(ctx context.Context, tenant *scimv1alpha1.ScimTenant) client.WithWatch {
	GinkgoHelper()
	live, err := client.NewWithWatch(serverConfig(ctx, tenant), client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return live
}

// serverConfig returns how the tenant's server reaches the API server.
func serverConfig(ctx context.Context, tenant *scimv1alpha1.ScimTenant) *rest.Config {
	GinkgoHelper()
	owner := client.FieldOwner("test")
	Expect(admin.Apply(ctx, operand.ServiceAccount(operand.DedicatedServer(tenant)), owner)).To(Succeed())
	Expect(admin.Apply(ctx, operand.Role(operand.DedicatedServer(tenant)), owner)).To(Succeed())
	Expect(admin.Apply(ctx, operand.RoleBinding(operand.DedicatedServer(tenant)), owner)).To(Succeed())
	user, err := environment.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + tenant.Namespace + ":" + operand.Name(tenant.Name),
		Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}, nil)
	Expect(err).NotTo(HaveOccurred())
	return user.Config()
}

// late returns the client with watches of a list whose events wait, while holding is true,
// until released is closed.
func late(live client.WithWatch, list string, holding *atomic.Bool, released <-chan struct{}) client.WithWatch {
	return interceptor.NewClient(live, interceptor.Funcs{
		Watch: func(ctx context.Context, c client.WithWatch, objects client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			events, err := c.Watch(ctx, objects, opts...)
			if err != nil || objects.GetObjectKind().GroupVersionKind().Kind != list {
				return events, err
			}
			return watch.Filter(events, func(event watch.Event) (watch.Event, bool) {
				if holding.Load() {
					<-released
				}
				return event, true
			}), nil
		},
	})
}

// nothingAcknowledged is the store of a replica that has acknowledged nothing to clients.
type nothingAcknowledged struct{}

func (nothingAcknowledged) Restart() {}

func (nothingAcknowledged) Latest(context.Context) (readindex.Revisions, error) {
	return readindex.Revisions{}, nil
}
