package restore

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("What kubectl scim exports of a tenant", Serial, func() {
	It("can be imported into another cluster, where all have the ids that they had", func(ctx SpecContext) {
		InstallPlugin(filepath.Join("..", ".."))
		first := startCluster(contract.ReplicaLeaseDuration)
		acme := first.serve(ctx, "acme", scimv1alpha1.UserDeletionDeactivate)
		service := acme.pods[0].Client
		babs := service.Do(http.MethodPost, Users, PlainUser("babs@example.com")).Has(http.StatusCreated).ID()
		former := service.Do(http.MethodPost, Users, PlainUser("former@example.com")).Has(http.StatusCreated).ID()
		group := service.Do(http.MethodPost, Groups, PlainGroup("Tour Guides", babs)).Has(http.StatusCreated).ID()
		service.Do(http.MethodDelete, Users+"/"+former, "").Has(http.StatusNoContent)
		before := first.stored(ctx, "acme")
		Expect(before).To(And(HaveLen(3), HaveKey("ScimUser "+babs), HaveKey("ScimUser "+former), HaveKey("ScimGroup "+group)))

		file := filepath.Join(GinkgoT().TempDir(), "acme.ndjson")
		first.plugin(ctx, "export", "acme", "-n", "acme", "--file", file)
		another := startCluster(contract.ReplicaLeaseDuration)
		another.create(ctx, []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "acme"}}})
		Expect(another.plugin(ctx, "import", "acme", "-n", "acme", "--file", file)).To(ContainSubstring("3 objects were made"))
		Expect(another.stored(ctx, "acme")).To(Equal(before))
	})
})

// stored returns the specs of a namespace's users and groups, by kind and name.
func (c *cluster) stored(ctx context.Context, namespace string) map[string]any {
	GinkgoHelper()
	users, groups, specs := &scimv1alpha1.ScimUserList{}, &scimv1alpha1.ScimGroupList{}, map[string]any{}
	Expect(c.admin.List(ctx, users, client.InNamespace(namespace))).To(Succeed())
	Expect(c.admin.List(ctx, groups, client.InNamespace(namespace))).To(Succeed())
	for _, user := range users.Items {
		specs["ScimUser "+user.Name] = user.Spec
	}
	for _, group := range groups.Items {
		specs["ScimGroup "+group.Name] = group.Spec
	}
	return specs
}

// plugin runs the plugin of kubectl with the cluster, and returns what it prints.
func (c *cluster) plugin(ctx context.Context, args ...string) string {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: c.config.Host, InsecureSkipTLSVerify: true}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: c.config.BearerToken}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	Expect(clientcmd.WriteToFile(*config, file)).To(Succeed())
	printed, err := exec.CommandContext(ctx, "kubectl-scim", append([]string{"--kubeconfig", file}, args...)...).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(printed))
	return string(printed)
}
