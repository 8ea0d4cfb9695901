package restore

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kubescim/kubescim/api/v1alpha1"
)

// cluster is an API server and an etcd that can be backed up and restored.
type cluster struct {
	environment *envtest.Environment
	data        string // etcd's
	config      *rest.Config
	scheme      *runtime.Scheme
	admin       client.Client
	lease       time.Duration // of pods
}

const clusterToken = "token-of-a-test"

// startCluster starts one, which ends with the test. Its clients outlive its API server:
// they know it by its address and have a token. Pods' Leases last as long as is said: for
// two thirds of that they go on answering without an API server.
func startCluster(lease time.Duration) *cluster {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	tokens := filepath.Join(folder, "tokens.csv")
	Expect(os.WriteFile(tokens, []byte(clusterToken+",test,test,system:masters\n"), 0o600)).To(Succeed())
	c := &cluster{data: filepath.Join(folder, "etcd"), scheme: runtime.NewScheme(), lease: lease}
	Expect(os.Mkdir(c.data, 0o700)).To(Succeed())
	c.environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
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
	Expect(clientgoscheme.AddToScheme(c.scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(c.scheme)).To(Succeed())
	c.admin, err = client.New(rest.CopyConfig(c.config), client.Options{Scheme: c.scheme})
	Expect(err).NotTo(HaveOccurred())
	return c
}

// save restarts etcd as it is, and returns what its data is then, and when.
func (c *cluster) save() (saved string, at time.Time) {
	GinkgoHelper()
	saved = c.data + ".saved"
	c.restart(func() {
		at = time.Now()
		Expect(os.CopyFS(saved, os.DirFS(c.data))).To(Succeed())
	})
	return saved, at
}

// putBack makes etcd go on from what was saved, and returns when the rest was lost.
func (c *cluster) putBack(saved string) (at time.Time) {
	GinkgoHelper()
	c.restart(func() {
		at = time.Now()
		Expect(os.RemoveAll(c.data)).To(Succeed())
		Expect(os.CopyFS(c.data, os.DirFS(saved))).To(Succeed())
	})
	return at
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
