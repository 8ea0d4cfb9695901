package chart_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/test/internal/tool"
)

const (
	rulesPath     = root + "/config/prometheus/rules.yaml"
	rulesTestPath = root + "/config/prometheus/rules_test.yaml"
)

// rules are alerts as Prometheus reads them.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert       string            `json:"alert"`
			Annotations map[string]string `json:"annotations"`
		} `json:"rules"`
	} `json:"groups"`
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
}

func TestAlertsFireAndEnd(t *testing.T) {
	promtool, err := tool.Promtool()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", rulesTestPath).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// Each alert is seen to fire and to end, and has a page that says what to do.
func TestAlertsAreTestedAndExplained(t *testing.T) {
	var all rules
	readYAML(t, rulesPath, &all)
	var tested struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string `json:"alertname"`
				ExpAlerts []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	readYAML(t, rulesTestPath, &tested)
	ends := map[string]bool{} // by alert: whether it ended last
	fired := map[string]bool{}
	for _, test := range tested.Tests {
		for _, one := range test.AlertRuleTest {
			fired[one.Alertname] = fired[one.Alertname] || len(one.ExpAlerts) > 0
			ends[one.Alertname] = ends[one.Alertname] || fired[one.Alertname] && len(one.ExpAlerts) == 0
		}
	}
	var pages []string
	for _, rule := range all.Groups[0].Rules {
		if !fired[rule.Alert] || !ends[rule.Alert] {
			t.Errorf("%s is not tested: fires %t, ends %t", rule.Alert, fired[rule.Alert], ends[rule.Alert])
		}
		page := path.Base(rule.Annotations["runbook_url"])
		pages = append(pages, page)
		text, err := os.ReadFile(filepath.Join(root, "docs", "runbooks", page))
		if err != nil || !strings.Contains(string(text), rule.Alert) {
			t.Errorf("%s has no page that is about it: %v", rule.Alert, err)
		}
	}
	if slices.Sort(pages); len(slices.Compact(slices.Clone(pages))) != len(pages) || len(pages) < 9 {
		t.Errorf("the pages are %v", pages)
	}
}

// What a program may export is what docs/metrics.md has, and nothing else.
func TestMetricsAreDocumented(t *testing.T) {
	quoted := regexp.MustCompile(`"(kubescim_[a-z_]+)"`)
	var exported []string
	err := filepath.WalkDir(root+"/internal", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, found := range quoted.FindAllStringSubmatch(string(text), -1) {
			exported = append(exported, found[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, found := range regexp.MustCompile("`(kubescim_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if name := found[1]; name != "kubescim_" {
			documented = append(documented, name)
		}
	}
	unique := func(all []string) []string {
		slices.Sort(all)
		return slices.Compact(all)
	}
	NewWithT(t).Expect(unique(documented)).To(Equal(unique(exported)))
}

// The metrics that alerts and the dashboard go by are those that there are.
func TestAlertsAndDashboardAskForMetricsThatAreDocumented(t *testing.T) {
	name := regexp.MustCompile(`kubescim_[a-z_]+`)
	page, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := name.FindAllString(string(page), -1)
	for _, file := range []string{rulesPath, root + "/config/prometheus/dashboard.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, asked := range name.FindAllString(string(text), -1) {
			if asked != "kubescim_" && !slices.Contains(documented, strings.TrimSuffix(asked, "_bucket")) {
				t.Errorf("%s asks for %s", file, asked)
			}
		}
	}
}

// A cluster without prometheus-operator has none of its kinds.
func TestNothingOfPrometheusUnlessItIsAskedFor(t *testing.T) {
	for _, object := range render(t) {
		if strings.HasPrefix(object.GetAPIVersion(), "monitoring.coreos.com/") || strings.Contains(object.GetName(), "dashboard") {
			t.Errorf("there is %s %s", object.GetKind(), object.GetName())
		}
	}
}

// The objects for prometheus-operator are as its own definitions want them, without a field too many.
func TestObjectsForPrometheusOperator(t *testing.T) {
	g := NewWithT(t)
	var module struct{ Dir string }
	out, err := exec.CommandContext(t.Context(), "go", "-C", root+"/hack/prometheus", "mod", "download", "-json",
		"github.com/prometheus-operator/prometheus-operator").Output()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(json.Unmarshal(out, &module)).To(Succeed())
	env := startEnvironment(t)
	var definitions []string
	for _, kind := range []string{"servicemonitors", "podmonitors", "prometheusrules"} {
		definitions = append(definitions, module.Dir+"/example/prometheus-operator-crd/monitoring.coreos.com_"+kind+".yaml")
	}
	_, err = envtest.InstallCRDs(env.Config, envtest.CRDInstallOptions{Paths: definitions, ErrorIfPathMissing: true})
	g.Expect(err).NotTo(HaveOccurred())

	strict := client.WithFieldValidation(env.Client, metav1.FieldValidationStrict)
	for _, values := range []string{chartPath + "/ci/full-values.yaml", documentedValues(t)} {
		kinds := map[string]int{}
		for _, object := range render(t, "--values", values) {
			isDashboard := object.GetLabels()["grafana_dashboard"] != ""
			if !isDashboard && object.GroupVersionKind().Group != "monitoring.coreos.com" {
				continue
			}
			kinds[object.GetKind()]++
			if !isDashboard {
				g.Expect(object.GetLabels()).To(HaveKeyWithValue("release", "prometheus"))
			}
			g.Expect(strict.Create(t.Context(), object, client.DryRunAll)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
		}
		g.Expect(kinds).To(Equal(map[string]int{"ServiceMonitor": 1, "PodMonitor": 1, "PrometheusRule": 1, "ConfigMap": 1}), values)
	}
}

// documentedValues is a file with the values that docs/metrics.md tells readers to set.
func documentedValues(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "```yaml\n")
	values, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("docs/metrics.md has no values")
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestThePodMonitorChoosesTheServersThatAreWatched(t *testing.T) {
	g := NewWithT(t)
	podMonitor := func(args ...string) map[string]any {
		for _, object := range render(t, append(args, "--set", "metrics.podMonitor.enabled=true")...) {
			if object.GetKind() == "PodMonitor" {
				return object.Object
			}
		}
		t.Fatal("there is no PodMonitor")
		return nil
	}
	names, _, err := unstructured.NestedSlice(podMonitor(), "spec", "selector", "matchExpressions")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(names).To(ConsistOf(HaveKeyWithValue("values", ConsistOf(operand.ServerName, operand.SharedServerName))))
	everywhere, _, err := unstructured.NestedBool(podMonitor(), "spec", "namespaceSelector", "any")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(everywhere).To(BeTrue())
	some, _, err := unstructured.NestedStringSlice(podMonitor("--set", watchedNamespaces), "spec", "namespaceSelector", "matchNames")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(some).To(Equal([]string{"acme", "globex"}))
}

func TestTheDashboardIsWhatGrafanaReads(t *testing.T) {
	g := NewWithT(t)
	objects := render(t, "--set", "metrics.grafanaDashboard.enabled=true")
	for _, one := range ofKind[corev1.ConfigMap](t, objects, "ConfigMap") {
		if one.Labels["grafana_dashboard"] != "1" {
			continue
		}
		var rendered, want any
		g.Expect(json.Unmarshal([]byte(one.Data["kubescim.json"]), &rendered)).To(Succeed())
		text, err := os.ReadFile(root + "/config/prometheus/dashboard.json")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(json.Unmarshal(text, &want)).To(Succeed())
		g.Expect(rendered).To(Equal(want))
		return
	}
	t.Error("there is no dashboard")
}

// Who has no prometheus-operator reads the same by a file that Prometheus reads as it stands. Debian's promtool knows no
// discovery of Kubernetes: what it is asked for is compared with what the chart's monitors ask for.
func TestTheScrapeConfigurationReadsWhatTheMonitorsDo(t *testing.T) {
	g := NewWithT(t)
	promtool, err := tool.Promtool()
	g.Expect(err).NotTo(HaveOccurred())
	text := readText(t, root+"/config/prometheus/scrape.yaml")
	discovery := regexp.MustCompile(`(?m)^    kubernetes_sd_configs:\n(?:      .*\n)+`)
	g.Expect(discovery.FindAllString(text, -1)).To(Equal([]string{
		"    kubernetes_sd_configs:\n      - role: pod\n",
		"    kubernetes_sd_configs:\n      - role: pod\n        namespaces:\n          names: [kubescim-system]\n",
	}))
	file := filepath.Join(t.TempDir(), "scrape.yaml")
	g.Expect(os.WriteFile(file, []byte(discovery.ReplaceAllString(text, "")), 0o600)).To(Succeed())
	out, err := exec.CommandContext(t.Context(), promtool, "check", "config", "--syntax-only", file).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)

	var scraping struct {
		ScrapeConfigs []struct {
			Scheme         string `json:"scheme"`
			HonorLabels    bool   `json:"honor_labels"`
			RelabelConfigs []struct {
				Regex string `json:"regex"`
			} `json:"relabel_configs"`
		} `json:"scrape_configs"`
	}
	readYAML(t, root+"/config/prometheus/scrape.yaml", &scraping)
	servers, operator := scraping.ScrapeConfigs[0], scraping.ScrapeConfigs[1]
	objects := map[string]*unstructured.Unstructured{}
	for _, object := range render(t, "--set", "metrics.podMonitor.enabled=true", "--set", "metrics.serviceMonitor.enabled=true") {
		objects[object.GetKind()] = object
	}
	at := func(kind string, fields ...string) any {
		t.Helper()
		value, found, err := unstructured.NestedFieldNoCopy(objects[kind].Object, fields...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found).To(BeTrue(), "%s has no %v", kind, fields)
		return value
	}
	names := at("PodMonitor", "spec", "selector", "matchExpressions").([]any)[0].(map[string]any)["values"].([]any)
	port := at("PodMonitor", "spec", "podMetricsEndpoints").([]any)[0].(map[string]any)["port"]
	g.Expect(servers.RelabelConfigs[0].Regex).To(Equal(fmt.Sprintf("Running;(%s|%s);%s", names[0], names[1], port)))
	endpoint := at("ServiceMonitor", "spec", "endpoints").([]any)[0].(map[string]any)
	g.Expect(operator.Scheme).To(Equal(endpoint["scheme"]))
	g.Expect(operator.HonorLabels).To(Equal(endpoint["honorLabels"]))
	labels := objects["Deployment"].GetLabels()
	target := at("Service", "spec", "ports").([]any)[0].(map[string]any)["targetPort"]
	g.Expect(operator.RelabelConfigs[0].Regex).To(Equal(fmt.Sprintf("Running;%s;%s;%s",
		labels["app.kubernetes.io/name"], labels["app.kubernetes.io/component"], target)))
}
