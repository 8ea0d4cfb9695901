package components

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/kubescim/kubescim/hack/cluster/internal/containerd"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/pki"
)

// object is a configuration file as the component reads it.
type object = map[string]any

// containerdConfig is for a containerd of our own beside the one of the system. Without
// restrict_oom_score_adj, runc fails where root may not lower the score (no CAP_SYS_RESOURCE).
func containerdConfig(dir layout.Dir) []byte {
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
`, dir.Path("containerd"), dir.Path("run", "containerd"), dir.ContainerdSocket(), containerd.PauseImage,
		layout.CNIPluginDir, dir.Path("cni"), dir.Path("run", "runc"))
}

// cniConfig puts pods on the bridge. It keeps its list of used addresses below the folder of the cluster.
func cniConfig(dir layout.Dir) ([]byte, error) {
	return render(object{
		"cniVersion": "0.4.0",
		"name":       layout.NetworkName,
		"plugins": []object{
			{
				"type":        "bridge",
				"bridge":      layout.BridgeName,
				"isGateway":   true,
				"ipMasq":      true,
				"hairpinMode": true,
				"ipam": object{
					"type":    "host-local",
					"subnet":  layout.PodSubnet,
					"gateway": layout.NodeAddress,
					"routes":  []object{{"dst": "0.0.0.0/0"}},
					"dataDir": dir.Path("run", "cni-addresses"),
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	})
}

// kubeletConfig lets a nearly full disk and cgroup v1 be: this node serves development, and a taint or a refused
// start would help nobody.
func kubeletConfig(dir layout.Dir) ([]byte, error) {
	return render(object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"authentication": object{
			"anonymous": object{"enabled": false},
			"webhook":   object{"enabled": true},
			"x509":      object{"clientCAFile": dir.PKI("ca.crt")},
		},
		"authorization":               object{"mode": "Webhook"},
		"address":                     layout.NodeAddress,
		"tlsCertFile":                 dir.PKI("kubelet-server.crt"),
		"tlsPrivateKeyFile":           dir.PKI("kubelet-server.key"),
		"containerRuntimeEndpoint":    "unix://" + dir.ContainerdSocket(),
		"cgroupDriver":                "cgroupfs",
		"failCgroupV1":                false,
		"failSwapOn":                  false,
		"oomScoreAdj":                 0,
		"syncFrequency":               "10s", // How long a pod may wait for a change of a Secret that it has mounted.
		"resolvConf":                  resolvConf(),
		"podLogsDir":                  dir.Path("pod-logs"),
		"volumePluginDir":             dir.Path("kubelet", "volume-plugins"),
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
	if layout.Exists(upstream) {
		return upstream
	}
	return "/etc/resolv.conf"
}

// kubeProxyConfig makes NodePorts answer on loopback, where a client outside the cluster runs. On a kernel
// without br_netfilter, replies between two pods on the bridge would bypass address translation, so all
// traffic to Services is masqueraded there.
func kubeProxyConfig(dir layout.Dir, bridgeFiltered bool) ([]byte, error) {
	return render(object{
		"apiVersion":         "kubeproxy.config.k8s.io/v1alpha1",
		"kind":               "KubeProxyConfiguration",
		"mode":               "iptables",
		"hostnameOverride":   layout.NodeName,
		"clientConnection":   object{"kubeconfig": dir.Kubeconfig(pki.KubeProxy)},
		"clusterCIDR":        layout.PodSubnet,
		"nodePortAddresses":  []string{"127.0.0.0/8"},
		"healthzBindAddress": layout.Loopback + ":10256",
		"metricsBindAddress": layout.Loopback + ":10249",
		"iptables":           object{"localhostNodePorts": true, "masqueradeAll": !bridgeFiltered},
		"conntrack":          object{"maxPerCore": 0},
		"oomScoreAdj":        0,
	})
}

// auditPolicyFile is the name of the file with auditPolicy.
const auditPolicyFile = "audit-policy.yaml"

// auditPolicy is the policy that the checkout has for Kubescim, and then a line for each request that ends, without what
// is in objects. Others of administrators, and the API server's own, are left out: they are tests and load, and there are
// many.
func auditPolicy(checkout string) ([]byte, error) {
	path := filepath.Join(checkout, "config", "audit", "policy.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit policy: %w", err)
	}
	policy := object{}
	if err := yaml.Unmarshal(content, &policy); err != nil {
		return nil, fmt.Errorf("read the audit policy %s: %w", path, err)
	}
	rules, _ := policy["rules"].([]any)
	policy["rules"] = append(rules, object{"level": "None", "userGroups": []string{"system:masters"}}, object{"level": "Metadata"})
	return render(policy)
}

// WriteConfigs writes the configuration files of all daemons.
func WriteConfigs(dir layout.Dir, checkout string, bridgeFiltered bool) error {
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
	audit, err := auditPolicy(checkout)
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		dir.Path("cni", "10-kubescim.conflist"): cni,
		dir.Config("containerd.toml"):           containerdConfig(dir),
		dir.Config("kubelet.yaml"):              kubelet,
		dir.Config("kube-proxy.yaml"):           kubeProxy,
		dir.Config(auditPolicyFile):             audit,
	} {
		if err := layout.WriteIfChanged(path, content, 0o600); err != nil {
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
