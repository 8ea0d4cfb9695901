package controller_test

import (
	"context"
	"maps"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// TestSamples applies config/samples as a reader of the documentation would, and
// waits until everything in it is Ready.
func TestSamples(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	ctx := context.Background()

	env := startEnvironment(t)
	stop, err := env.StartManager(controllertest.Operator)
	g.Expect(err).NotTo(HaveOccurred())
	atEnd(t, stop)

	objects, err := env.ApplyManifests(ctx, "config/samples/*.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	hosted := map[string]contract.TenantUsage{}
	// serve does as if a pod served a tenant, and went by the ScimCredentials as they are now.
	serve := func(tenant *scimv1alpha1.ScimTenant) error {
		server := tenant.Spec.ServerRef.Name
		if server == "" {
			return env.Accept(ctx, tenant.Namespace, tenant.Name, tenant.Name+"-scim-0")
		}
		hosted[tenant.Name] = controllertest.Hosted(0)
		return env.HostTenants(ctx, tenant.Namespace, server, server+"-0", maps.Clone(hosted))
	}
	ready := map[string]int{}
	for _, obj := range objects {
		key, tenant := client.ObjectKeyFromObject(obj), &scimv1alpha1.ScimTenant{}
		switch obj.GetKind() {
		case "ScimServer":
			g.Eventually(func() error { return env.RollOutServer(ctx, key.Namespace, key.Name) }).Should(Succeed())
			server := &scimv1alpha1.ScimServer{}
			g.Eventually(func() (*scimv1alpha1.ScimServer, error) { return server, env.Client.Get(ctx, key, server) }).
				Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		case "ScimTenant":
			g.Expect(env.Client.Get(ctx, key, tenant)).To(Succeed())
			if tenant.Spec.ServerRef.Name == "" {
				g.Eventually(func() error { return env.RollOut(ctx, key.Namespace, key.Name) }).Should(Succeed())
			}
			g.Expect(serve(tenant)).To(Succeed())
			g.Eventually(func() (*scimv1alpha1.ScimTenant, error) { return tenant, env.Client.Get(ctx, key, tenant) }).
				Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		case "ScimApiKey":
			found := &scimv1alpha1.ScimApiKey{}
			g.Expect(env.Client.Get(ctx, key, found)).To(Succeed())
			g.Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: found.Spec.TenantRef.Name}, tenant)).To(Succeed())
			g.Eventually(func() (*scimv1alpha1.ScimApiKey, error) {
				if err := serve(tenant); err != nil {
					return nil, err
				}
				return found, env.Client.Get(ctx, key, found)
			}).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		default:
			continue
		}
		ready[obj.GetKind()]++
	}
	g.Expect(ready).To(Equal(map[string]int{"ScimServer": 1, "ScimTenant": 4, "ScimApiKey": 4}))
}

// Whoever applies ScimCredentials could otherwise fill the operator's memory with what nobody
// reads.
func TestTheCacheKeepsOfACredentialWhatIsRead(t *testing.T) {
	g := NewWithT(t)
	credential := &scimv1alpha1.ScimCredential{
		ObjectMeta: metav1.ObjectMeta{
			Name: "sq3eb6by6x4tifho", Annotations: map[string]string{"note": "long"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply}},
		},
		Spec: scimv1alpha1.ScimCredentialSpec{APIKeyRef: scimv1alpha1.APIKeyReference{Name: "okta"}},
	}
	found := false
	for object, by := range controller.CacheOptions("kubescim-system", nil).ByObject {
		if _, is := object.(*scimv1alpha1.ScimCredential); !is {
			continue
		}
		found = true
		kept, err := by.Transform(credential)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(kept).To(And(HaveField("Annotations", BeEmpty()), HaveField("ManagedFields", BeEmpty()), HaveField("Spec.APIKeyRef.Name", "okta")))
	}
	g.Expect(found).To(BeTrue())
}
