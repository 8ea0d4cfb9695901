package consistency

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// describeMoves has the spec of a tenant that is moved between servers.
func describeMoves(f *fleet) {
	if f.server == "" {
		return
	}

	It("are answered as by one server while one more is moved to it and back, and no request fails", func(ctx SpecContext) {
		moved := f.addMovable(ctx, "moved")
		w := f.startWorkload(&workload{way: directly, beside: []*tenant{moved}})
		w.progress(30)
		for _, move := range []struct{ patch, server string }{
			{fmt.Sprintf(`{"spec":{"serverRef":{"name":%q},"server":null}}`, f.server), contract.SharedServiceName(f.server)},
			{`{"spec":{"serverRef":null}}`, contract.ServiceName(moved.Name)},
		} {
			began := time.Now()
			Kubectl("patch", "scimtenant", "-n", f.namespace, moved.Name, "--type=merge", "--patch", move.patch)
			Eventually(func(g Gomega) {
				object := &scimv1alpha1.ScimTenant{}
				g.Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: f.namespace, Name: moved.Name}, object)).To(Succeed())
				g.Expect(object.Status.Servers).To(HaveExactElements(And(HaveField("Name", move.server), HaveField("Mode", scimv1alpha1.HostingModeMemory))))
			}).WithTimeout(3 * time.Minute).WithPolling(time.Second).Should(Succeed())
			AddReportEntry("moved to "+move.server, time.Since(began).Round(time.Second).String())
			w.progress(30)
		}
		w.finish(ctx, "moved")
	})
}

// addMovable makes one more tenant, with a server of its own. Its clients keep their connections to the
// tenant's own Service, which leads to whatever server serves it.
func (f *fleet) addMovable(ctx SpecContext, name string) *tenant {
	GinkgoHelper()
	served := ServeIn(ctx, f.namespace, NewTenant(f.namespace, name, scimv1alpha1.IdentityProviderGeneric, Unlimited))[0]
	DeferCleanup(f.remove, name)
	address := Kubectl("get", "service", "-n", f.namespace, contract.ServiceName(name), "-o", "jsonpath={.spec.clusterIP}")
	added := &tenant{Tenant: &Tenant{Namespace: f.namespace, Name: name, Token: served.Token}, keeps: true}
	for range replicas {
		c, closeIdle := NewClient("http://"+address+scimv1alpha1.DefaultPath, served.Token).Lasting()
		DeferCleanup(closeIdle)
		c.AwaitAnswer()
		c.Get(Users).Has(http.StatusOK)
		added.Replicas = append(added.Replicas, c)
	}
	return added
}
