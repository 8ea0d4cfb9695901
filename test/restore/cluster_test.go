package restore

import (
	"io"
	"net"
	"net/http"
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

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
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
		// The API server would wait for the watches to end; it is killed instead.
		ControlPlaneStopTimeout:  2 * time.Second,
		ControlPlaneStartTimeout: 2 * time.Minute,
	}
	c.environment.ControlPlane.Etcd = &envtest.Etcd{DataDir: c.data}
	c.environment.ControlPlane.GetAPIServer().Configure().Append("token-auth-file", tokens)
	started, err := c.environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(c.stop)
	c.config = &rest.Config{
		Host: started.Host, BearerToken: clusterToken, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1,
	}
	Expect(clientgoscheme.AddToScheme(c.scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(c.scheme)).To(Succeed())
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
	}, func() {})
	return saved, at
}

// putBack makes etcd go on from what was saved, and returns when the rest was lost. Before
// the API server is back, etcd gives out so many revisions.
func (c *cluster) putBack(saved string, revisions int) (at time.Time) {
	GinkgoHelper()
	c.restart(func() {
		at = time.Now()
		Expect(os.RemoveAll(c.data)).To(Succeed())
		Expect(os.CopyFS(c.data, os.DirFS(saved))).To(Succeed())
	}, func() {
		for range revisions {
			c.put()
		}
	})
	return at
}

// put writes something to etcd that is none of Kubernetes' objects.
func (c *cluster) put() {
	GinkgoHelper()
	url := c.environment.ControlPlane.Etcd.URL.String() + "/v3/kv/put"
	answer, err := http.Post(url, "application/json", strings.NewReader(`{"key":"Zm9v","value":"YmFy"}`))
	Expect(err).NotTo(HaveOccurred())
	_, err = io.Copy(io.Discard, answer.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(answer.Body.Close()).To(Succeed())
	Expect(answer.StatusCode).To(Equal(http.StatusOK))
}

// restart stops the API server and etcd, and starts them again. In between, it does what
// there is to do with etcd's data, and then with etcd.
func (c *cluster) restart(withData, withEtcd func()) {
	GinkgoHelper()
	plane := &c.environment.ControlPlane
	c.stop()
	withData()
	Expect(plane.Etcd.Start()).To(Succeed())
	withEtcd()
	Expect(plane.APIServer.Start()).To(Succeed())
}

// stop stops the API server and etcd, if need be by force.
func (c *cluster) stop() {
	plane := &c.environment.ControlPlane
	for _, process := range []struct {
		stop    func() error
		address string
	}{
		{plane.APIServer.Stop, strings.TrimPrefix(c.config.Host, "https://")},
		{plane.Etcd.Stop, plane.Etcd.URL.Host},
	} {
		_ = process.stop() // Whether it had to be killed does not matter.
		Eventually(func() error {
			conn, err := net.Dial("tcp", process.address)
			if err == nil {
				_ = conn.Close()
			}
			return err
		}).Should(HaveOccurred())
	}
}
