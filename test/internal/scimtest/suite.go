// Package scimtest has what the suites that test Kubescim on a cluster share: a
// client that checks what SCIM wants of every answer, kubectl, and tenants to
// send requests to. Its functions fail the spec that calls them.
package scimtest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// OperatorKey is the operator as `make install` installs it.
var OperatorKey = client.ObjectKey{Namespace: "kubescim-system", Name: "kubescim"}

// BreakGlassGroup is the group whose members may write users, groups and claims.
const BreakGlassGroup = "scim.kubescim.dev:break-glass"

// RunSuite runs the specs of a package.
func RunSuite(t *testing.T, description string) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	var ended Report
	ReportAfterSuite("what happened", func(report Report) { ended = report })
	if !RunSpecs(t, description) {
		repeatFailures(ended)
	}
}

// Connect makes the client of the cluster, and makes sure that kubectl can be
// run and that the operator is at work. The command is the one that a person
// should have started.
func Connect(ctx SpecContext, command string) {
	GinkgoHelper()
	howToGetThere := fmt.Sprintf("run `%s`, which starts a cluster, builds the image, installs the operator and runs this suite", command)
	_, err := exec.LookPath("kubectl")
	Expect(err).NotTo(HaveOccurred(), "kubectl must be on the PATH; %s", howToGetThere)
	Expect(os.Getenv("KUBECONFIG")).NotTo(BeEmpty(), "KUBECONFIG must name a cluster to test on; %s", howToGetThere)
	ctrl.SetLogger(GinkgoLogr)
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	settings, err := config.GetConfig()
	Expect(err).NotTo(HaveOccurred(), "reading the kubeconfig")
	Cluster, err = client.New(settings, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred(), "making a client for %s", settings.Host)
	emergency := rest.CopyConfig(settings)
	emergency.Impersonate = rest.ImpersonationConfig{UserName: BreakGlassGroup, Groups: []string{BreakGlassGroup, "system:masters"}}
	BreakGlass, err = client.New(emergency, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred(), "making a client that breaks glass")

	operator := &appsv1.Deployment{}
	err = Cluster.Get(ctx, OperatorKey, operator)
	if apierrors.IsNotFound(err) {
		Fail(fmt.Sprintf("the operator is not installed: there is no Deployment %s; %s", OperatorKey, howToGetThere))
	}
	Expect(err).NotTo(HaveOccurred(), "the cluster does not answer; %s", howToGetThere)
	Eventually(func(g Gomega) {
		g.Expect(Cluster.Get(ctx, OperatorKey, operator)).To(Succeed())
		g.Expect(IsAvailable(operator)).To(BeTrue(), "%+v", operator.Status)
	}).WithTimeout(2*time.Minute).Should(Succeed(),
		"Deployment %s does not become available: see `kubectl -n %s describe pods`; to install it again, %s",
		OperatorKey, OperatorKey.Namespace, howToGetThere)
}

// ExpectNoNamespaceLeft waits until the namespaces that specs made are gone. A
// namespace is deleted together with everything in it. Nothing that the operator
// puts into it may keep it.
func ExpectNoNamespaceLeft(ctx SpecContext) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		left := &corev1.NamespaceList{}
		g.Expect(Cluster.List(ctx, left, client.HasLabels{labelOfSuite})).To(Succeed())
		var names []string
		for _, namespace := range left.Items {
			if madeHere[namespace.Name] {
				names = append(names, namespace.Name)
			}
		}
		g.Expect(names).To(BeEmpty(), "these namespaces were deleted and are still there")
	}).WithTimeout(2 * time.Minute).WithPolling(time.Second).Should(Succeed())
}

// ReportFailure prints the state of the namespaces in use after a spec that
// failed: what went wrong is rarely in the failed assertion alone.
func ReportFailure() {
	if CurrentSpecReport().Failed() {
		reportNamespaces()
	}
}

// repeatFailures prints last of all, where the log of a CI run is read first and may
// have been cut, what Ginkgo's own summary leaves out: how each failed assertion began.
func repeatFailures(report Report) {
	const enough = 800
	for _, spec := range report.SpecReports {
		if spec.Failed() {
			_, _ = fmt.Fprintf(os.Stdout, "\nFailed: %s\n%s\n%.*s\n", spec.FullText(), spec.FailureLocation(), enough, spec.FailureMessage())
		}
	}
}
