package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// residentMemory is the metric of a process's resident memory, in bytes.
const residentMemory = "process_resident_memory_bytes"

// Process is what a process has used.
type Process struct {
	// Memory is its resident memory, in bytes.
	Memory float64
	// CPU is the processor time since its start, in seconds.
	CPU float64
}

// Memory returns the resident memory of each server pod, in bytes.
func (t *Tenant) Memory(ctx context.Context) ([]float64, error) {
	processes, err := t.processes(ctx)
	if err != nil {
		return nil, err
	}
	var memory []float64
	for _, p := range processes {
		memory = append(memory, p.Memory)
	}
	return memory, nil
}

// processes returns the process of each server pod.
func (s *server) processes(ctx context.Context) ([]Process, error) {
	pods, err := s.pods(ctx)
	if err != nil {
		return nil, err
	}
	var processes []Process
	for _, pod := range pods {
		text, err := s.cluster.core.CoreV1().RESTClient().Get().
			AbsPath("/api/v1/namespaces", s.namespace, "pods", pod.Name+":8081", "proxy", "metrics").DoRaw(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the metrics of a server pod: %w", err)
		}
		process, err := processOf(text)
		if err != nil {
			return nil, fmt.Errorf("reading the metrics of a server pod: %w", err)
		}
		processes = append(processes, process)
	}
	return processes, nil
}

// processOf reads what the metrics of a process say about it.
func processOf(text []byte) (p Process, err error) {
	if p.Memory, err = metric(text, residentMemory); err != nil {
		return Process{}, err
	}
	p.CPU, err = metric(text, "process_cpu_seconds_total")
	return p, err
}

// APIServer returns the resident memory of the API server and the size of etcd's database, in bytes.
func (c *Cluster) APIServer(ctx context.Context) (memory, database float64, err error) {
	text, err := c.core.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the metrics of the API server: %w", err)
	}
	if memory, err = metric(text, residentMemory); err != nil {
		return 0, 0, fmt.Errorf("reading the metrics of the API server: %w", err)
	}
	if database, err = metric(text, "apiserver_storage_size_bytes"); err != nil {
		return 0, 0, fmt.Errorf("reading the metrics of the API server: %w", err)
	}
	return memory, database, nil
}

// Etcd returns the resident memory of etcd, in bytes, from the URL of its metrics, on loopback.
func Etcd(ctx context.Context, metricsURL string) (float64, error) {
	if at, err := url.Parse(metricsURL); err != nil || !load.IsLoopback(at.Hostname()) {
		return 0, fmt.Errorf("the metrics of etcd must be on loopback, not at %q", metricsURL)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metricsURL, nil)
	if err != nil {
		return 0, fmt.Errorf("reading the metrics of etcd: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("reading the metrics of etcd: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return 0, fmt.Errorf("reading the metrics of etcd: %w", err)
	}
	return metric(text, residentMemory)
}

// metric returns the value of a gauge or a counter in Prometheus' text format; the sum, where it has labels.
func metric(text []byte, name string) (float64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return 0, fmt.Errorf("parsing metrics: %w", err)
	}
	family, ok := families[name]
	if !ok {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	sum := 0.0
	for _, m := range family.GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum, nil
}
