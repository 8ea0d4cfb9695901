package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// target is a target of Prometheus, before its labels are rewritten.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// job is a job of config/prometheus/scrape.yaml.
type job map[string]any

// discovery is where a job looks for pods.
type discovery struct {
	Role       string
	Namespaces struct{ Names []string }
}

// rewritten are rules by which targets are reached from here, after those of the job itself.
func (j job) rewritten(rules ...map[string]any) {
	all, _ := j["relabel_configs"].([]any)
	for _, rule := range rules {
		all = append(all, rule)
	}
	j["relabel_configs"] = all
}

// discover puts, in the place of Kubernetes' discovery, the targets that it would find in a namespace. The Prometheus of
// Debian, which runs here, is built without it.
func (j job) discover(ctx SpecContext, namespace string) discovery {
	GinkgoHelper()
	text, err := json.Marshal(j["kubernetes_sd_configs"])
	Expect(err).NotTo(HaveOccurred())
	var asked []discovery
	Expect(json.Unmarshal(text, &asked)).To(Succeed())
	Expect(asked).To(HaveLen(1))
	Expect(asked[0].Role).To(Equal("pod"))
	pods := &corev1.PodList{}
	Expect(Cluster.List(ctx, pods, client.InNamespace(namespace))).To(Succeed())
	targets := []target{}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp != nil {
			continue // The next discovery would not find it.
		}
		targets = append(targets, portsOf(&pods.Items[i])...)
	}
	delete(j, "kubernetes_sd_configs")
	j["static_configs"] = targets
	return asked[0]
}

// portsOf are the targets that Kubernetes' discovery of the role pod has for a pod: one for each port of a container.
func portsOf(pod *corev1.Pod) (targets []target) {
	unfit := regexp.MustCompile(`[^a-zA-Z0-9_]`)
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			number := strconv.Itoa(int(port.ContainerPort))
			labels := map[string]string{
				"__meta_kubernetes_namespace":                 pod.Namespace,
				"__meta_kubernetes_pod_name":                  pod.Name,
				"__meta_kubernetes_pod_phase":                 string(pod.Status.Phase),
				"__meta_kubernetes_pod_container_port_name":   port.Name,
				"__meta_kubernetes_pod_container_port_number": number,
			}
			for name, value := range pod.Labels {
				labels["__meta_kubernetes_pod_label_"+unfit.ReplaceAllString(name, "_")] = value
			}
			targets = append(targets, target{Targets: []string{pod.Status.PodIP + ":" + number}, Labels: labels})
		}
	}
	return targets
}

// scraping is config/prometheus/scrape.yaml, as it reads the servers of one namespace, and the operator at an address
// with the token in a file.
func scraping(ctx SpecContext, namespace, address, tokenFile string) string {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(checkout, "config", "prometheus", "scrape.yaml"))
	Expect(err).NotTo(HaveOccurred())
	var shipped struct {
		Jobs []job `json:"scrape_configs"`
	}
	Expect(yaml.UnmarshalStrict(text, &shipped)).To(Succeed())
	Expect(shipped.Jobs).To(HaveLen(2))
	servers, operator := shipped.Jobs[0], shipped.Jobs[1]

	everywhere := servers.discover(ctx, namespace)
	Expect(everywhere.Namespaces.Names).To(BeEmpty(), "tenants may be anywhere")
	servers.rewritten(map[string]any{
		"source_labels": []string{"__meta_kubernetes_namespace", "__meta_kubernetes_pod_name", "__meta_kubernetes_pod_container_port_number"},
		"regex":         "(.*);(.*);(.*)",
		"replacement":   "/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
		"target_label":  "__metrics_path__",
	}, map[string]any{"replacement": ProxyToCluster(), "target_label": "__address__"})

	there := operator.discover(ctx, OperatorKey.Namespace)
	Expect(there.Namespaces.Names).To(Equal([]string{OperatorKey.Namespace}))
	operator.rewritten(map[string]any{"replacement": address, "target_label": "__address__"})
	Expect(operator["authorization"]).To(HaveKey("credentials_file"))
	operator["authorization"] = map[string]any{"credentials_file": tokenFile}

	rules, err := filepath.Abs(filepath.Join(checkout, "config", "prometheus", "rules.yaml"))
	Expect(err).NotTo(HaveOccurred())
	configuration, err := yaml.Marshal(map[string]any{
		"global":         map[string]any{"scrape_interval": "5s", "evaluation_interval": "5s"},
		"rule_files":     []string{rules},
		"scrape_configs": shipped.Jobs,
	})
	Expect(err).NotTo(HaveOccurred())
	return string(configuration)
}

// watchedByPrometheus runs a Prometheus that reads the metrics of the operator, and of the servers in a namespace.
func watchedByPrometheus(ctx SpecContext, namespace string, pods int) *Prometheus {
	GinkgoHelper()
	token, addresses := readerOfOperator(ctx, namespace)
	var address string
	Eventually(func() error {
		var err error
		for _, address = range addresses {
			if _, err = getWithToken(clientOfMetrics, "https://"+address+"/metrics", token); err == nil {
				break
			}
		}
		return err
	}).WithTimeout(30 * time.Second).Should(Succeed())
	tokenFile := filepath.Join(GinkgoT().TempDir(), "token")
	Expect(os.WriteFile(tokenFile, []byte(token), 0o600)).To(Succeed())
	prometheus := StartPrometheus(scraping(ctx, namespace, address, tokenFile))
	Eventually(func() ([]Sample, error) { return prometheus.Query("count by (job, namespace) (up == 1)") }).
		WithTimeout(time.Minute).WithPolling(time.Second).Should(ConsistOf(
		Sample{Labels: map[string]string{"job": "kubescim-servers", "namespace": namespace}, Value: strconv.Itoa(pods)},
		Sample{Labels: map[string]string{"job": "kubescim-operator", "namespace": OperatorKey.Namespace}, Value: "1"}))
	return prometheus
}
