package operand

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/publicaddress"
)

const (
	// portDNS is that of DNS servers, and portDNSPods that of the pods behind it on OpenShift, which is
	// the one that its network plugin looks at.
	portDNS     = 53
	portDNSPods = 5353
)

// Isolation is whom the pods of servers may talk to. The author of a tenant has no say in it.
type Isolation struct {
	// OperatorNamespace has the operator, which asks pods how much their tenants are used.
	OperatorNamespace string
	// Clients may reach the SCIM API.
	Clients []networkingv1.NetworkPolicyPeer
	// Scrapers may read the metrics, beside the operator.
	Scrapers []networkingv1.NetworkPolicyPeer
	// APIServer has the addresses of the API server, any when there are none, and APIServerPorts its
	// ports.
	APIServer      []netip.Prefix
	APIServerPorts []int32
	// Issuers are those that a server may fetch the keys of.
	Issuers contract.Hosts
	// EventSinks are those that a server may send events to.
	EventSinks contract.Hosts
	// Collectors are the ports at which servers reach what takes their traces; none when they send none.
	Collectors []int32
}

// NetworkPolicy returns what isolates the pods of a SCIM server, where the cluster enforces it. The
// probes of the kubelet are let through everywhere, as all that comes from the node of a pod.
func NetworkPolicy(s Server, i Isolation) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithSpec(networkingv1ac.NetworkPolicySpec().
			WithPodSelector(selector(s)).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
			WithIngress(ingressRules(s, i)...).
			WithEgress(egressRules(s, i)...))
}

func ingressRules(s Server, i Isolation) []*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration {
	scim := policyPorts(contract.PortSCIM)
	if s.LeadsTLS {
		scim = append(scim, policyPorts(contract.PortSCIMTLS)...)
	}
	if s.Tenant == "" { // Tenants that were moved to it have ports of their own.
		scim = append(scim, policyPort(corev1.ProtocolTCP, contract.FirstTenantPort).WithEndPort(contract.LastTenantPort))
	}
	operator := networkingv1ac.NetworkPolicyPeer().WithNamespaceSelector(metav1ac.LabelSelector().
		WithMatchLabels(map[string]string{corev1.LabelMetadataName: i.OperatorNamespace}))
	return []*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration{
		networkingv1ac.NetworkPolicyIngressRule().WithFrom(policyPeers(i.Clients)...).WithPorts(scim...),
		networkingv1ac.NetworkPolicyIngressRule().WithFrom(operator).WithFrom(policyPeers(i.Scrapers)...).WithPorts(policyPorts(contract.PortHealth)...),
		networkingv1ac.NetworkPolicyIngressRule().WithFrom(replicas(s)).WithPorts(policyPorts(contract.PortPeers)...),
	}
}

// egressRules let a server reach its replicas, the API server, what takes its traces, issuers, and receivers of
// events: of these two, no NetworkPolicy knows the names, so that it has the addresses that the server itself would dial.
func egressRules(s Server, i Isolation) []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration {
	rules := []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration{
		networkingv1ac.NetworkPolicyEgressRule().WithTo(replicas(s)).WithPorts(policyPorts(contract.PortPeers)...),
		networkingv1ac.NetworkPolicyEgressRule().WithTo(blocks(i.APIServer)...).WithPorts(policyPorts(i.APIServerPorts...)...),
	}
	issuers, sinks := i.Issuers.Ports(), i.EventSinks.Ports()
	if len(issuers)+len(sinks)+len(i.Collectors) > 0 {
		rules = append(rules, nameRule())
	}
	if len(i.Collectors) > 0 {
		rules = append(rules, networkingv1ac.NetworkPolicyEgressRule().WithPorts(policyPorts(i.Collectors...)...))
	}
	if len(issuers) > 0 {
		rules = append(rules, hostRules(i.Issuers, policyPorts(issuers...))...)
	}
	if len(sinks) > 0 {
		rules = append(rules, hostRules(i.EventSinks, policyPorts(sinks...))...)
	}
	return rules
}

// nameRule lets a server ask for the addresses of names.
func nameRule() *networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration {
	dns := policyPorts(portDNS, portDNSPods)
	for _, port := range []int32{portDNS, portDNSPods} {
		dns = append(dns, policyPort(corev1.ProtocolUDP, port))
	}
	return networkingv1ac.NetworkPolicyEgressRule().WithPorts(dns...)
}

func hostRules(hosts contract.Hosts, ports []*networkingv1ac.NetworkPolicyPortApplyConfiguration) []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration {
	var rules []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration
	// A rule of its own: some network plugins take what is left out of one network from all of a rule.
	if listed := blocks(hosts.Networks); len(listed) > 0 {
		rules = append(rules, networkingv1ac.NetworkPolicyEgressRule().WithTo(listed...).WithPorts(ports...))
	}
	public := networkingv1ac.NetworkPolicyEgressRule().WithPorts(ports...)
	for _, block := range publicaddress.Blocks() {
		public.WithTo(networkingv1ac.NetworkPolicyPeer().WithIPBlock(networkingv1ac.IPBlock().
			WithCIDR(block.Network.String()).WithExcept(texts(block.Except)...)))
	}
	return append(rules, public)
}

// replicas are the pods of a server.
func replicas(s Server) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	return networkingv1ac.NetworkPolicyPeer().WithPodSelector(selector(s))
}

// blocks are networks as peers.
func blocks(networks []netip.Prefix) []*networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	var peers []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	for _, cidr := range texts(networks) {
		peers = append(peers, networkingv1ac.NetworkPolicyPeer().WithIPBlock(networkingv1ac.IPBlock().WithCIDR(cidr)))
	}
	return peers
}

// texts are networks in CIDR notation.
func texts(networks []netip.Prefix) []string {
	var cidrs []string
	for _, network := range networks {
		cidrs = append(cidrs, network.String())
	}
	return cidrs
}

// policyPorts are ports of TCP.
func policyPorts(ports ...int32) []*networkingv1ac.NetworkPolicyPortApplyConfiguration {
	var applied []*networkingv1ac.NetworkPolicyPortApplyConfiguration
	for _, port := range ports {
		applied = append(applied, policyPort(corev1.ProtocolTCP, port))
	}
	return applied
}

func policyPort(protocol corev1.Protocol, port int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(port))
}

// policyPeers are peers as they are applied.
func policyPeers(peers []networkingv1.NetworkPolicyPeer) []*networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	var applied []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	for _, peer := range peers {
		p := networkingv1ac.NetworkPolicyPeer()
		if peer.PodSelector != nil {
			p.WithPodSelector(labelSelector(peer.PodSelector))
		}
		if peer.NamespaceSelector != nil {
			p.WithNamespaceSelector(labelSelector(peer.NamespaceSelector))
		}
		if peer.IPBlock != nil {
			p.WithIPBlock(networkingv1ac.IPBlock().WithCIDR(peer.IPBlock.CIDR).WithExcept(peer.IPBlock.Except...))
		}
		applied = append(applied, p)
	}
	return applied
}

// labelSelector is a selector as it is applied.
func labelSelector(selector *metav1.LabelSelector) *metav1ac.LabelSelectorApplyConfiguration {
	applied := metav1ac.LabelSelector().WithMatchLabels(selector.MatchLabels)
	for _, requirement := range selector.MatchExpressions {
		applied.WithMatchExpressions(metav1ac.LabelSelectorRequirement().
			WithKey(requirement.Key).WithOperator(requirement.Operator).WithValues(requirement.Values...))
	}
	return applied
}
