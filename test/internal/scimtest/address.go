package scimtest

import (
	"net"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// AddressOfThisMachine is that at which pods reach it: the one from which it reaches a node.
func AddressOfThisMachine(ctx SpecContext) string {
	GinkgoHelper()
	nodes := &corev1.NodeList{}
	Expect(Cluster.List(ctx, nodes)).To(Succeed())
	for _, address := range nodes.Items[0].Status.Addresses {
		if address.Type != corev1.NodeInternalIP {
			continue
		}
		route, err := net.Dial("udp", net.JoinHostPort(address.Address, "9")) // This sends nothing.
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(route.Close()).To(Succeed()) }()
		host, _, err := net.SplitHostPort(route.LocalAddr().String())
		Expect(err).NotTo(HaveOccurred())
		return host
	}
	Fail("no node has an address")
	return ""
}
