package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/conformance"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

var (
	config   *rest.Config
	live     client.WithWatch
	watching client.WithWatch // as a replica's cache has it
	registry = func() *schema.Registry {
		registry, err := schema.NewRegistry()
		if err != nil {
			panic(err)
		}
		return registry
	}()
)

func TestKubernetes(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Kubernetes store")
}

var _ = BeforeSuite(func() {
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	var err error
	config, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	config.QPS = -1
	config.Wrap(transport.Audit)
	config.Wrap(transport.Once)

	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	live, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	watching, err = cache.NewWatchClient(live, config)
	Expect(err).NotTo(HaveOccurred())
})

// newNamespace makes a namespace for one case.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "store-"}}
	Expect(live.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// backend is two tenants in one namespace.
type backend struct {
	namespace string
	sizes     sizes
}

func (b backend) Replica() store.Store     { return sized(newStore(live, b.namespace), b.sizes) }
func (b backend) OtherTenant() store.Store { return b.tenant("globex") }

func (b backend) tenant(name string) *Store {
	return New(Options{Client: live, Tenant: client.ObjectKey{Namespace: b.namespace, Name: name}, Groups: registry.Group()})
}

// newStore returns a store of the tenant acme.
func newStore(c client.Client, namespace string) *Store {
	return New(Options{Client: c, Tenant: client.ObjectKey{Namespace: namespace, Name: "acme"}, Groups: registry.Group()})
}

var _ = conformance.Run("kubernetes, read live,", registry, func() conformance.Backend {
	return backend{namespace: newNamespace(context.Background())}
})

var _ = conformance.Run("kubernetes, read from memory,", registry, func() conformance.Backend {
	return &replicas{backend: backend{namespace: newNamespace(context.Background())}}
})

var _ = conformance.Run("kubernetes, with slices of few members,", registry, func() conformance.Backend {
	return &replicas{backend: backend{namespace: newNamespace(context.Background())}, sizes: sizes{inline: 1, slice: 3}}
})

var _ = conformance.Run("kubernetes, with slices of few members, read live,", registry, func() conformance.Backend {
	return backend{namespace: newNamespace(context.Background()), sizes: sizes{inline: 1, slice: 3}}
})

// replicas are stores with a cache each, which know each other's marks.
type replicas struct {
	backend
	sizes  sizes
	mu     sync.Mutex
	caches []*cache.Cache
}

// Replica returns another one, once it is in step.
func (r *replicas) Replica() store.Store {
	GinkgoHelper()
	tenant := client.ObjectKey{Namespace: r.namespace, Name: "acme"}
	memory := cache.New(watching, tenant, readindex.NewMarks(), slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
	members := r.start(memory, func() {})
	return sized(New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Cache: memory, Members: members}), r.sizes)
}

// sized makes the store spread members over objects of other sizes.
func sized(s *Store, to sizes) *Store {
	if to != (sizes{}) {
		s.sizes = to
	}
	return s
}

var writerOfTest = codec.Writer{Actor: store.Actor{RequestID: "a-test"}}

// halfDelete deletes a resource as a process does that dies once it has marked it.
func halfDelete(ctx context.Context, s *Store, t *schema.ResourceType, id string, keep bool) {
	GinkgoHelper()
	read, err := s.objects.Read(ctx, t, id)
	Expect(err).NotTo(HaveOccurred())
	d := &deletion{store: s, t: t, id: id, by: codec.WriterOf(ctx), keep: keep}
	_, err = d.mark(ctx, read)
	Expect(err).NotTo(HaveOccurred())
}

// dying returns a client whose process dies at its n-th write: that write and
// every call after it fail. After reports whether the n-th write still arrives.
func dying(n int, after bool) client.Client {
	writes, dead := 0, false
	died := fmt.Errorf("the process is gone")
	write := func(do func() error) error {
		if dead {
			return died
		}
		writes++
		if writes < n {
			return do()
		}
		dead = true
		if after {
			_ = do()
		}
		return died
	}
	return interceptor.NewClient(live, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if dead {
				return died
			}
			return c.Get(ctx, key, obj, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return write(func() error { return c.Create(ctx, obj, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return write(func() error { return c.Update(ctx, obj, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return write(func() error { return c.Delete(ctx, obj, opts...) })
		},
	})
}
