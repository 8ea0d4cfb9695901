package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("The samples", func() {
	It("make tenants that answer, with a server each and of one server", func(ctx SpecContext) {
		folder := filepath.Join("..", "..", "config", "samples")
		files, err := os.ReadDir(folder)
		Expect(err).NotTo(HaveOccurred())
		Expect(files).NotTo(BeEmpty())

		// The quickstart applies some of them too; what was there before stays.
		before, _ := RunKubectl("", "get", "-f", folder, "-o", "name", "--ignore-not-found")
		namespaced := Kubectl("get", "namespaces", "-o", "name")
		DeferCleanup(func() {
			if strings.TrimSpace(before) == "" {
				Kubectl("delete", "-f", folder, "--ignore-not-found", "--wait=false")
			}
			for _, namespace := range []string{"acme", "globex", "customers"} {
				if !strings.Contains(namespaced, "namespace/"+namespace+"\n") {
					Kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
				}
			}
		})
		Kubectl("apply", "-f", folder)
		for _, sample := range []client.ObjectKey{{Namespace: "acme", Name: "acme"}, {Namespace: "customers", Name: "initech"}} {
			WaitFor(sample.Namespace, "condition=Ready", "scimtenant/"+sample.Name)
			object := &scimv1alpha1.ScimTenant{}
			Expect(Cluster.Get(ctx, sample, object)).To(Succeed())
			key := keyOf(ctx, object)
			WaitFor(sample.Namespace, "condition=Ready", "scimapikey/"+key)
			t := TenantOf(object, key)

			base := t.NodePort(ctx, t.Labels())
			DeferCleanup(func(ctx SpecContext) {
				for _, service := range t.Exposed {
					Expect(client.IgnoreNotFound(Cluster.Delete(ctx, service))).To(Succeed())
				}
			})
			r := NewClient(base, t.Token).Get(Users + "?count=0").Has(http.StatusOK)
			Want{"schemas": ConsistOf(URNList), "totalResults": BeNumerically(">=", 0)}.In(r.Document, r.String())

			secret := &corev1.Secret{}
			Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: sample.Namespace, Name: kubectlStatus(sample.Namespace, key, "secretName")}, secret)).To(Succeed())
			Expect(string(secret.Data["url"])).To(Equal(object.Status.URL))
		}
	})
})

// keyOf returns the name of an API key of a tenant.
func keyOf(ctx SpecContext, t *scimv1alpha1.ScimTenant) string {
	GinkgoHelper()
	keys := &scimv1alpha1.ScimApiKeyList{}
	Expect(Cluster.List(ctx, keys, client.InNamespace(t.Namespace), client.MatchingFields{"spec.tenantRef.name": t.Name})).To(Succeed())
	Expect(keys.Items).NotTo(BeEmpty(), "no ScimApiKey for ScimTenant %s/%s", t.Namespace, t.Name)
	return keys.Items[0].Name
}

// kubectlStatus reads a field of the status of an API key.
func kubectlStatus(namespace, key, field string) string {
	GinkgoHelper()
	return Kubectl("get", "scimapikey", "-n", namespace, key, "-o", fmt.Sprintf("jsonpath={.status.%s}", field))
}
