package network

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// callerImage has the program in the folder caller. `make e2e-network` gives it to the cluster.
const callerImage = "kubescim/caller:dev"

// caller is a pod from which connections are made.
type caller struct{ namespace, name, address string }

// newCaller runs a pod with labels, until the specs of the container have ended.
func newCaller(ctx SpecContext, namespace, name string, labels map[string]string) caller {
	GinkgoHelper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken:  ptr.To(false),
			TerminationGracePeriodSeconds: ptr.To[int64](1),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "caller", Image: callerImage, ImagePullPolicy: corev1.PullNever, Command: []string{"/caller"},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: ptr.To(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	Expect(Cluster.Create(ctx, pod)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(Cluster.Delete(ctx, pod))).To(Succeed()) })
	Eventually(func(g Gomega) {
		g.Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
		g.Expect(IsReady(pod)).To(BeTrue())
	}).WithTimeout(time.Minute).Should(Succeed())
	return caller{namespace: namespace, name: name, address: pod.Status.PodIP}
}

// at is an address as it is dialed.
func at(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// reaches returns those of the addresses that accept a connection from the pod, in their order.
func (c caller) reaches(addresses ...string) []string {
	GinkgoHelper()
	said := Kubectl(append([]string{"exec", "-n", c.namespace, c.name, "--", "/caller"}, addresses...)...)
	var reached []string
	for line := range strings.Lines(said) {
		if outcome, address, _ := strings.Cut(strings.TrimSpace(line), " "); outcome == "reached" {
			reached = append(reached, address)
		}
	}
	return reached
}

// expectReaches waits until the pod reaches those of the addresses that it is to reach, and no others. What a
// NetworkPolicy says, and a new pod, take effect after a moment.
func (c caller) expectReaches(all []string, wanted ...string) {
	GinkgoHelper()
	var expected []string
	for _, address := range all {
		if slices.Contains(wanted, address) {
			expected = append(expected, address)
		}
	}
	Eventually(func() []string { return c.reaches(all...) }).WithPolling(time.Second).WithTimeout(time.Minute).
		Should(Equal(expected), "what %s in %s reaches", c.name, c.namespace)
}
