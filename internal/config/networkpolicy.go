package config

import (
	"errors"
	"fmt"
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// NetworkPolicy says whom the pods of servers may talk to, where the cluster enforces
// NetworkPolicies.
type NetworkPolicy struct {
	// Enabled is true if each server is to have a NetworkPolicy.
	Enabled bool `json:"enabled"`
	// Clients may reach the SCIM API: the Ingress controller or the gateway, for the most part.
	Clients []networkingv1.NetworkPolicyPeer `json:"clients"`
	// Scrapers may read the metrics, beside the operator. By default nobody.
	Scrapers []networkingv1.NetworkPolicyPeer `json:"scrapers"`
	// APIServer is where pods reach the API server.
	APIServer APIServer `json:"apiServer"`
}

// APIServer is where pods reach the API server.
type APIServer struct {
	// Networks, in CIDR notation, have its addresses; any when there are none.
	Networks []string `json:"networks"`
	// Ports are that of its Service and its own, since some network plugins look at a packet
	// before it is sent on from the one to the other, and some after that.
	Ports []int32 `json:"ports"`
}

func (n *NetworkPolicy) setDefaults() {
	if n.APIServer.Ports == nil {
		n.APIServer.Ports = []int32{443, 6443}
	}
}

// validate looks at what the API server would refuse of every NetworkPolicy, and at what would
// cut off the servers.
func (n NetworkPolicy) validate() []error {
	var problems []error
	report := func(name string, i int, problem string) {
		if problem != "" {
			problems = append(problems, fmt.Errorf("networkPolicy.%s[%d]: %s", name, i, problem))
		}
	}
	for i, peer := range n.Clients {
		report("clients", i, problemOf(peer))
	}
	for i, peer := range n.Scrapers {
		report("scrapers", i, problemOf(peer))
	}
	for i, network := range n.APIServer.Networks {
		report("apiServer.networks", i, problemOfNetwork(network))
	}
	for i, port := range n.APIServer.Ports {
		if port < 1 || port > 65535 {
			report("apiServer.ports", i, fmt.Sprintf("must be from 1 to 65535, not %d", port))
		}
	}
	if len(n.APIServer.Ports) == 0 {
		problems = append(problems, errors.New("networkPolicy.apiServer.ports: has no item, and without the API server no SCIM server answers"))
	}
	if n.Enabled && len(n.Clients) == 0 {
		problems = append(problems, errors.New("networkPolicy.clients: has no item, so that nobody would reach the SCIM API; "+
			"list the pods of your Ingress controller, for example {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}"))
	}
	return problems
}

// problemOf says what is wrong with somebody whom a NetworkPolicy is to let through; nothing if
// all is right.
func problemOf(peer networkingv1.NetworkPolicyPeer) string {
	selects := peer.PodSelector != nil || peer.NamespaceSelector != nil
	switch {
	case peer.IPBlock == nil && !selects:
		return "has no podSelector, namespaceSelector or ipBlock"
	case peer.IPBlock != nil && selects:
		return "has an ipBlock and a selector; make two items of them"
	case peer.IPBlock != nil:
		return problemOfBlock(*peer.IPBlock)
	}
	problems := append(problemsOfSelector("podSelector", peer.PodSelector), problemsOfSelector("namespaceSelector", peer.NamespaceSelector)...)
	if len(problems) > 0 {
		return problems[0].Error()
	}
	return ""
}

func problemsOfSelector(name string, selector *metav1.LabelSelector) field.ErrorList {
	return validation.ValidateLabelSelector(selector, validation.LabelSelectorValidationOptions{}, field.NewPath(name))
}

func problemOfBlock(block networkingv1.IPBlock) string {
	if problem := problemOfNetwork(block.CIDR); problem != "" {
		return problem
	}
	network := netip.MustParsePrefix(block.CIDR)
	for _, except := range block.Except {
		if problem := problemOfNetwork(except); problem != "" {
			return problem
		}
		if part := netip.MustParsePrefix(except); !network.Contains(part.Addr()) || part.Bits() <= network.Bits() {
			return fmt.Sprintf("%s is no part of %s", except, network)
		}
	}
	return ""
}

// problemOfNetwork says what is wrong with a network; nothing if all is right.
func problemOfNetwork(cidr string) string {
	network, err := netip.ParsePrefix(cidr)
	if err != nil || network != network.Masked() || network.Addr().Is4In6() {
		return fmt.Sprintf("%q must be a network in CIDR notation without bits behind its prefix, for example 10.20.0.0/16, or 10.20.0.7/32 for one address", cidr)
	}
	return ""
}
