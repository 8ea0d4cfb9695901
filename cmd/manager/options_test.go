package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/program"
)

// inPod is the environment of the operator's pod, without the image.
func inPod(name string) string {
	if name == envNamespace {
		return "kubescim-system"
	}
	return ""
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"--server-image=kubescim:1", "--watch-namespaces=acme, globex,", "--log-level=DEBUG"}, inPod)
	if err != nil {
		t.Fatal(err)
	}
	if o.serverImage != "kubescim:1" || !slices.Equal(o.watchNamespaces, []string{"acme", "globex"}) {
		t.Errorf("parsed %+v", o)
	}
	if !o.leaderElect || !o.metricsSecure || o.metricsAddress != ":8443" || o.healthAddress != ":8081" || o.apiAddress != ":9443" {
		t.Errorf("unexpected defaults %+v", o)
	}
	if m := o.manager(); len(m.Cache.DefaultNamespaces) != 2 || !m.LeaderElectionReleaseOnCancel || m.Metrics.FilterProvider == nil {
		t.Error("the manager's options do not say what the flags say")
	}
}

func TestParseTakesFromTheEnvironment(t *testing.T) {
	environment := map[string]string{envServerImage: "kubescim:2", envNamespace: "kubescim-system"}
	o, err := parse(nil, func(name string) string { return environment[name] })
	if err != nil || o.serverImage != "kubescim:2" || o.namespace != "kubescim-system" {
		t.Errorf("serverImage = %q, namespace = %q, %v", o.serverImage, o.namespace, err)
	}
	if o.manager().Cache.DefaultNamespaces != nil {
		t.Error("the cache is limited to namespaces though none were given")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range []string{
		"", "--server-image=x extra", "--server-image=x --workers=0", "--server-image=x --log-format=xml",
		"--server-image=x --log-level=loud", "--server-image=x --namespace=", "--nonsense",
	} {
		if _, err := parse(strings.Fields(args), inPod); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestExitStatus(t *testing.T) {
	for args, want := range map[string]int{
		"--nonsense":   program.ExitUsage,
		"--workers=x":  program.ExitUsage,
		"--log-format": program.ExitUsage,
		"":             program.ExitFailure, // without an image
		"--server-image=x --config=/nonexistent/config.yaml": program.ExitFailure,
		"--help":    0,
		"--version": 0,
	} {
		if got := execute(strings.Fields(args), inPod); got != want {
			t.Errorf("%q ends with %d, want %d", args, got, want)
		}
	}
}

func TestMetricsWithoutTLS(t *testing.T) {
	o, err := parse([]string{"--server-image=x", "--metrics-secure=false"}, inPod)
	if err != nil {
		t.Fatal(err)
	}
	if m := o.metrics(); m.SecureServing || m.FilterProvider != nil {
		t.Error("the metrics are still secured")
	}
}
