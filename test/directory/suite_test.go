// Package directory tests the Go package of the same name against an API server, with what a SCIM server writes.
package directory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
)

var (
	config     *rest.Config
	kubeconfig string
	live       client.Client
	registry   *schema.Registry
)

// TestMain is the test, or the program that it starts and kills.
func TestMain(m *testing.M) {
	if folder := os.Getenv(consumerFolder); folder != "" {
		if err := consume(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestDirectory(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Directory")
}

var _ = BeforeSuite(func() {
	environment := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	var err error
	config, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	config.QPS = -1
	kubeconfig = filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(kubeconfig, environment.KubeConfig, 0o600)).To(Succeed())
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	live, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	registry, err = schema.NewRegistry()
	Expect(err).NotTo(HaveOccurred())
})

// tenant is one with its store, as a server has it.
type tenant struct {
	namespace string
	store     store.Store
}

// leaving is a policy under which nobody is kept.
var leaving = store.Policy{Tombstones: time.Hour, MostTombstones: 1000}

func newTenant(ctx context.Context) *tenant {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "directory-"}}
	Expect(live.Create(ctx, namespace)).To(Succeed())
	t := &tenant{namespace: namespace.Name, store: kubernetes.New(kubernetes.Options{
		Client: live, Tenant: client.ObjectKey{Namespace: namespace.Name, Name: "acme"}, Groups: registry.Group(),
	})}
	t.apply(ctx)
	return t
}

// apply makes the ScimTenant.
func (t *tenant) apply(ctx context.Context) {
	GinkgoHelper()
	Expect(live.Create(ctx, &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderGeneric},
	})).To(Succeed())
}

func (t *tenant) user(ctx context.Context, userName string) string {
	GinkgoHelper()
	created, err := t.store.Create(ctx, scim.NewResource(registry.User(), scim.Complex{
		"userName": userName, "emails": []any{scim.Complex{"value": userName}},
	}), leaving)
	Expect(err).NotTo(HaveOccurred())
	return created.ID()
}

func (t *tenant) group(ctx context.Context, displayName string, members ...string) string {
	GinkgoHelper()
	var values []any
	for _, id := range members {
		values = append(values, scim.Complex{"value": id})
	}
	created, err := t.store.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{"displayName": displayName, "members": values}), leaving)
	Expect(err).NotTo(HaveOccurred())
	return created.ID()
}

func (t *tenant) deactivate(ctx context.Context, id string) error {
	_, err := t.store.Update(ctx, registry.User(), id, func(current *scim.Resource) (*scim.Resource, error) {
		next := current.Clone()
		next.SetActive(false)
		return next, nil
	}, store.UpdateOptions{Policy: leaving})
	return err
}

func (t *tenant) delete(ctx context.Context, of *schema.ResourceType, id string) error {
	return t.store.Delete(ctx, of, id, store.DeleteOptions{Policy: leaving})
}

// erase deletes all markers past the server.
func (t *tenant) erase(ctx context.Context) {
	GinkgoHelper()
	for _, kind := range []client.Object{&scimv1alpha1.ScimUser{}, &scimv1alpha1.ScimGroup{}} {
		Expect(live.DeleteAllOf(ctx, kind, client.InNamespace(t.namespace), client.MatchingLabels{scimv1alpha1.LabelDeleted: "true"})).To(Succeed())
	}
}
