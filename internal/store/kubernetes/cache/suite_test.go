package cache

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

var (
	config   *rest.Config
	live     client.WithWatch
	watching client.WithWatch // as a Cache has it
	registry = func() *schema.Registry {
		registry, err := schema.NewRegistry()
		if err != nil {
			panic(err)
		}
		return registry
	}()
	writerOfTest = codec.Writer{Actor: store.Actor{RequestID: "a-test"}}
)

func TestCache(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Cache")
}

var _ = BeforeSuite(func() {
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	var err error
	config, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	config.QPS = -1

	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	live, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	watching, err = NewWatchClient(live, config)
	Expect(err).NotTo(HaveOccurred())
})

// newNamespace makes a namespace for one case.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "cache-"}}
	Expect(live.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// createUser makes a ScimUser of the tenant acme and returns its id.
func createUser(ctx context.Context, namespace, userName string) string {
	GinkgoHelper()
	user := scim.NewResource(registry.User(), scim.Complex{"userName": userName, "active": true})
	now := metav1.NowMicro()
	object, err := codec.Encode(client.ObjectKey{Namespace: namespace, Name: "acme"}, &scimv1alpha1.ScimUser{}, user, codec.Stamp(now, now, writerOfTest), nil)
	Expect(err).NotTo(HaveOccurred())
	object.SetName(uuid.NewString())
	Expect(live.Create(ctx, object)).To(Succeed())
	return object.GetName()
}

// alone is a replica without others.
type alone struct{ *Cache }

// ReadIndex implements Members.
func (a alone) ReadIndex(context.Context, readindex.Tenant) (readindex.Revisions, error) {
	return a.Revisions(), nil
}

// Rewound implements Members.
func (alone) Rewound() {}
