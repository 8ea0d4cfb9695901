package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// pullSecretsOf are the names of the Secrets with which a pod's image is pulled.
func pullSecretsOf(pod corev1.Pod) []string {
	var names []string
	for _, secret := range pod.Spec.ImagePullSecrets {
		names = append(names, secret.Name)
	}
	return names
}

var _ = Describe("A tenant's imagePullSecrets", func() {
	It("are those of its pods, which run also if one of them does not exist", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "pull")
		Expect(Cluster.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "registry"},
			Type:       corev1.SecretTypeDockerConfigJson,
			Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"registry.example.com":{"auth":"YTpi"}}}`)},
		})).To(Succeed())
		t := ServeIn(ctx, namespace, NewTenant(namespace, "pull", scimv1alpha1.IdentityProviderGeneric, OneReplica,
			func(spec *scimv1alpha1.ScimTenantSpec) {
				spec.Server.ImagePullSecrets = []scimv1alpha1.ImagePullSecret{{Name: "registry"}, {Name: "forgotten"}}
			}))[0]
		Expect(pullSecretsOf(t.Pods(ctx)[0])).To(Equal([]string{"registry", "forgotten"}))

		By("taking one away")
		Kubectl("patch", "scimtenant", "-n", namespace, t.Name, "--type=merge", "-p", `{"spec":{"server":{"imagePullSecrets":[{"name":"registry"}]}}}`)
		Eventually(func(g Gomega) {
			pods := t.Pods(ctx)
			g.Expect(pods).To(HaveLen(1))
			g.Expect(pullSecretsOf(pods[0])).To(Equal([]string{"registry"}))
			g.Expect(IsReady(&pods[0])).To(BeTrue())
		}).WithTimeout(90 * time.Second).Should(Succeed())
	})
})
