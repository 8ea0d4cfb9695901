package chart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kubescim/kubescim/test/internal/tool"
)

// The version that the documents' images have is that of the chart, which installs it without being asked to.
func TestDocumentsBuildTheImageThatTheChartInstalls(t *testing.T) {
	var metadata struct{ AppVersion string }
	readYAML(t, chartPath+"/Chart.yaml", &metadata)
	built := regexp.MustCompile(`docker build --build-arg VERSION=(\S+) -t \S+:(\S+) `)
	for _, document := range []string{"README.md", "docs/installing.md"} {
		found := built.FindStringSubmatch(readText(t, filepath.Join(root, document)))
		if len(found) == 0 || found[1] != metadata.AppVersion || found[2] != metadata.AppVersion {
			t.Errorf("%s builds %q, and the chart installs %s", document, found, metadata.AppVersion)
		}
	}
}

// What the documents have typed at an installation is reused by what they have typed at an upgrade: the image must be the
// new chart's all the same, also where a tag was set in between.
func TestAnUpgradeAsItIsDocumentedBringsTheImageOfTheNewChart(t *testing.T) {
	g := NewWithT(t)
	env := &envtest.Environment{}
	config, err := env.Start()
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	cluster, err := client.New(config, client.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	folder := t.TempDir()
	g.Expect(os.CopyFS(filepath.Join(folder, "charts", "kubescim"), os.DirFS(chartPath))).To(Succeed())
	kubeconfig := filepath.Join(folder, "kubeconfig")
	g.Expect(os.WriteFile(kubeconfig, env.KubeConfig, 0o600)).To(Succeed())
	program, err := tool.Helm()
	g.Expect(err).NotTo(HaveOccurred())

	// enter runs a document's command with Helm, and returns what it prints. No pod comes up here that it could wait for.
	enter := func(command string) string {
		t.Helper()
		bash := exec.CommandContext(t.Context(), "bash", "-c", `helm() { "$HELM" "$@"; }`+"\n"+strings.ReplaceAll(command, " --wait", ""))
		bash.Dir, bash.Env = folder, append(os.Environ(), "KUBECONFIG="+kubeconfig, "HELM="+program)
		out, err := bash.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), "%s: %s", command, out)
		return string(out)
	}
	image := func() string {
		t.Helper()
		deployment := &appsv1.Deployment{}
		g.Expect(cluster.Get(t.Context(), client.ObjectKey{Namespace: "kubescim-system", Name: "kubescim"}, deployment)).To(Succeed())
		return deployment.Spec.Template.Spec.Containers[0].Image
	}
	// release makes the chart that of another release.
	release := func(version string) {
		t.Helper()
		file := filepath.Join(folder, "charts", "kubescim", "Chart.yaml")
		text := regexp.MustCompile(`(?m)^(version|appVersion): .*$`).ReplaceAllString(readText(t, file), `$1: "`+version+`"`)
		g.Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	}
	upgrade := commandIn(t, "upgrading.md", "helm upgrade")

	release("7.0.0")
	enter(commandIn(t, "installing.md", "helm upgrade --install"))
	g.Expect(image()).To(Equal("registry.example.com/kubescim:7.0.0"))
	release("7.1.0")
	enter(upgrade)
	g.Expect(image()).To(Equal("registry.example.com/kubescim:7.1.0"), "without a tag that was ever set")
	enter("helm upgrade kubescim charts/kubescim --namespace kubescim-system --reuse-values --set image.tag=7.1.1 --set replicas=2")
	release("7.2.0")
	g.Expect(enter(strings.ReplaceAll(upgrade, "--set image.tag=", ""))).To(ContainSubstring(
		"The operator runs registry.example.com/kubescim:7.1.1, since image.tag is set, and not 7.2.0"), "and stays so")
	g.Expect(enter(upgrade)).NotTo(ContainSubstring("since image.tag is set"))
	g.Expect(image()).To(Equal("registry.example.com/kubescim:7.2.0"), "after a tag was set")
	out, _, err := helm(t, "get", "values", "kubescim", "--namespace", "kubescim-system", "--kubeconfig", kubeconfig)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(out)).To(ContainSubstring("replicas: 2"), "what else was set stays")
}

// commandIn returns the first command of a document that begins so, with the lines that it goes on in.
func commandIn(t *testing.T, document, beginning string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(beginning) + `(?:.*\\\n)*.*$`).FindString(readText(t, filepath.Join(root, "docs", document)))
	if found == "" {
		t.Fatalf("docs/%s has no command %s", document, beginning)
	}
	return found
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
