package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Addresses of the cluster. The node has the address of the bridge, because the kubelet refuses loopback and
// any other address of the machine may change.
const (
	nodeName       = "kubescim"
	bridgeName     = "kc0"
	networkName    = "kubescim-cluster"
	loopback       = "127.0.0.1"
	nodeAddress    = "10.244.0.1"
	podSubnet      = "10.244.0.0/24"
	bridgeAddress  = nodeAddress + "/24"
	serviceSubnet  = "10.96.0.0/16"
	serviceAddress = "10.96.0.1"
	serverURL      = "https://" + loopback + ":6443"
	cniPluginDir   = "/usr/lib/cni"
)

// pauseImage keeps the namespaces of a pod. It is made from this checkout, so it needs no registry.
const pauseImage = "kubescim/pause:1"

// object is a configuration file as the component reads it.
type object = map[string]any

// containerdConfig is for a containerd of our own beside the one of the system. Without
// restrict_oom_score_adj, runc fails where root may not lower the score (no CAP_SYS_RESOURCE).
func containerdConfig(dir stateDir) []byte {
	return fmt.Appendf(nil, `version = 2
root = %q
state = %q
oom_score = 0

[grpc]
  address = %q

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  tolerate_missing_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = %q
  conf_dir = %q

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = %q
`, dir.path("containerd"), dir.path("run", "containerd"), dir.containerdSocket(), pauseImage,
		cniPluginDir, dir.path("cni"), dir.path("run", "runc"))
}

// cniConfig puts pods on the bridge. It keeps its list of used addresses below the folder of the cluster.
func cniConfig(dir stateDir) ([]byte, error) {
	return render(object{
		"cniVersion": "0.4.0",
		"name":       networkName,
		"plugins": []object{
			{
				"type":        "bridge",
				"bridge":      bridgeName,
				"isGateway":   true,
				"ipMasq":      true,
				"hairpinMode": true,
				"ipam": object{
					"type":    "host-local",
					"subnet":  podSubnet,
					"gateway": nodeAddress,
					"routes":  []object{{"dst": "0.0.0.0/0"}},
					"dataDir": dir.path("run", "cni-addresses"),
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	})
}

// kubeletConfig lets a nearly full disk and cgroup v1 be: this node serves development, and a taint or a refused
// start would help nobody.
func kubeletConfig(dir stateDir) ([]byte, error) {
	return render(object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"authentication": object{
			"anonymous": object{"enabled": false},
			"webhook":   object{"enabled": true},
			"x509":      object{"clientCAFile": dir.pki("ca.crt")},
		},
		"authorization":               object{"mode": "Webhook"},
		"address":                     nodeAddress,
		"tlsCertFile":                 dir.pki("kubelet-server.crt"),
		"tlsPrivateKeyFile":           dir.pki("kubelet-server.key"),
		"containerRuntimeEndpoint":    "unix://" + dir.containerdSocket(),
		"cgroupDriver":                "cgroupfs",
		"failCgroupV1":                false,
		"failSwapOn":                  false,
		"oomScoreAdj":                 0,
		"resolvConf":                  resolvConf(),
		"podLogsDir":                  dir.path("pod-logs"),
		"volumePluginDir":             dir.path("kubelet", "volume-plugins"),
		"imageGCHighThresholdPercent": 100,
		"imageGCLowThresholdPercent":  99,
		"evictionHard": object{
			"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
			"imagefs.available": "0%", "imagefs.inodesFree": "0%",
		},
	})
}

// resolvConf is the file with the machine's name servers. Where systemd-resolved runs, /etc/resolv.conf names an
// address that only the machine itself can reach.
func resolvConf() string {
	const upstream = "/run/systemd/resolve/resolv.conf"
	if exists(upstream) {
		return upstream
	}
	return "/etc/resolv.conf"
}

// kubeProxyConfig makes NodePorts answer on loopback, where a client outside the cluster runs. On a kernel
// without br_netfilter, replies between two pods on the bridge would bypass address translation, so all
// traffic to Services is masqueraded there.
func kubeProxyConfig(dir stateDir, bridgeFiltered bool) ([]byte, error) {
	return render(object{
		"apiVersion":         "kubeproxy.config.k8s.io/v1alpha1",
		"kind":               "KubeProxyConfiguration",
		"mode":               "iptables",
		"hostnameOverride":   nodeName,
		"clientConnection":   object{"kubeconfig": dir.kubeconfig(clientKubeProxy)},
		"clusterCIDR":        podSubnet,
		"nodePortAddresses":  []string{"127.0.0.0/8"},
		"healthzBindAddress": loopback + ":10256",
		"metricsBindAddress": loopback + ":10249",
		"iptables":           object{"localhostNodePorts": true, "masqueradeAll": !bridgeFiltered},
		"conntrack":          object{"maxPerCore": 0},
		"oomScoreAdj":        0,
	})
}

// writeConfigs writes the configuration files of all daemons.
func writeConfigs(dir stateDir, bridgeFiltered bool) error {
	cni, err := cniConfig(dir)
	if err != nil {
		return err
	}
	kubelet, err := kubeletConfig(dir)
	if err != nil {
		return err
	}
	kubeProxy, err := kubeProxyConfig(dir, bridgeFiltered)
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		dir.path("cni", "10-kubescim.conflist"): cni,
		dir.config("containerd.toml"):           containerdConfig(dir),
		dir.config("kubelet.yaml"):              kubelet,
		dir.config("kube-proxy.yaml"):           kubeProxy,
	} {
		if err := writeIfChanged(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// render writes JSON, which is YAML too.
func render(config object) ([]byte, error) {
	content, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render a configuration file: %w", err)
	}
	return append(content, '\n'), nil
}

// writeIfChanged leaves a file alone that has the content already: a file that is newer than the daemon that
// reads it makes the daemon start again.
func writeIfChanged(path string, content []byte, mode os.FileMode) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
