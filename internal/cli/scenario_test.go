package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/contract"
)

// TestScenarios runs command lines against a real API server, and compares all that they print with
// what is in testdata. `go test ./internal/cli -run Scenarios -args -rewrite` writes it anew: read
// what has changed.
//
//	apply      creates objects, with their status
//	meanwhile  once the object is there, or has changed, writes its status, as the operator would
//	run        runs a command line; FOLDER stands for a folder of its own, and RELEASE for that of the API server
//	requests   are what the operator answers from now on about last requests, with a status other than 200 if it is given
//	file       prints a file of that folder, and write makes one
func TestScenarios(t *testing.T) {
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	t.Setenv("KUBECONFIG", kubeconfig)
	if err := os.WriteFile(kubeconfig, environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	version, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &scenario{client: c, release: version.GitVersion, folder: t.TempDir()}
		datadriven.RunTest(t, path, s.do)
	})
}

// scenario is what one file of testdata says.
type scenario struct {
	client client.Client
	// release is that of the API server, and folder the one of the command lines.
	release, folder string
	// operator is what goes on beside a command.
	operator sync.WaitGroup
	// requests is where the operator answers about last requests; empty while there is none.
	requests string
}

func (s *scenario) do(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "apply":
		s.apply(t, d.Input)
		return ""
	case "meanwhile":
		s.meanwhile(t, d.Input)
		return ""
	case "file":
		content, err := os.ReadFile(filepath.Join(s.folder, strings.TrimSpace(d.Input)))
		if err != nil {
			t.Fatal(err)
		}
		return string(content) + "\n"
	case "requests":
		status, answer := http.StatusOK, d.Input
		d.MaybeScanArgs(t, "status", &status)
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != contract.LogPath("logs", "served") {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, answer)
		}))
		t.Cleanup(server.Close)
		s.requests = server.Listener.Addr().String()
		return ""
	case "write":
		name := ""
		d.ScanArgs(t, "file", &name)
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(d.Input), 0o600); err != nil {
			t.Fatal(err)
		}
		return ""
	case "run":
		return s.run(t, d.Input)
	default:
		t.Fatalf("%s: there is no %q", d.Pos, d.Cmd)
		return ""
	}
}

// run runs a command line of kubectl, whose arguments may be in single quotes.
func (s *scenario) run(t *testing.T, line string) string {
	t.Helper()
	line, is := strings.CutPrefix(strings.ReplaceAll(line, "\\\n", " "), "kubectl scim ")
	if !is {
		t.Fatalf("%q does not run the plugin", line)
	}
	var reach command.Reach
	if s.requests != "" {
		reach = func(context.Context, *rest.Config, string) (string, func(), error) { return s.requests, func() {}, nil }
	}
	r := runReaching(reach, split(strings.ReplaceAll(line, "FOLDER", s.folder))...)
	s.operator.Wait()
	text := r.out.String()
	if r.errs.Len() > 0 {
		text += "--- stderr\n" + r.errs.String()
	}
	if r.code != 0 {
		text += fmt.Sprintf("--- exit status %d\n", r.code)
	}
	return strings.NewReplacer(s.folder, "FOLDER", s.release, "RELEASE").Replace(text)
}

// split splits a command line into its arguments.
func split(line string) (args []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			args = append(args, strings.Fields(part)...)
			continue
		}
		// What is quoted belongs to what stands before it.
		if before := strings.Split(line, "'")[i-1]; before != "" && !strings.HasSuffix(before, " ") {
			args[len(args)-1] += part
		} else {
			args = append(args, part)
		}
	}
	return args
}

// objects reads the objects of a text in YAML.
func objects(t *testing.T, text string) (all []*unstructured.Unstructured) {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object)
	}
}

func (s *scenario) apply(t *testing.T, text string) {
	t.Helper()
	for _, object := range objects(t, text) {
		status, hasStatus := object.Object["status"]
		if name := object.GetNamespace(); name != "" {
			namespace := &corev1.Namespace{}
			namespace.Name = name
			if err := client.IgnoreAlreadyExists(s.client.Create(t.Context(), namespace)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		if !hasStatus {
			continue
		}
		if err := s.writeStatus(t.Context(), object, status); err != nil {
			t.Fatal(err)
		}
	}
}

// writeStatus writes a status that is about the spec as it is.
func (s *scenario) writeStatus(ctx context.Context, object *unstructured.Unstructured, status any) error {
	fields, is := status.(map[string]any)
	if is {
		fields["observedGeneration"] = object.GetGeneration()
		conditions, _, _ := unstructured.NestedSlice(fields, "conditions")
		for _, condition := range conditions {
			condition.(map[string]any)["observedGeneration"] = object.GetGeneration()
		}
		if conditions != nil {
			fields["conditions"] = conditions
		}
	}
	object.Object["status"] = status
	return s.client.Status().Update(ctx, object)
}

// meanwhile lets the status of an object change once a command has changed, or made, the object.
func (s *scenario) meanwhile(t *testing.T, text string) {
	t.Helper()
	wanted := objects(t, text)[0]
	status := wanted.Object["status"]
	read := func(ctx context.Context) (*unstructured.Unstructured, error) {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(wanted.GroupVersionKind())
		return object, client.IgnoreNotFound(s.client.Get(ctx, client.ObjectKeyFromObject(wanted), object))
	}
	before, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.operator.Go(func() {
		err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			object, err := read(ctx)
			if err != nil || object.GetResourceVersion() == before.GetResourceVersion() {
				return false, err
			}
			return true, s.writeStatus(ctx, object, status)
		})
		if err != nil {
			t.Errorf("writing the status of %s: %v", wanted.GetName(), err)
		}
	})
}
