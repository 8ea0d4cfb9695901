package scimtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// labelOfSuite is on the namespaces that specs make.
const labelOfSuite = "e2e.kubescim.dev/spec"

// prefixOfSpecs begins the names of those namespaces.
const prefixOfSpecs = "e2e-"

var (
	// Cluster is a client of the API server, for what kubectl is too slow for.
	Cluster client.Client
	// BreakGlass is a client that may write users, groups and claims past the servers
	// (docs/break-glass.md).
	BreakGlass client.Client
	// madeHere are the namespaces that this run made.
	madeHere = map[string]bool{}
	// reported are the namespaces whose state was printed after a failure.
	reported = map[string]bool{}
)

// NewNamespace makes a namespace, under the strictest pod security standard,
// that is deleted after the spec.
func NewNamespace(ctx SpecContext, purpose string) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: prefixOfSpecs + purpose + "-",
		Labels: map[string]string{
			labelOfSuite:                         purpose,
			"pod-security.kubernetes.io/enforce": "restricted",
		},
	}}
	Expect(Cluster.Create(ctx, namespace)).To(Succeed())
	madeHere[namespace.Name] = true
	DeferCleanup(func(ctx SpecContext) {
		seeMetrics(ctx, namespace.Name)
		Expect(Cluster.Delete(ctx, namespace)).To(Succeed())
		reported[namespace.Name] = true
	})
	return namespace.Name
}

// RunKubectl runs kubectl with an input and returns what it prints. The error
// has what it says about a failure.
func RunKubectl(input string, args ...string) (string, error) {
	return runProgram(3*time.Minute, "kubectl", input, args...)
}

func runProgram(limit time.Duration, program, input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// RunShell runs commands of a document, as an administrator types them, and returns what they
// print. The error has what they say about a failure.
func RunShell(commands string) (string, error) {
	return runProgram(5*time.Minute, "bash", "", "-euo", "pipefail", "-c", commands)
}

// Kubectl runs kubectl and returns what it prints. The spec fails when it fails.
func Kubectl(args ...string) string {
	GinkgoHelper()
	output, err := RunKubectl("", args...)
	Expect(err).NotTo(HaveOccurred())
	return output
}

// Shell runs a command as somebody types it, and returns what it prints.
func Shell(command string) string {
	GinkgoHelper()
	output, err := runProgram(time.Minute, "bash", "", "-ec", command)
	Expect(err).NotTo(HaveOccurred())
	return output
}

// Apply applies objects with kubectl.
func Apply(objects ...client.Object) {
	GinkgoHelper()
	ApplyText(manifest(objects...))
}

// ApplyText applies a manifest, as it stands in a file, with kubectl.
func ApplyText(manifest string) {
	GinkgoHelper()
	_, err := RunKubectl(manifest, "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred())
}

// manifest writes objects the way kubectl reads them.
func manifest(objects ...client.Object) string {
	GinkgoHelper()
	list := map[string]any{"apiVersion": "v1", "kind": "List", "items": objects}
	text, err := json.Marshal(list)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// KubectlGet reads an object with kubectl and returns it as JSON; nil when there
// is none.
func KubectlGet(namespace, kind, name string) map[string]any {
	GinkgoHelper()
	output := Kubectl("get", "-n", namespace, kind, name, "-o", "json", "--ignore-not-found")
	if output == "" {
		return nil
	}
	var object map[string]any
	Expect(json.Unmarshal([]byte(output), &object)).To(Succeed())
	return object
}

// KubectlList lists objects with kubectl.
func KubectlList(namespace, kinds string, args ...string) []map[string]any {
	GinkgoHelper()
	output := Kubectl(append([]string{"get", "-n", namespace, kinds, "-o", "json"}, args...)...)
	var list struct {
		Items []map[string]any `json:"items"`
	}
	Expect(json.Unmarshal([]byte(output), &list)).To(Succeed())
	return list.Items
}

// WaitFor waits with `kubectl wait` until an object has a condition.
func WaitFor(namespace, condition string, objects ...string) {
	GinkgoHelper()
	args := append([]string{"wait", "-n", namespace, "--for=" + condition, "--timeout=120s"}, objects...)
	if output, err := RunKubectl("", args...); err != nil {
		Fail(fmt.Sprintf("%v\n%s\n%s", err, output, describe(namespace)))
	}
}

// describe tells the state of the tenants and pods of a namespace.
func describe(namespace string) string {
	var text strings.Builder
	for _, args := range [][]string{
		{"get", "scimtenants,scimapikeys,scimcredentials,scimrolebindings,scimeventsinks", "-n", namespace, "-o", "wide"},
		{"get", "deployments,pods,leases", "-n", namespace, "-o", "wide"},
		{"get", "events", "-n", namespace, "--sort-by=.metadata.creationTimestamp"},
		{"logs", "-n", namespace, "-l", "app.kubernetes.io/name=kubescim-server", "--prefix", "--tail=15"},
	} {
		output, err := RunKubectl("", args...)
		fmt.Fprintf(&text, "--- kubectl %s\n%s", strings.Join(args, " "), output)
		if err != nil {
			fmt.Fprintln(&text, err)
		}
	}
	return text.String()
}

// reportNamespaces prints, once for each, the state of the namespaces in use.
func reportNamespaces() {
	for namespace := range madeHere {
		if !reported[namespace] {
			reported[namespace] = true
			AddReportEntry(namespace, ReportEntryVisibilityFailureOrVerbose, describe(namespace))
		}
	}
}
