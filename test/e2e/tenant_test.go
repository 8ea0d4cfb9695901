package e2e

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// labelReplica tells the pods of one server apart.
const labelReplica = "e2e.kubescim.dev/replica"

// tenant is a ScimTenant that is being served.
type tenant struct {
	namespace, name, path string
	token, keyID          string

	// service reaches any replica, replicas[i] one and the same.
	service  *scimClient
	replicas []*scimClient
	exposed  []*corev1.Service
	turn     int
}

// unique returns a name that nobody has had.
func unique(prefix string) string { return prefix + "-" + uuid.NewString()[:8] }

// newTenant is the manifest of a tenant, changed as the spec wants it.
func newTenant(namespace, name string, provider scimv1alpha1.IdentityProvider, changes ...func(*scimv1alpha1.ScimTenantSpec)) *scimv1alpha1.ScimTenant {
	object := &scimv1alpha1.ScimTenant{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimTenant"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: provider},
	}
	for _, change := range changes {
		change(&object.Spec)
	}
	return object
}

// oneReplica makes a tenant cheap where its replicas do not matter.
func oneReplica(spec *scimv1alpha1.ScimTenantSpec) {
	spec.Server.Replicas = 1
}

// newKey is the manifest of an API key.
func newKey(namespace, name, tenant string, changes ...func(*scimv1alpha1.ScimApiKeySpec)) *scimv1alpha1.ScimApiKey {
	object := &scimv1alpha1.ScimApiKey{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimApiKey"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant}},
	}
	for _, change := range changes {
		change(&object.Spec)
	}
	return object
}

// serve applies a tenant with a key of the same name, in a namespace of its own,
// and waits until it is served.
func serve(ctx SpecContext, name string, provider scimv1alpha1.IdentityProvider, changes ...func(*scimv1alpha1.ScimTenantSpec)) *tenant {
	GinkgoHelper()
	namespace := newNamespace(ctx, name)
	return serveIn(ctx, namespace, newTenant(namespace, name, provider, changes...))[0]
}

// serveIn applies tenants, each with a key of the same name, and waits until all
// are served.
func serveIn(ctx SpecContext, namespace string, objects ...*scimv1alpha1.ScimTenant) []*tenant {
	GinkgoHelper()
	var (
		manifests []client.Object
		waits     []string
		tenants   []*tenant
	)
	for _, object := range objects {
		manifests = append(manifests, object, newKey(namespace, object.Name, object.Name))
		waits = append(waits, "scimtenant/"+object.Name, "scimapikey/"+object.Name)
	}
	apply(manifests...)
	waitFor(namespace, "condition=Ready", waits...)
	for _, object := range objects {
		t := &tenant{namespace: namespace, name: object.Name, path: object.Path()}
		t.token, t.keyID = tokenOf(namespace, object.Name)
		t.expose(ctx)
		tenants = append(tenants, t)
	}
	return tenants
}

// tokenOf reads, with kubectl, the token and the id of a key.
func tokenOf(namespace, key string) (token, keyID string) {
	GinkgoHelper()
	status := kubectlGet(namespace, "scimapikey", key)
	secret, _ := dig(status, "status/secretName").(string)
	keyID, _ = dig(status, "status/keyID").(string)
	Expect(secret).NotTo(BeEmpty(), "ScimApiKey %s says no Secret: %v", key, status)
	encoded := kubectl("get", "secret", "-n", namespace, secret, "-o", "jsonpath={.data.token}")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	Expect(err).NotTo(HaveOccurred())
	Expect(decoded).NotTo(BeEmpty(), "Secret %s has no token", secret)
	return string(decoded), keyID
}

// labels choose the pods of the tenant's server.
func (t *tenant) labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": "kubescim-server", "app.kubernetes.io/instance": t.name}
}

// pods are the pods of the tenant's server that are not going away.
func (t *tenant) pods(ctx SpecContext) []corev1.Pod {
	GinkgoHelper()
	return podsOf(ctx, t.namespace, t.labels())
}

// expose makes the server, and each of its pods alone, reachable from here. It
// is called again after pods were replaced.
func (t *tenant) expose(ctx SpecContext) {
	GinkgoHelper()
	for _, service := range t.exposed {
		Expect(cluster.Delete(ctx, service)).To(Succeed())
	}
	t.exposed, t.replicas = nil, nil
	t.service = newClient(t.nodePort(ctx, t.labels()), t.token)
	for i, pod := range t.pods(ctx) {
		replica := strconv.Itoa(i)
		kubectl("label", "pod", "-n", t.namespace, pod.Name, "--overwrite", labelReplica+"="+replica)
		labels := t.labels()
		labels[labelReplica] = replica
		t.replicas = append(t.replicas, newClient(t.nodePort(ctx, labels), t.token))
	}
}

// nodePort makes a Service for the pods with the labels and returns the base URL
// of the tenant there.
func (t *tenant) nodePort(ctx SpecContext, labels map[string]string) string {
	GinkgoHelper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, GenerateName: "e2e-" + t.name + "-"},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: labels,
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}
	Expect(cluster.Create(ctx, service)).To(Succeed())
	t.exposed = append(t.exposed, service)

	nodes := &corev1.NodeList{}
	Expect(cluster.List(ctx, nodes)).To(Succeed())
	hosts := []string{"127.0.0.1"}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				hosts = append(hosts, address.Address)
			}
		}
	}
	port := strconv.Itoa(int(service.Spec.Ports[0].NodePort))
	var base string
	Eventually(func() error {
		var tried []string
		for _, host := range hosts {
			base = "http://" + net.JoinHostPort(host, port) + t.path
			answer, err := newClient(base, "").try(http.MethodGet, "/ServiceProviderConfig", "")
			if err == nil && answer.header.Get("X-Request-Id") != "" {
				return nil
			}
			tried = append(tried, fmt.Sprintf("%s: %v %v", base, answer, err))
		}
		return fmt.Errorf("no SCIM server answers: %s", strings.Join(tried, "; "))
	}).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
	return base
}

// each changes the clients of the tenant, for the manners of one identity provider.
func (t *tenant) each(change func(*scimClient) *scimClient) *tenant {
	other := *t
	other.service = change(t.service)
	other.replicas = nil
	for _, replica := range t.replicas {
		other.replicas = append(other.replicas, change(replica))
	}
	return &other
}

// send sends a request to one replica after the other.
func (t *tenant) send(method, path, body string) *response {
	GinkgoHelper()
	t.turn++
	return t.replicas[t.turn%len(t.replicas)].do(method, path, body)
}

// get asks the replica that did not get the last request of send.
func (t *tenant) get(path string) *response {
	GinkgoHelper()
	return t.replicas[(t.turn+1)%len(t.replicas)].get(path)
}

// everyReplica calls check with a client of each replica.
func (t *tenant) everyReplica(check func(*scimClient)) {
	GinkgoHelper()
	Expect(t.replicas).NotTo(BeEmpty())
	for _, replica := range t.replicas {
		check(replica)
	}
}

// user and group read a resource with kubectl; nil when there is none.
func (t *tenant) user(id string) map[string]any {
	GinkgoHelper()
	return kubectlGet(t.namespace, "scimuser", id)
}

func (t *tenant) group(id string) map[string]any {
	GinkgoHelper()
	return kubectlGet(t.namespace, "scimgroup", id)
}
