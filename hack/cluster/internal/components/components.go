// Package components has the daemons that the cluster consists of: their arguments, their configuration files, and when
// they do their work. Package daemon runs them.
package components

import (
	"context"
	"os/exec"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/containerd"
	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/pki"
)

// Ports on loopback that only the cluster itself uses.
const (
	etcdClientURL  = "https://" + layout.Loopback + ":12379"
	etcdPeerURL    = "https://" + layout.Loopback + ":12380"
	etcdMetricsURL = "http://" + layout.Loopback + ":12381"
)

// Names are all daemons of the cluster. Those that act on pods come first, which is the order to stop
// them in: nothing then starts again what is being removed.
var Names = []string{
	EdgeName, nginx, binaries.Kubelet, binaries.ControllerManager, binaries.Scheduler, binaries.KubeProxy,
	binaries.APIServer, binaries.Etcd, containerd.Name,
}

// Listens are the addresses of all daemons.
var Listens = []string{
	"0.0.0.0:6443", layout.Loopback + ":12379", layout.Loopback + ":12380", layout.Loopback + ":12381",
	layout.Loopback + ":10248", layout.Loopback + ":10249", layout.Loopback + ":10256", layout.Loopback + ":10257",
	layout.Loopback + ":10259", "0.0.0.0:10250", layout.EdgeAddress, layout.EdgeHealthAddress,
}

// Etcd keeps the objects. It has room for the hundred thousand of a load test.
func Etcd(dir layout.Dir, programs *binaries.Set) *daemon.Daemon {
	return &daemon.Daemon{
		Name: binaries.Etcd,
		Path: programs.Path(binaries.Etcd),
		Args: []string{
			"--name=" + layout.NodeName,
			"--data-dir=" + dir.Path("etcd"),
			"--listen-client-urls=" + etcdClientURL,
			"--advertise-client-urls=" + etcdClientURL,
			"--listen-peer-urls=" + etcdPeerURL,
			"--initial-advertise-peer-urls=" + etcdPeerURL,
			"--initial-cluster=" + layout.NodeName + "=" + etcdPeerURL,
			"--listen-metrics-urls=" + etcdMetricsURL,
			"--cert-file=" + dir.PKI("etcd.crt"),
			"--key-file=" + dir.PKI("etcd.key"),
			"--trusted-ca-file=" + dir.PKI("ca.crt"),
			"--client-cert-auth=true",
			"--peer-cert-file=" + dir.PKI("etcd.crt"),
			"--peer-key-file=" + dir.PKI("etcd.key"),
			"--peer-trusted-ca-file=" + dir.PKI("ca.crt"),
			"--peer-client-cert-auth=true",
			"--quota-backend-bytes=8589934592",
			"--log-level=warn",
		},
		Listens: []string{layout.Loopback + ":12379", layout.Loopback + ":12380", layout.Loopback + ":12381"},
		Ready:   answers(etcdMetricsURL + "/readyz"),
	}
}

// Containerd runs the containers.
func Containerd(dir layout.Dir) *daemon.Daemon {
	config := dir.Config("containerd.toml")
	path, err := exec.LookPath(containerd.Name)
	if err != nil {
		path = "/usr/bin/" + containerd.Name
	}
	return &daemon.Daemon{
		Name:   containerd.Name,
		Path:   path,
		Args:   []string{"--config", config, "--log-level", "warn"},
		Config: config,
		Ready: func(ctx context.Context) error {
			_, err := containerd.Ctr(ctx, dir, "version")
			return err
		},
	}
}

