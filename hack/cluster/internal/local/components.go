package local

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
)

// containerdName is the name of containerd's program, which comes from Debian.
const containerdName = "containerd"

// Ports on loopback that only the cluster itself uses.
const (
	etcdClientURL  = "https://" + loopback + ":12379"
	etcdPeerURL    = "https://" + loopback + ":12380"
	etcdMetricsURL = "http://" + loopback + ":12381"
)

// daemonNames are all daemons of the cluster. Those that act on pods come first, which is the order to stop
// them in: nothing then starts again what is being removed.
var daemonNames = []string{
	binaries.Kubelet, binaries.ControllerManager, binaries.Scheduler, binaries.KubeProxy,
	binaries.APIServer, binaries.Etcd, containerdName,
}

// allListens are the addresses of all daemons.
var allListens = []string{
	"0.0.0.0:6443", loopback + ":12379", loopback + ":12380", loopback + ":12381", loopback + ":10248",
	loopback + ":10249", loopback + ":10256", loopback + ":10257", loopback + ":10259", "0.0.0.0:10250",
}

// etcd keeps the objects. It has room for the hundred thousand of a load test.
func (c *Cluster) etcd() *daemon {
	return &daemon{
		name: binaries.Etcd,
		path: c.programs.Path(binaries.Etcd),
		args: []string{
			"--name=" + nodeName,
			"--data-dir=" + c.dir.path("etcd"),
			"--listen-client-urls=" + etcdClientURL,
			"--advertise-client-urls=" + etcdClientURL,
			"--listen-peer-urls=" + etcdPeerURL,
			"--initial-advertise-peer-urls=" + etcdPeerURL,
			"--initial-cluster=" + nodeName + "=" + etcdPeerURL,
			"--listen-metrics-urls=" + etcdMetricsURL,
			"--cert-file=" + c.dir.pki("etcd.crt"),
			"--key-file=" + c.dir.pki("etcd.key"),
			"--trusted-ca-file=" + c.dir.pki("ca.crt"),
			"--client-cert-auth=true",
			"--peer-cert-file=" + c.dir.pki("etcd.crt"),
			"--peer-key-file=" + c.dir.pki("etcd.key"),
			"--peer-trusted-ca-file=" + c.dir.pki("ca.crt"),
			"--peer-client-cert-auth=true",
			"--quota-backend-bytes=8589934592",
			"--log-level=warn",
		},
		listens: []string{loopback + ":12379", loopback + ":12380", loopback + ":12381"},
		ready:   answers(etcdMetricsURL + "/readyz"),
	}
}

// containerd runs the containers.
func (c *Cluster) containerd() *daemon {
	config := c.dir.config("containerd.toml")
	path, err := exec.LookPath(containerdName)
	if err != nil {
		path = "/usr/bin/" + containerdName
	}
	return &daemon{
		name:   containerdName,
		path:   path,
		args:   []string{"--config", config, "--log-level", "warn"},
		config: config,
		ready: func(ctx context.Context) error {
			_, err := c.ctr(ctx, "version")
			return err
		},
	}
}

// apiServer listens on all addresses, because pods reach it on the bridge and clients on loopback.
func (c *Cluster) apiServer() *daemon {
	return &daemon{
		name: binaries.APIServer,
		path: c.programs.Path(binaries.APIServer),
		args: []string{
			"--bind-address=0.0.0.0",
			"--secure-port=6443",
			"--advertise-address=" + nodeAddress,
			"--tls-cert-file=" + c.dir.pki("apiserver.crt"),
			"--tls-private-key-file=" + c.dir.pki("apiserver.key"),
			"--client-ca-file=" + c.dir.pki("ca.crt"),
			"--etcd-servers=" + etcdClientURL,
			"--etcd-cafile=" + c.dir.pki("ca.crt"),
			"--etcd-certfile=" + c.dir.pki("apiserver-etcd-client.crt"),
			"--etcd-keyfile=" + c.dir.pki("apiserver-etcd-client.key"),
			"--kubelet-certificate-authority=" + c.dir.pki("ca.crt"),
			"--kubelet-client-certificate=" + c.dir.pki("apiserver-kubelet-client.crt"),
			"--kubelet-client-key=" + c.dir.pki("apiserver-kubelet-client.key"),
			"--kubelet-preferred-address-types=InternalIP",
			"--requestheader-client-ca-file=" + c.dir.pki("front-proxy-ca.crt"),
			"--requestheader-allowed-names=" + frontProxy.commonName,
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + c.dir.pki(frontProxy.file+".crt"),
			"--proxy-client-key-file=" + c.dir.pki(frontProxy.file+".key"),
			"--service-cluster-ip-range=" + serviceSubnet,
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + c.dir.pki("service-account.pub"),
			"--service-account-signing-key-file=" + c.dir.pki("service-account.key"),
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			"--allow-privileged=true",
		},
		listens: []string{"0.0.0.0:6443"},
		ready:   c.apiReady,
	}
}

