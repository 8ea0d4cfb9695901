package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/barrier"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// cluster is an API server and an etcd that can be backed up and restored.
type cluster struct {
	environment *envtest.Environment
	data        string // etcd's
	config      *rest.Config
}

const clusterToken = "token-of-a-test"

// startCluster starts one, which ends with the test. Its clients outlive its API server:
// they know it by its address and have a token.
func startCluster() *cluster {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	tokens := filepath.Join(folder, "tokens.csv")
	Expect(os.WriteFile(tokens, []byte(clusterToken+",test,test,system:masters\n"), 0o600)).To(Succeed())
	c := &cluster{data: filepath.Join(folder, "etcd")}
	Expect(os.Mkdir(c.data, 0o700)).To(Succeed())
	c.environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	c.environment.ControlPlane.Etcd = &envtest.Etcd{DataDir: c.data}
	c.environment.ControlPlane.GetAPIServer().Configure().Append("token-auth-file", tokens)
	started, err := c.environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() {
		_ = c.environment.ControlPlane.APIServer.Stop() // It is killed if it waits for watches.
		Expect(c.environment.ControlPlane.Etcd.Stop()).To(Succeed())
	})
	c.config = &rest.Config{
		Host: started.Host, BearerToken: clusterToken, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1,
	}
	return c
}

// restart stops the API server and etcd, and starts them again. Between, it does what
// there is to do with etcd's data.
func (c *cluster) restart(between func()) {
	GinkgoHelper()
	plane := &c.environment.ControlPlane
	// It would wait for the watches to end; it is killed instead.
	plane.APIServer.StopTimeout = time.Second
	_ = plane.APIServer.Stop()
	Eventually(func() error {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.config.Host, "https://"))
		if err == nil {
			_ = conn.Close()
		}
		return err
	}).Should(HaveOccurred())
	Expect(plane.Etcd.Stop()).To(Succeed())
	between()
	Expect(plane.Etcd.Start()).To(Succeed())
	Expect(plane.APIServer.Start()).To(Succeed())
}

// pod is a replica with all its parts but for HTTP.
type pod struct {
	*Store
	members *barrier.Barrier
}

// startPod starts a pod of the tenant, which ends with the test.
func (c *cluster) startPod(namespace, name string) *pod {
	GinkgoHelper()
	plain, err := client.NewWithWatch(rest.CopyConfig(c.config), client.Options{Scheme: live.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	watching, err := NewWatchClient(plain, c.config)
	Expect(err).NotTo(HaveOccurred())
	tenant, log := client.ObjectKey{Namespace: namespace, Name: "acme"}, slog.New(slog.NewTextHandler(GinkgoWriter, nil)).With("at", name)
	mirror := NewMirror(watching, tenant, log)
	members, err := barrier.New(barrier.Options{
		Client: plain, Tenant: "acme", Listen: "127.0.0.1:0", Log: mirror, Logger: log, Metrics: prometheus.NewRegistry(),
		Pod: barrier.Pod{Namespace: namespace, Name: name, UID: "uid-of-" + name, IP: "127.0.0.1"},
	})
	Expect(err).NotTo(HaveOccurred())
	mirror.Join(members.Await, members.Rewound)
	mirror.Follow(registry)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { mirror.Run(ctx) })
	running.Go(func() { _ = members.Run(ctx) })
	DeferCleanup(func() {
		stop()
		running.Wait()
	})
	return &pod{members: members, Store: New(Options{
		Client: plain, Tenant: tenant, Groups: registry.Group(), Mirror: mirror, Member: members.Member,
	})}
}

// fromMemory reports whether the pod answers from memory.
func (p *pod) fromMemory(ctx context.Context) bool {
	return p.members.Member() && p.mirror.current(ctx, registry.User()) == nil
}

var _ = Describe("Pods of a cluster whose etcd is restored to an older state", Serial, func() {
	It("show nothing of what is no more, miss nothing that was told since, and read from memory again", func(ctx SpecContext) {
		c := startCluster()
		admin, err := client.New(c.config, client.Options{Scheme: live.Scheme()})
		Expect(err).NotTo(HaveOccurred())
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "restored"}}
		Expect(admin.Create(ctx, namespace)).To(Succeed())
		Expect(admin.Create(ctx, &v1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "acme"},
			Spec:       v1alpha1.ScimTenantSpec{IdentityProvider: v1alpha1.IdentityProviderOkta},
		})).To(Succeed())
		pods := []*pod{c.startPod(namespace.Name, "acme-scim-0"), c.startPod(namespace.Name, "acme-scim-1")}
		ready := func() {
			GinkgoHelper()
			for _, p := range pods {
				Eventually(p.fromMemory).WithContext(ctx).Should(BeTrue())
			}
		}
		ready()
		kept, err := pods[0].Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())

		By("restarting it as it is, which is no reason to read anything anew")
		backup := c.data + ".backup"
		era := pods[0].mirror.wanted().era
		c.restart(func() { Expect(os.CopyFS(backup, os.DirFS(c.data))).To(Succeed()) })
		ready()
		Expect(pods[0].mirror.wanted().era).To(Equal(era))

		var lost []string
		for i := range 20 {
			user, err := pods[i%2].Create(ctx, newUser(fmt.Sprintf("lost%d@example.com", i)), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			lost = append(lost, user.ID())
		}
		renamed, err := pods[1].Update(ctx, registry.User(), kept.ID(), rename("barbara@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		ready()

		By("restoring it")
		c.restart(func() {
			Expect(os.RemoveAll(c.data)).To(Succeed())
			Expect(os.CopyFS(c.data, os.DirFS(backup))).To(Succeed())
		})
		for i := range 20 {
			writer, reader := pods[i%2], pods[(i+1)%2]
			var made *scim.Resource
			Eventually(func() (err error) {
				made, err = writer.Create(ctx, newUser(fmt.Sprintf("new%d@example.com", i)), store.Policy{})
				return err
			}).Should(Succeed())
			Eventually(func() error {
				_, err := reader.Get(ctx, registry.User(), made.ID(), store.View{})
				Expect(isNotFound(err)).To(BeFalse(), "user %d was told", i)
				return err
			}).Should(Succeed())
		}
		ready()
		for _, p := range pods {
			Expect(p.mirror.wanted().era).To(Equal(era+1), "everything is read anew, once")
			Expect(p.mirror.Counts().Users).To(Equal(21))
			for _, id := range lost {
				_, err := p.Get(ctx, registry.User(), id, store.View{})
				Expect(isNotFound(err)).To(BeTrue())
			}
			found, err := p.Get(ctx, registry.User(), kept.ID(), store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.UserName()).To(Equal("babs@example.com"))
		}
		again, err := pods[0].Update(ctx, registry.User(), kept.ID(), rename("barb@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(again.Meta().Version).NotTo(Equal(renamed.Meta().Version), "no version stands for two states")
	})
})