// APIServer listens on all addresses, because pods reach it on the bridge and clients on loopback. It keeps an audit
// log, of 400 MB at the most.
func APIServer(dir layout.Dir, programs *binaries.Set) *daemon.Daemon {
	policy := dir.Config(auditPolicyFile)
	return &daemon.Daemon{
		Name:   binaries.APIServer,
		Path:   programs.Path(binaries.APIServer),
		Config: policy,
		Args: []string{
			"--bind-address=0.0.0.0",
			"--secure-port=6443",
			"--advertise-address=" + layout.NodeAddress,
			"--tls-cert-file=" + dir.PKI("apiserver.crt"),
			"--tls-private-key-file=" + dir.PKI("apiserver.key"),
			"--client-ca-file=" + dir.PKI("ca.crt"),
			"--etcd-servers=" + etcdClientURL,
			"--etcd-cafile=" + dir.PKI("ca.crt"),
			"--etcd-certfile=" + dir.PKI("apiserver-etcd-client.crt"),
			"--etcd-keyfile=" + dir.PKI("apiserver-etcd-client.key"),
			"--kubelet-certificate-authority=" + dir.PKI("ca.crt"),
			"--kubelet-client-certificate=" + dir.PKI("apiserver-kubelet-client.crt"),
			"--kubelet-client-key=" + dir.PKI("apiserver-kubelet-client.key"),
			"--kubelet-preferred-address-types=InternalIP",
			"--requestheader-client-ca-file=" + dir.PKI("front-proxy-ca.crt"),
			"--requestheader-allowed-names=" + pki.FrontProxyClient,
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + dir.PKI(pki.FrontProxyClient+".crt"),
			"--proxy-client-key-file=" + dir.PKI(pki.FrontProxyClient+".key"),
			"--service-cluster-ip-range=" + layout.ServiceSubnet,
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + dir.PKI("service-account.pub"),
			"--service-account-signing-key-file=" + dir.PKI("service-account.key"),
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			"--allow-privileged=true",
			"--audit-policy-file=" + policy,
			"--audit-log-path=" + dir.LogFile("audit"),
			"--audit-log-maxsize=200",
			"--audit-log-maxbackup=1",
		},
		Listens: []string{"0.0.0.0:6443"},
		Ready:   func(ctx context.Context) error { return apiReady(ctx, dir) },
	}
}

// ControllerManager elects no leader: there is one, and a lease that a killed one left would delay the next. It
// may ask more of the API server than by default, which is what its start-up waits for.
func ControllerManager(dir layout.Dir, programs *binaries.Set) *daemon.Daemon {
	kubeconfig := dir.Kubeconfig(pki.ControllerManager)
	return &daemon.Daemon{
		Name: binaries.ControllerManager,
		Path: programs.Path(binaries.ControllerManager),
		Args: []string{
			"--bind-address=" + layout.Loopback,
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--root-ca-file=" + dir.PKI("ca.crt"),
			"--cluster-signing-cert-file=" + dir.PKI("ca.crt"),
			"--cluster-signing-key-file=" + dir.PKI("ca.key"),
			"--service-account-private-key-file=" + dir.PKI("service-account.key"),
			"--use-service-account-credentials=true",
			"--flex-volume-plugin-dir=" + dir.Path("kubelet", "volume-plugins"),
			"--leader-elect=false",
			"--kube-api-qps=200",
			"--kube-api-burst=400",
		},
		Config:  kubeconfig,
		Listens: []string{layout.Loopback + ":10257"},
		Ready:   answers("https://" + layout.Loopback + ":10257/healthz"),
	}
}

// Scheduler places pods, on the one node there is.
func Scheduler(dir layout.Dir, programs *binaries.Set) *daemon.Daemon {
	kubeconfig := dir.Kubeconfig(pki.Scheduler)
	return &daemon.Daemon{
		Name: binaries.Scheduler,
		Path: programs.Path(binaries.Scheduler),
		Args: []string{
			"--bind-address=" + layout.Loopback,
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--leader-elect=false",
		},
		Config:  kubeconfig,
		Listens: []string{layout.Loopback + ":10259"},
		Ready:   answers("https://" + layout.Loopback + ":10259/healthz"),
	}
}

// Kubelet runs the pods.
func Kubelet(dir layout.Dir, programs *binaries.Set) *daemon.Daemon {
	config := dir.Config("kubelet.yaml")
	return &daemon.Daemon{
		Name: binaries.Kubelet,
		Path: programs.Path(binaries.Kubelet),
		Args: []string{
			"--config=" + config,
			"--kubeconfig=" + dir.Kubeconfig(pki.Kubelet),
			"--root-dir=" + dir.Path("kubelet"),
			"--cert-dir=" + dir.Path("kubelet", "pki"),
			"--hostname-override=" + layout.NodeName,
			"--node-ip=" + layout.NodeAddress,
		},
		Config:  config,
		Listens: []string{layout.NodeAddress + ":10250", layout.Loopback + ":10248"},
		Ready:   answers("http://" + layout.Loopback + ":10248/healthz"),
	}
}

// KubeProxy makes Services work.
func KubeProxy(dir layout.Dir, programs *binaries.Set) *daemon.Daemon {
	config := dir.Config("kube-proxy.yaml")
	return &daemon.Daemon{
		Name:    binaries.KubeProxy,
		Path:    programs.Path(binaries.KubeProxy),
		Args:    []string{"--config=" + config},
		Config:  config,
		Listens: []string{layout.Loopback + ":10249", layout.Loopback + ":10256"},
		Ready:   answers("http://" + layout.Loopback + ":10256/healthz"),
	}
}
