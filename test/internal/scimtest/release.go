package scimtest

import (
	"errors"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
)

// RunHelm runs the helm that HELM names, in the operator's namespace, and returns what
// it prints. The error has what it says about a failure.
func RunHelm(input string, args ...string) (string, error) {
	program := os.Getenv("HELM")
	if program == "" {
		return "", errors.New("HELM is to be the path of helm; run `make e2e`")
	}
	return runProgram(5*time.Minute, program, input, append(args, "--namespace", OperatorKey.Namespace)...)
}

// Release is the operator's Helm release, of which a spec changes values. Such a spec
// is Serial: the operator starts again, and all tenants are under other rules.
type Release struct {
	chart string
	// before are the values that the release had, as YAML.
	before string
}

// ChangeRelease returns the operator's release. Its values are put back when the spec
// has ended.
func ChangeRelease(chart string) *Release {
	GinkgoHelper()
	before, err := RunHelm("", "get", "values", OperatorKey.Name, "--output", "yaml")
	Expect(err).NotTo(HaveOccurred())
	r := &Release{chart: chart, before: before}
	DeferCleanup(func(ctx SpecContext) { r.PutBack(ctx) })
	return r
}

// TryUpgrade upgrades the release, with values in addition to those that it has.
func (r *Release) TryUpgrade(values string) error {
	_, err := RunHelm(values, "upgrade", OperatorKey.Name, r.chart, "--reset-then-reuse-values", "--values", "-", "--wait", "--timeout", "3m")
	return err
}

// Upgrade is TryUpgrade, and waits until the operator runs with the values.
func (r *Release) Upgrade(ctx SpecContext, values string) {
	GinkgoHelper()
	Expect(r.TryUpgrade(values)).To(Succeed())
	operatorRuns(ctx)
}

// PutBack gives the release the values that it had before the spec.
func (r *Release) PutBack(ctx SpecContext) {
	GinkgoHelper()
	_, err := RunHelm(r.before, "upgrade", OperatorKey.Name, r.chart, "--reset-values", "--values", "-", "--wait", "--timeout", "3m")
	Expect(err).NotTo(HaveOccurred())
	operatorRuns(ctx)
}

// operatorRuns waits until the operator has no pods but those of its newest template.
func operatorRuns(ctx SpecContext) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		operator := &appsv1.Deployment{}
		g.Expect(Cluster.Get(ctx, OperatorKey, operator)).To(Succeed())
		g.Expect(IsAvailable(operator)).To(BeTrue())
		g.Expect(OperatorPods(ctx)).To(HaveLen(int(*operator.Spec.Replicas)))
	}).WithTimeout(time.Minute).Should(Succeed())
}
