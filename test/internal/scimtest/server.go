package scimtest

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// NewServer is the manifest of a ScimServer.
func NewServer(namespace, name string, replicas int32) *scimv1alpha1.ScimServer {
	return &scimv1alpha1.ScimServer{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimServer"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimServerSpec{ServerSpec: scimv1alpha1.ServerSpec{Replicas: replicas}},
	}
}

// On has a ScimServer host a tenant.
func On(server string) func(*scimv1alpha1.ScimTenantSpec) {
	return func(spec *scimv1alpha1.ScimTenantSpec) { spec.ServerRef.Name = server }
}

// Labels choose the pods of the tenant's server.
func (t *Tenant) Labels() map[string]string {
	if t.Server == "" {
		return operand.SelectorLabels(t.Name)
	}
	return map[string]string{operand.LabelName: operand.SharedServerName, operand.LabelInstance: t.Server}
}

// LeaseLabels choose the Leases of those pods.
func (t *Tenant) LeaseLabels() map[string]string {
	labels := map[string]string{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}
	if t.Server == "" {
		labels[scimv1alpha1.LabelTenant] = t.Name
	} else {
		labels[scimv1alpha1.LabelServer] = t.Server
	}
	return labels
}

// Deployment is the name of the Deployment of the tenant's server.
func (t *Tenant) Deployment() string {
	if t.Server == "" {
		return contract.ServiceName(t.Name)
	}
	return contract.SharedServiceName(t.Server)
}

// ServerObject is what has the conditions of the tenant's server, as kubectl names it.
func (t *Tenant) ServerObject() string {
	if t.Server == "" {
		return "scimtenant/" + t.Name
	}
	return "scimserver/" + t.Server
}

// reachAs makes the tenant reachable where another one of its server is.
func (t *Tenant) reachAs(other *Tenant) {
	beside := func(c *Client) *Client { return NewClient(strings.TrimSuffix(c.Base, other.Path)+t.Path, t.Token) }
	t.Service, t.Exposed = beside(other.Service), other.Exposed
	for _, replica := range other.Replicas {
		t.Replicas = append(t.Replicas, beside(replica))
	}
}

// expectServes expects that all wanted pods of the tenant's server are ready, and that the
// server serves the tenant.
func (t *Tenant) expectServes(ctx SpecContext, g Gomega) {
	object := &scimv1alpha1.ScimTenant{}
	g.Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: t.Name}, object)).To(Succeed())
	g.Expect(statusesOf(object.Status.Conditions)).To(HaveKeyWithValue(scimv1alpha1.ConditionReady, "True"))
	wanted, ready := object.Replicas(), object.Status.ServerReplicas
	if t.Server != "" {
		server := &scimv1alpha1.ScimServer{}
		g.Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: t.Server}, server)).To(Succeed())
		g.Expect(statusesOf(server.Status.Conditions)).To(HaveKeyWithValue(scimv1alpha1.ConditionReady, "True"))
		wanted, ready = server.Spec.WantedReplicas(), server.Status.ServerReplicas
	}
	g.Expect(ready).To(Equal(fmt.Sprintf("%d/%[1]d", wanted)))
	pods := t.Pods(ctx)
	g.Expect(pods).To(HaveLen(int(wanted)))
	for _, pod := range pods {
		g.Expect(IsReady(&pod)).To(BeTrue(), pod.Name)
	}
}

// labelsOfReplica choose the pod with a number.
func (t *Tenant) labelsOfReplica(number int) map[string]string {
	labels := t.Labels()
	labels[LabelReplica] = fmt.Sprint(number)
	return labels
}

// statusesOf are the statuses of conditions, by type.
func statusesOf(conditions []metav1.Condition) map[string]string {
	statuses := map[string]string{}
	for _, condition := range conditions {
		statuses[condition.Type] = string(condition.Status)
	}
	return statuses
}
