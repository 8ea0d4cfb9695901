package controller_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// TestSamples applies config/samples as a reader of the documentation would, and
// waits until everything in it is Ready.
func TestSamples(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(20 * time.Second)
	ctx := context.Background()

	env := startEnvironment(t)
	stop, err := env.StartManager(controllertest.Operator)
	g.Expect(err).NotTo(HaveOccurred())
	atEnd(t, stop)

	objects, err := env.ApplyManifests(ctx, "config/samples/*.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	var ready int
	for _, obj := range objects {
		key := client.ObjectKeyFromObject(obj)
		switch obj.GetKind() {
		case "ScimTenant":
			g.Eventually(func() error { return env.RollOut(ctx, key.Namespace, key.Name) }).Should(Succeed())
			tenant := &scimv1alpha1.ScimTenant{}
			g.Eventually(func() (*scimv1alpha1.ScimTenant, error) { return tenant, env.Client.Get(ctx, key, tenant) }).
				Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
			ready++
		case "ScimApiKey":
			tenant, _, err := unstructured.NestedString(obj.Object, "spec", "tenantRef", "name")
			g.Expect(err).NotTo(HaveOccurred())
			g.Eventually(func() (*scimv1alpha1.ScimApiKey, error) {
				if err := env.Accept(ctx, key.Namespace, tenant, tenant+"-scim-0"); err != nil {
					return nil, err
				}
				found := &scimv1alpha1.ScimApiKey{}
				return found, env.Client.Get(ctx, key, found)
			}).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
			ready++
		}
	}
	g.Expect(ready).To(BeNumerically(">=", 4))
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
