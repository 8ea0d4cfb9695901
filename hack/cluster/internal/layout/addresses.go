package layout

// ContextName names the cluster and its context in the kubeconfig. It tells a kubeconfig of this cluster
// from any other one.
const ContextName = "kubescim-local"

// Addresses and names of the cluster. The node has the address of the bridge, because the kubelet refuses loopback and
// any other address of the machine may change.
const (
	NodeName       = "kubescim"
	BridgeName     = "kc0"
	NetworkName    = "kubescim-cluster"
	Loopback       = "127.0.0.1"
	NodeAddress    = "10.244.0.1"
	PodSubnet      = "10.244.0.0/24"
	BridgeAddress  = NodeAddress + "/24"
	ServiceSubnet  = "10.96.0.0/16"
	ServiceAddress = "10.96.0.1"
	ServerURL      = "https://" + Loopback + ":6443"
	CNIPluginDir   = "/usr/lib/cni"
	// EdgeAddress is where clients outside the cluster reach what its Ingresses publish, over TLS.
	EdgeAddress       = Loopback + ":10443"
	EdgeHealthAddress = Loopback + ":10444"
)
