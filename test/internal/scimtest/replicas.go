package scimtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Pods are the pods of the tenant's server that are not going away.
func (t *Tenant) Pods(ctx SpecContext) []corev1.Pod {
	GinkgoHelper()
	return podsOf(ctx, t.Namespace, t.Labels())
}

// Expose makes the server, and each of its pods alone, reachable from here. It
// is called again after pods were replaced; a client of a replica then reaches
// the pod that came in the place of the old one.
func (t *Tenant) Expose(ctx SpecContext) {
	GinkgoHelper()
	if t.Service == nil {
		t.Service = NewClient(t.NodePort(ctx, t.Labels()), t.Token)
	}
	Expect(t.NumberPods(ctx)).To(Succeed())
	for i := range t.Pods(ctx) {
		if i < len(t.Replicas) {
			expectAnswer(t.Replicas[i].Base)
			continue
		}
		t.Replicas = append(t.Replicas, NewClient(t.NodePort(ctx, t.labelsOfReplica(i)), t.Token))
	}
}

// NumberPods gives each pod that has no number yet the lowest that no other pod
// has, by a label.
func (t *Tenant) NumberPods(ctx context.Context) error {
	pods, err := listPods(ctx, t.Namespace, t.Labels())
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for i := range pods {
		taken[pods[i].Labels[LabelReplica]] = true
	}
	next := 0
	for i := range pods {
		pod := &pods[i]
		if pod.Labels[LabelReplica] != "" {
			continue
		}
		for taken[strconv.Itoa(next)] {
			next++
		}
		before := client.MergeFrom(pod.DeepCopy())
		pod.Labels[LabelReplica] = strconv.Itoa(next)
		next++
		if err := Cluster.Patch(ctx, pod, before); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("numbering the pod %s: %w", pod.Name, err)
		}
	}
	return nil
}

// NodePort makes a Service for the pods with the labels and returns the base URL
// of the tenant there.
func (t *Tenant) NodePort(ctx SpecContext, labels map[string]string) string {
	GinkgoHelper()
	service, addresses := ExposePort(ctx, t.Namespace, "e2e-"+t.Name+"-", labels, "http")
	t.Exposed = append(t.Exposed, service)
	bases := make([]string, len(addresses))
	for i, address := range addresses {
		bases[i] = "http://" + address + t.Path
	}
	return expectAnswer(bases...)
}

// ExposePort makes a Service, whose name begins with prefix, for a port of the pods with
// the labels, and returns it with the addresses at which the port may be reached from here.
func ExposePort(ctx SpecContext, namespace, prefix string, labels map[string]string, port string) (*corev1.Service, []string) {
	GinkgoHelper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: prefix},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: labels,
			Ports:    []corev1.ServicePort{{Name: port, Port: 80, TargetPort: intstr.FromString(port)}},
		},
	}
	Expect(Cluster.Create(ctx, service)).To(Succeed())
	nodes := &corev1.NodeList{}
	Expect(Cluster.List(ctx, nodes)).To(Succeed())
	hosts := []string{"127.0.0.1"}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				hosts = append(hosts, address.Address)
			}
		}
	}
	nodePort := strconv.Itoa(int(service.Spec.Ports[0].NodePort))
	for i, host := range hosts {
		hosts[i] = net.JoinHostPort(host, nodePort)
	}
	return service, hosts
}

// expectAnswer waits until a SCIM server answers at one of the base URLs, and
// returns that.
func expectAnswer(bases ...string) (answering string) {
	GinkgoHelper()
	Eventually(func() error {
		var tried []string
		for _, base := range bases {
			answer, err := NewClient(base, "").Try(http.MethodGet, "/ServiceProviderConfig", "")
			if err == nil && answer.Header.Get("X-Request-Id") != "" {
				answering = base
				return nil
			}
			tried = append(tried, fmt.Sprintf("%s: %v %v", base, answer, err))
		}
		return fmt.Errorf("no SCIM server answers: %s", strings.Join(tried, "; "))
	}).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
	return answering
}

// AwaitAnswer waits until the client gets an answer, whatever that is: kube-proxy leads the address of
// a Service to pods some time after these are ready.
func (c *Client) AwaitAnswer() {
	GinkgoHelper()
	Eventually(func() error {
		_, err := c.Try(http.MethodGet, "/ServiceProviderConfig", "")
		return err
	}).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// Each changes the clients of the tenant, for the manners of one identity provider.
func (t *Tenant) Each(change func(*Client) *Client) *Tenant {
	other := *t
	other.Service = change(t.Service)
	other.Replicas = nil
	for _, replica := range t.Replicas {
		other.Replicas = append(other.Replicas, change(replica))
	}
	return &other
}

// Send sends a request to one replica after the other.
func (t *Tenant) Send(method, path, body string) *Response {
	GinkgoHelper()
	t.turn++
	return t.Replicas[t.turn%len(t.Replicas)].Do(method, path, body)
}

// Get asks the replica after the one that got the last request of Send.
func (t *Tenant) Get(path string) *Response {
	GinkgoHelper()
	return t.Replicas[(t.turn+1)%len(t.Replicas)].Get(path)
}

// EveryReplica calls check with a client of each replica.
func (t *Tenant) EveryReplica(check func(*Client)) {
	GinkgoHelper()
	Expect(t.Replicas).NotTo(BeEmpty())
	for _, replica := range t.Replicas {
		check(replica)
	}
}

// User reads a user with kubectl; nil when there is none.
func (t *Tenant) User(id string) map[string]any {
	GinkgoHelper()
	return KubectlGet(t.Namespace, "scimuser", id)
}

// Group reads a group with kubectl; nil when there is none.
func (t *Tenant) Group(id string) map[string]any {
	GinkgoHelper()
	return KubectlGet(t.Namespace, "scimgroup", id)
}