// controllerManager elects no leader: there is one, and a lease that a killed one left would delay the next. It
// may ask more of the API server than by default, which is what its start-up waits for.
func (c *Cluster) controllerManager() *daemon {
	kubeconfig := c.dir.kubeconfig(clientControllerManager)
	return &daemon{
		name: binaries.ControllerManager,
		path: c.programs.Path(binaries.ControllerManager),
		args: []string{
			"--bind-address=" + loopback,
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--root-ca-file=" + c.dir.pki("ca.crt"),
			"--cluster-signing-cert-file=" + c.dir.pki("ca.crt"),
			"--cluster-signing-key-file=" + c.dir.pki("ca.key"),
			"--service-account-private-key-file=" + c.dir.pki("service-account.key"),
			"--use-service-account-credentials=true",
			"--flex-volume-plugin-dir=" + c.dir.path("kubelet", "volume-plugins"),
			"--leader-elect=false",
			"--kube-api-qps=200",
			"--kube-api-burst=400",
		},
		config:  kubeconfig,
		listens: []string{loopback + ":10257"},
		ready:   answers("https://" + loopback + ":10257/healthz"),
	}
}

// scheduler places pods, on the one node there is.
func (c *Cluster) scheduler() *daemon {
	kubeconfig := c.dir.kubeconfig(clientScheduler)
	return &daemon{
		name: binaries.Scheduler,
		path: c.programs.Path(binaries.Scheduler),
		args: []string{
			"--bind-address=" + loopback,
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--leader-elect=false",
		},
		config:  kubeconfig,
		listens: []string{loopback + ":10259"},
		ready:   answers("https://" + loopback + ":10259/healthz"),
	}
}

// kubelet runs the pods.
func (c *Cluster) kubelet() *daemon {
	config := c.dir.config("kubelet.yaml")
	return &daemon{
		name: binaries.Kubelet,
		path: c.programs.Path(binaries.Kubelet),
		args: []string{
			"--config=" + config,
			"--kubeconfig=" + c.dir.kubeconfig(clientKubelet),
			"--root-dir=" + c.dir.path("kubelet"),
			"--cert-dir=" + c.dir.path("kubelet", "pki"),
			"--hostname-override=" + nodeName,
			"--node-ip=" + nodeAddress,
		},
		config:  config,
		listens: []string{nodeAddress + ":10250", loopback + ":10248"},
		ready:   answers("http://" + loopback + ":10248/healthz"),
	}
}

// kubeProxy makes Services work.
func (c *Cluster) kubeProxy() *daemon {
	config := c.dir.config("kube-proxy.yaml")
	return &daemon{
		name:    binaries.KubeProxy,
		path:    c.programs.Path(binaries.KubeProxy),
		args:    []string{"--config=" + config},
		config:  config,
		listens: []string{loopback + ":10249", loopback + ":10256"},
		ready:   answers("http://" + loopback + ":10256/healthz"),
	}
}

// healthClient asks daemons on loopback for their health. It checks no certificate: controller manager and
// scheduler make one up when they start, and what is asked and answered is no secret.
var healthClient = &http.Client{
	Timeout: 2 * time.Second,
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	},
}

// answers makes a check that a health URL answers 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask for health: %w", err)
		}
		response, err := healthClient.Do(request)
		if err != nil {
			return fmt.Errorf("ask for health: %w", err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// resolve is the file that runs when path is executed, links followed.
func resolve(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	return target
}

// portOf is the port of an address.
func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}
