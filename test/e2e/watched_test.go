package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// readerOfMetrics is a ServiceAccount that may read the operator's metrics.
const readerOfMetrics = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: metrics, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kubescim-metrics-reader}
subjects: [{kind: ServiceAccount, name: metrics, namespace: %[1]s}]
`

// clientOfMetrics asks for the operator's metrics. The operator's certificate is signed by itself.
var clientOfMetrics = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
	DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
}}

// readerOfOperator makes an account in a namespace of the spec that may read the operator's metrics, and
// returns the account's token and the addresses at which they may be.
func readerOfOperator(ctx SpecContext, namespace string) (token string, addresses []string) {
	GinkgoHelper()
	_, err := RunKubectl(fmt.Sprintf(readerOfMetrics, namespace), "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Kubectl("delete", "clusterrolebinding", namespace) })
	token = strings.TrimSpace(Kubectl("create", "token", "metrics", "-n", namespace))
	labels := map[string]string{"app.kubernetes.io/name": "kubescim", "app.kubernetes.io/component": "operator"}
	service, addresses := ExposePort(ctx, OperatorKey.Namespace, "e2e-metrics-", labels, "metrics")
	DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, service)).To(Succeed()) })
	return token, addresses
}

// metricsOfOperator returns a function that reads the operator's metrics, as an account in
// a namespace of the spec.
func metricsOfOperator(ctx SpecContext, namespace string) func() (string, error) {
	GinkgoHelper()
	token, addresses := readerOfOperator(ctx, namespace)
	return func() (string, error) {
		var err error
		for _, address := range addresses {
			var text string
			if text, err = getWithToken(clientOfMetrics, "https://"+address+"/metrics", token); err == nil {
				return text, nil
			}
		}
		return "", err
	}
}

func getWithToken(c *http.Client, url, token string) (string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := c.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return string(text), err
}

// watching are the values that limit the operator to the namespaces of tenants.
func watching(tenants ...*Tenant) string {
	namespaces := []string{}
	for _, t := range tenants {
		namespaces = append(namespaces, t.Namespace)
	}
	text, err := json.Marshal(map[string]any{"watchNamespaces": namespaces})
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// It starts the operator again, with rights in other namespaces: no other spec runs beside it.
var _ = Describe("The namespaces that the operator watches", Serial, Ordered, ContinueOnFailure, func() {
	var (
		release *Release
		a, b    *Tenant
		newKeys int
	)

	BeforeAll(func(ctx SpecContext) {
		a = Serve(ctx, "watched", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		b = Serve(ctx, "sometimes", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		release = ChangeRelease(chart)
	})

	// caredFor tells that the operator does something for a tenant: a new key works.
	caredFor := func(t *Tenant) {
		GinkgoHelper()
		newKeys++
		name := fmt.Sprintf("new-%d", newKeys)
		Apply(NewKey(t.Namespace, name, t.Name))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name, "scimapikey/"+name)
		token, _ := TokenOf(t.Namespace, name)
		t.Service.WithToken(token).Get(Users + "?count=0").Has(http.StatusOK)
	}
	mayWorkIn := func(t *Tenant) string {
		answer, _ := RunKubectl("", "auth", "can-i", "patch", "deployments.apps", "-n", t.Namespace,
			"--as=system:serviceaccount:"+OperatorKey.Namespace+":"+OperatorKey.Name)
		return strings.TrimSpace(answer)
	}
	seen := func(t *Tenant) bool {
		tenant := KubectlGet(t.Namespace, "scimtenant", t.Name)
		return fmt.Sprint(Dig(tenant, "status/observedGeneration")) == fmt.Sprint(Dig(tenant, "metadata/generation"))
	}
	serverPods := func(ctx SpecContext) []string { return append(NamesOf(a.Pods(ctx)), NamesOf(b.Pods(ctx))...) }

	It("may be fewer, more and all again, while every tenant is served", func(ctx SpecContext) {
		pods := serverPods(ctx)
		clients := []*SteadyClients{{}, {}}
		for i, t := range []*Tenant{a, b} {
			clients[i].Start(t, 1, 200*time.Millisecond)
			DeferCleanup(clients[i].Stop)
		}
		// neglected changes what is b's, and finds the operator to see nothing of it.
		neglected := func(displayName string) {
			GinkgoHelper()
			Expect(mayWorkIn(b)).To(Equal("no"))
			Expect(Kubectl("scim", "check", "-n", b.Namespace)).To(MatchRegexp("Operator +Warning +.* looks for tenants in .* alone, and not in the namespace " + b.Namespace))
			Kubectl("patch", "scimtenant", "-n", b.Namespace, b.Name, "--type=merge", "-p", `{"spec":{"displayName":"`+displayName+`"}}`)
			Kubectl("delete", "poddisruptionbudget", "-n", b.Namespace, b.Name+"-scim")
			caredFor(a)
			Expect(seen(b)).To(BeFalse())
			Expect(KubectlGet(b.Namespace, "poddisruptionbudget", b.Name+"-scim")).To(BeNil())
		}
		// resumed finds what was changed to be seen.
		resumed := func() {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				g.Expect(seen(b)).To(BeTrue())
				g.Expect(KubectlGet(b.Namespace, "poddisruptionbudget", b.Name+"-scim")).NotTo(BeNil())
			}).WithTimeout(time.Minute).Should(Succeed())
			caredFor(b)
			caredFor(a)
		}

		By("watching one")
		release.Upgrade(ctx, watching(a))
		Expect(mayWorkIn(a)).To(Equal("yes"))
		neglected("one")
		By("watching both")
		release.Upgrade(ctx, watching(a, b))
		resumed()
		By("watching one again, and then all")
		release.Upgrade(ctx, watching(a))
		neglected("two")
		release.PutBack(ctx)
		resumed()

		Expect(serverPods(ctx)).To(ConsistOf(pods), "no server starts again")
		for i, t := range []*Tenant{a, b} {
			clients[i].Stop()
			Expect(clients[i].Sent()).To(BeNumerically(">", 20))
			Expect(clients[i].Failures()).To(BeEmpty(), t.Namespace)
		}
	})

	It("may go and come again, and keep no other from being worked in", Label("drill"), func(ctx SpecContext) {
		release.Upgrade(ctx, watching(a, b))
		caredFor(b)
		metrics := metricsOfOperator(ctx, a.Namespace)
		available := func(value int) string {
			return fmt.Sprintf("kubescim_watched_namespace_available{namespace=%q} %d\n", b.Namespace, value)
		}
		Eventually(metrics).Should(ContainSubstring(available(1)))
		operator := OperatorPods(ctx)
		same := func() {
			GinkgoHelper()
			Expect(OperatorPods(ctx)).To(HaveExactElements(And(
				HaveField("Name", operator[0].Name), HaveField("Status.ContainerStatuses", HaveEach(HaveField("RestartCount", int32(0)))))))
		}
		remade := &corev1.Namespace{}
		Expect(Cluster.Get(ctx, client.ObjectKey{Name: b.Namespace}, remade)).To(Succeed())
		remade.ObjectMeta = metav1.ObjectMeta{Name: remade.Name, Labels: remade.Labels}

		By("deleting it with its tenant")
		Kubectl("delete", "namespace", b.Namespace, "--wait=false")
		Eventually(func() bool {
			return apierrors.IsNotFound(Cluster.Get(ctx, client.ObjectKeyFromObject(remade), &corev1.Namespace{}))
		}).WithTimeout(2 * time.Minute).Should(BeTrue())
		Eventually(metrics).WithTimeout(time.Minute).Should(ContainSubstring(available(0)))
		Eventually(func() string { return operatorLogs(ctx) }).Should(MatchRegexp(
			`Skipping a watched namespace until that changes.*"namespace":"` + b.Namespace + `".*the namespace does not exist`))
		caredFor(a)
		same()

		By("upgrading without it")
		Expect(release.TryUpgrade(watching(a, b))).To(MatchError(ContainSubstring(fmt.Sprintf("namespaces %q not found", b.Namespace))))
		caredFor(a)
		same()

		By("making it again")
		Expect(Cluster.Create(ctx, remade)).To(Succeed())
		release.Upgrade(ctx, watching(a, b))
		Eventually(metrics).WithTimeout(time.Minute).Should(ContainSubstring(available(1)))
		b = ServeIn(ctx, b.Namespace, NewTenant(b.Namespace, b.Name, scimv1alpha1.IdentityProviderGeneric, OneReplica))[0]
		caredFor(b)
		caredFor(a)
		same()
		Expect(operatorLogs(ctx)).To(MatchRegexp(`Working in a watched namespace.*"namespace":"` + b.Namespace + `"`))
	})
})
