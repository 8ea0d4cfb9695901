package scimtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Prometheus is a real one that runs on this machine.
type Prometheus struct{ address string }

// Sample is a value that a query has returned, with its labels. It is a number, and may be NaN.
type Sample struct {
	Labels map[string]string
	Value  string
}

// StartPrometheus runs the program that PROMETHEUS names, with a configuration, until the spec has ended.
func StartPrometheus(configuration string) *Prometheus {
	GinkgoHelper()
	program := os.Getenv("PROMETHEUS")
	Expect(program).NotTo(BeEmpty(), "PROMETHEUS is to be the path of prometheus; run `make e2e`")
	folder := GinkgoT().TempDir()
	file := filepath.Join(folder, "prometheus.yaml")
	Expect(os.WriteFile(file, []byte(configuration), 0o600)).To(Succeed())
	p := &Prometheus{address: freeAddress()}
	runUntilCleanup(exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+p.address, "--log.level=warn"))
	Eventually(func() error {
		_, err := p.ask("/api/v1/status/buildinfo")
		return err
	}).WithTimeout(30 * time.Second).Should(Succeed())
	return p
}

// freeAddress is one at which nobody listens.
func freeAddress() string {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// runUntilCleanup runs a program until the spec has ended.
func runUntilCleanup(cmd *exec.Cmd) {
	GinkgoHelper()
	cmd.Stderr = GinkgoWriter
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // It was killed.
	})
}

// ProxyToCluster runs kubectl's proxy until the spec has ended, and returns its address.
func ProxyToCluster() string {
	GinkgoHelper()
	cmd := exec.Command("kubectl", "proxy", "--port=0")
	out, err := cmd.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	runUntilCleanup(cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	Expect(err).NotTo(HaveOccurred())
	return strings.TrimSpace(line[strings.LastIndex(line, " ")+1:])
}

// Query returns what an expression is at the moment.
func (p *Prometheus) Query(expression string) ([]Sample, error) {
	answer, err := p.ask("/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus for %s: %w", expression, err)
	}
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := json.Unmarshal(answer, &data); err != nil {
		return nil, fmt.Errorf("reading what %s is: %w", expression, err)
	}
	var samples []Sample
	for _, one := range data.Result {
		samples = append(samples, Sample{Labels: one.Metric, Value: fmt.Sprint(one.Value[1])})
	}
	return samples, nil
}

// Firing returns the names of the alerts that fire for a namespace.
func (p *Prometheus) Firing(namespace string) ([]string, error) {
	answer, err := p.ask("/api/v1/alerts")
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus for alerts: %w", err)
	}
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	if err := json.Unmarshal(answer, &data); err != nil {
		return nil, fmt.Errorf("reading the alerts of Prometheus: %w", err)
	}
	var firing []string
	for _, alert := range data.Alerts {
		if alert.State == "firing" && alert.Labels["namespace"] == namespace {
			firing = append(firing, alert.Labels["alertname"])
		}
	}
	return firing, nil
}

// ask returns the data of an answer.
func (p *Prometheus) ask(path string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // It was only read from.
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, errors.New(answer.Error)
	}
	return answer.Data, nil
}
