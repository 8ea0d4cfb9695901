package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func load(t *testing.T, text string) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

func mustLoad(t *testing.T, text string) Config {
	t.Helper()
	c, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	none, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for name, allow := range map[string]Allow{"no file": none.Allow, "an empty file": mustLoad(t, "").Allow} {
		t.Run(name, func(t *testing.T) {
			if !allow.Host("acme", "acme.example.com") {
				t.Error("a host is refused")
			}
			if !allow.IngressAnnotation("cert-manager.io/cluster-issuer") {
				t.Error("cert-manager is refused")
			}
			for _, key := range []string{
				"nginx.ingress.kubernetes.io/configuration-snippet", "nginx.ingress.kubernetes.io/server-alias",
				"external-dns.alpha.kubernetes.io/hostname", "acme.cert-manager.io/http01-edit-in-place", "cert-manager.io",
			} {
				if allow.IngressAnnotation(key) {
					t.Errorf("annotation %s is allowed", key)
				}
			}
			if view := (scimv1alpha1.BoundRoleReference{Kind: scimv1alpha1.BoundClusterRole, Name: "view"}); !allow.BoundRole(view) {
				t.Error("the ClusterRole view may not be bound")
			}
			for _, kind := range []scimv1alpha1.BoundRoleKind{scimv1alpha1.BoundClusterRole, scimv1alpha1.BoundRole} {
				if allow.BoundRole(scimv1alpha1.BoundRoleReference{Kind: kind, Name: "edit"}) {
					t.Errorf("a %s may be bound that nobody has named", kind)
				}
			}
			if allow.PriorityClass("system-cluster-critical") || allow.PriorityClass("") {
				t.Error("a PriorityClass is allowed")
			}
			if allow.Toleration(corev1.Toleration{Operator: corev1.TolerationOpExists}) {
				t.Error("all taints may be tolerated")
			}
			if hosts := strings.Join(allow.Issuers.Hosts, " "); hosts != "login.microsoftonline.com login.windows.net" || len(allow.Issuers.Networks) > 0 {
				t.Errorf("the issuers are %+v", allow.Issuers)
			}
		})
	}
}

func TestAnEmptyListAllowsNothing(t *testing.T) {
	allow := mustLoad(t, "allow: {hosts: [], ingressAnnotations: []}").Allow
	if allow.Host("acme", "acme.example.com") || allow.IngressAnnotation("cert-manager.io/issuer") {
		t.Error("something is allowed")
	}
}

func TestHosts(t *testing.T) {
	allow := mustLoad(t, `
allow:
  hosts:
    - namespaces: [acme, acme-*]
      hosts: [scim.acme.example.com, "*.acme.example.com"]
    - namespaces: [platform]
      hosts: ["*"]
`).Allow
	for _, tc := range []struct {
		namespace, host string
		want            bool
	}{
		{"acme", "scim.acme.example.com", true},
		{"acme", "a.b.acme.example.com", true},
		{"acme-test", "a.acme.example.com", true},
		{"acme", "acme.example.com", false},
		{"acme", "evilacme.example.com", false},
		{"acmes", "a.acme.example.com", false},
		{"acme", "globex.example.com", false},
		{"platform", "globex.example.com", true},
		{"globex", "a.acme.example.com", false},
	} {
		if got := allow.Host(tc.namespace, tc.host); got != tc.want {
			t.Errorf("%s in namespace %s: allowed is %v", tc.host, tc.namespace, got)
		}
	}
}

func TestEventSinks(t *testing.T) {
	if none := mustLoad(t, "{}").Allow.EventSinks; len(none.Hosts)+len(none.Networks) > 0 {
		t.Errorf("by default, the event sinks are %+v", none)
	}
	some := mustLoad(t, "allow: {eventSinks: {hosts: ['*.example.com', 'app.example.com:8443'], networks: [10.0.0.0/8]}}").Allow.EventSinks
	if len(some.Hosts) != 2 || len(some.Networks) != 1 {
		t.Errorf("the event sinks are %+v", some)
	}
	for text, field := range map[string]string{
		"allow: {eventSinks: {hosts: ['https://app.example.com']}}": "allow.eventSinks.hosts[0]",
		"allow: {eventSinks: {networks: [10.0.0.1]}}":               "allow.eventSinks.networks[0]",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestIssuers(t *testing.T) {
	issuers := mustLoad(t, `
allow:
  issuers:
    hosts: [idp.example.com, "*.idp.example.com", "idp.example.com:8443", 192.0.2.7, "192.0.2.7:6443", "[2001:db8::1]:443"]
    networks: [10.0.0.0/8, "fd00::/8"]
`).Allow.Issuers
	if len(issuers.Hosts) != 6 || len(issuers.Networks) != 2 {
		t.Errorf("the issuers are %+v", issuers)
	}
	if none := mustLoad(t, "allow: {issuers: {hosts: []}}").Allow.Issuers; len(none.Hosts) > 0 {
		t.Errorf("issuers of %q are allowed", none.Hosts)
	}
	if some := mustLoad(t, "allow: {issuers: {networks: [127.0.0.2/32]}}").Allow.Issuers; len(some.Hosts) != 2 {
		t.Errorf("issuers of %q are allowed", some.Hosts)
	}
	for _, host := range []string{
		"", "*", "*.", "*idp.example.com", "idp.*", "https://idp.example.com", "idp.example.com/", "idp.example.com:", "idp.example.com:0",
		"idp.example.com:65536", "IdP.example.com", "me@idp.example.com", "idp.example.com?x", "a b", "2001:db8::1", "a,b",
	} {
		if _, err := load(t, fmt.Sprintf("allow: {issuers: {hosts: [a.example.com, %q]}}", host)); err == nil || !strings.Contains(err.Error(), "allow.issuers.hosts[1]") {
			t.Errorf("host %q: the error is %v", host, err)
		}
	}
}

func TestTolerations(t *testing.T) {
	allow := mustLoad(t, `
allow:
  tolerations:
    - key: example.com/pool
      value: scim
      effect: NoSchedule
    - key: example.com/spot
`).Allow
	for name, tc := range map[string]struct {
		toleration corev1.Toleration
		want       bool
	}{
		"as it is listed":      {corev1.Toleration{Key: "example.com/pool", Value: "scim", Effect: corev1.TaintEffectNoSchedule}, true},
		"another value":        {corev1.Toleration{Key: "example.com/pool", Value: "db", Effect: corev1.TaintEffectNoSchedule}, false},
		"any value":            {corev1.Toleration{Key: "example.com/pool", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}, false},
		"any effect":           {corev1.Toleration{Key: "example.com/pool", Value: "scim"}, false},
		"any value, if listed": {corev1.Toleration{Key: "example.com/spot", Operator: corev1.TolerationOpExists}, true},
		"another key":          {corev1.Toleration{Key: "node-role.kubernetes.io/control-plane", Operator: corev1.TolerationOpExists}, false},
		"every taint":          {corev1.Toleration{Operator: corev1.TolerationOpExists}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allow.Toleration(tc.toleration); got != tc.want {
				t.Errorf("allowed is %v", got)
			}
		})
	}
}

func TestServers(t *testing.T) {
	c := mustLoad(t, "servers: {imagePullSecrets: [registry], absence: 72h}")
	if len(c.Servers.ImagePullSecrets) != 1 || c.Servers.ImagePullSecrets[0] != "registry" {
		t.Errorf("imagePullSecrets = %q", c.Servers.ImagePullSecrets)
	}
	if c.Servers.Absence.Duration != 72*time.Hour {
		t.Errorf("absence = %s", c.Servers.Absence.Duration)
	}
	if life := c.Credentials.MaxLifetime(); life != 0 {
		t.Errorf("a token lasts for %s by default", life)
	}
	if life := mustLoad(t, "credentials: {maxLifetimeDays: 90}").Credentials.MaxLifetime(); life != 90*24*time.Hour {
		t.Errorf("a token lasts for %s", life)
	}
	if absence := mustLoad(t, "servers: {}").Servers.Absence.Duration; absence != 24*time.Hour {
		t.Errorf("absence is %s by default", absence)
	}
}

func TestDefaultsOfServers(t *testing.T) {
	c := mustLoad(t, `
servers:
  userIDs: Assigned
  openTelemetry: {OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.monitoring:4318", OTEL_TRACES_SAMPLER_ARG: "0.1"}
  rollout: {maxConcurrent: 20, pause: 30s}
  defaults:
    resources: {requests: {cpu: 200m}, limits: {memory: 1Gi}}
    scheduling: {nodeSelector: {pool: scim}, tolerations: [{key: example.com/pool, operator: Exists}], priorityClassName: scim}
    pod:
      labels: {example.com/team: identity}
      annotations: {example.com/contact: identity@example.com}
      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: db}}, topologyKey: kubernetes.io/hostname}]}}
`).Servers
	spec := c.Defaults.Spec()
	if len(c.OpenTelemetry) != 2 || c.OpenTelemetry["OTEL_TRACES_SAMPLER_ARG"] != "0.1" {
		t.Errorf("the variables are %v", c.OpenTelemetry)
	}
	for _, tc := range []struct {
		variables map[string]string
		want      []int32
	}{
		{c.OpenTelemetry, []int32{4318}}, {nil, nil}, {map[string]string{"OTEL_TRACES_SAMPLER": "always_on"}, nil},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://traces.example.com", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://[2001:db8::1]/v1"}, []int32{80, 443}},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b:4318"}, []int32{4318}},
	} {
		if got := (Servers{OpenTelemetry: tc.variables}).CollectorPorts(); !slices.Equal(got, tc.want) {
			t.Errorf("with %v, the ports of collectors are %v", tc.variables, got)
		}
	}
	if c.UserIDs != UserIDsAssigned || c.Rollout.MaxConcurrent != 20 || c.Rollout.Pause.Duration != 30*time.Second {
		t.Errorf("the servers are %+v", c)
	}
	if spec.Resources.Limits.Memory().String() != "1Gi" || spec.Scheduling.PriorityClassName != "scim" || spec.Pod.Labels["example.com/team"] != "identity" ||
		len(spec.Pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) != 1 {
		t.Errorf("the defaults are %+v", spec)
	}
	if none := mustLoad(t, "servers: {defaults: {resources: {}}}").Servers.Defaults.Spec(); none.Resources != nil {
		t.Errorf("without resources, they are %+v", none.Resources)
	}
	if c := mustLoad(t, "servers: {rollout: {pause: 1s}}").Servers; c.UserIDs != UserIDsFixed || c.Rollout.MaxConcurrent != 5 {
		t.Errorf("the servers are %+v by default", c)
	}
}

func TestPodLabels(t *testing.T) {
	allow := mustLoad(t, `allow: {podLabels: ["*"], podAnnotations: ["example.com/*"]}`).Allow
	for key, want := range map[string]bool{
		"team": true, "example.com/team": true,
		"app.kubernetes.io/instance": false, "app.kubernetes.io/version": false, "scim.kubescim.dev/tenant": false, "pod-template-hash": false,
	} {
		if got := allow.PodLabel(key); got != want {
			t.Errorf("label %s: allowed is %v", key, got)
		}
	}
	if !allow.PodAnnotation("example.com/contact") || allow.PodAnnotation("sidecar.istio.io/inject") {
		t.Error("other annotations are allowed than those of the list")
	}
	refused := allow.RefusedOfServer("spec", scimv1alpha1.ServerSpec{Pod: scimv1alpha1.ServerPod{
		Labels:      map[string]scimv1alpha1.PodLabelValue{"app.kubernetes.io/instance": "globex", "team": "identity"},
		Annotations: map[string]scimv1alpha1.PodAnnotationValue{"example.com/contact": "a", "sidecar.istio.io/inject": "true"},
	}})
	if want := []string{
		`label "app.kubernetes.io/instance" in spec.pod.labels is one that the operator sets itself`,
		`annotation "sidecar.istio.io/inject" in spec.pod.annotations is not allowed (allow.podAnnotations)`,
	}; !slices.Equal(refused, want) {
		t.Errorf("refused: %q", refused)
	}
	if none := mustLoad(t, "").Allow; none.PodLabel("team") || none.PodAnnotation("team") {
		t.Error("by default, something is allowed")
	}
}

// The chart says the defaults itself, for its readers.
func TestTheChartHasTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../../charts/kubescim/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Config map[string]any `json:"config"`
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	ofChart, err := yaml.Marshal(values.Config)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%+v", mustLoad(t, string(ofChart))), fmt.Sprintf("%+v", Default()); got != want {
		t.Errorf("the chart has %s, and the defaults are %s", got, want)
	}
}

// A configuration that is not understood must not be half in force.
func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"no YAML":                    {"allow: [", "yaml"},
		"an unknown field":           {"allow: {host: []}", `"host"`},
		"an unknown section":         {"alow: {}", `"alow"`},
		"a list without a value":     {"allow:\n  hosts:\n", "allow.hosts"},
		"issuers without a value":    {"allow:\n  issuers:\n", "allow.issuers"},
		"no hosts of issuers":        {"allow:\n  issuers:\n    hosts:\n", "allow.issuers.hosts"},
		"any role":                   {"allow: {clusterRoles: [view, '*']}", "allow.clusterRoles[1]"},
		"a role without a name":      {"allow: {roles: ['']}", "allow.roles[0]"},
		"an issuer's address":        {"allow: {issuers: {networks: [10.0.0.1]}}", "allow.issuers.networks[0]"},
		"an issuer's bits":           {"allow: {issuers: {networks: [10.0.0.0/8, 10.0.0.1/8]}}", "allow.issuers.networks[1]"},
		"a field twice":              {"allow: {hosts: []}\nallow: {}", `"allow"`},
		"a host without namespaces":  {"allow: {hosts: [{hosts: [a.example.com]}]}", "allow.hosts[0]"},
		"a namespace without hosts":  {"allow: {hosts: [{namespaces: [acme]}]}", "allow.hosts[0]"},
		"two stars":                  {`allow: {ingressAnnotations: ["*/*"]}`, "allow.ingressAnnotations[0]"},
		"an empty pattern":           {`allow: {priorityClasses: [high, ""]}`, "allow.priorityClasses[1]"},
		"a shell's pattern":          {`allow: {hosts: [{namespaces: ["team-?"], hosts: ["*"]}]}`, "allow.hosts[0].namespaces[0]"},
		"a toleration of all":        {"allow: {tolerations: [{effect: NoSchedule}]}", "allow.tolerations[0].key"},
		"a toleration of several":    {`allow: {tolerations: [{key: "example.com/*"}]}`, "allow.tolerations[0].key"},
		"no absence":                 {"servers: {absence: 0s}", "servers.absence"},
		"a life of less than no day": {"credentials: {maxLifetimeDays: -1}", "credentials.maxLifetimeDays"},
		"a life of eleven years":     {"credentials: {maxLifetimeDays: 4015}", "from 1 to 3650 days"},
		"too short an absence":       {"servers: {absence: 4m}", "servers.absence"},
		"ids of somebody":            {"servers: {userIDs: Root}", "servers.userIDs"},
		"a secret of a collector":    {"servers: {openTelemetry: {OTEL_EXPORTER_OTLP_HEADERS: a=b}}", "OTEL_EXPORTER_OTLP_HEADERS"},
		"a collector without scheme": {"servers: {openTelemetry: {OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318'}}", "servers.openTelemetry.OTEL_EXPORTER_OTLP_ENDPOINT"},
		"no server at a time":        {"servers: {rollout: {maxConcurrent: 0}}", "servers.rollout.maxConcurrent"},
		"a pause of a day":           {"servers: {rollout: {pause: 24h}}", "servers.rollout.pause"},
		"a default for replicas":     {"servers: {defaults: {replicas: 3}}", "replicas"},
		"a default label's key":      {"servers: {defaults: {pod: {labels: {a b: c}}}}", "servers.defaults.pod.labels"},
		"a default label of ours":    {"servers: {defaults: {pod: {labels: {app.kubernetes.io/name: c}}}}", "the operator sets itself"},
		"a default label's value":    {"servers: {defaults: {pod: {labels: {a: b c}}}}", "servers.defaults.pod.labels"},
		"a default annotation's key": {"servers: {defaults: {pod: {annotations: {a b: c}}}}", "servers.defaults.pod.annotations"},
		"a default label of nodes":   {"servers: {defaults: {scheduling: {nodeSelector: {a b: c}}}}", "servers.defaults.scheduling.nodeSelector"},
		"requests beyond limits":     {"servers: {defaults: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}}", "servers.defaults.resources.requests"},
		"a quantity that is none":    {"servers: {defaults: {resources: {requests: {memory: much}}}}", "quantit"},
		"a pattern for pod labels":   {`allow: {podLabels: ["a?"]}`, "allow.podLabels[0]"},
		"no pattern for annotations": {`allow: {podAnnotations: [""]}`, "allow.podAnnotations[0]"},
		"an unknown effect":          {"allow: {tolerations: [{key: a, effect: Sometimes}]}", "allow.tolerations[0].effect"},
		"a wrong type":               {"allow: {priorityClasses: high}", "priorityClasses"},
		"a host for all tenants":     {"endpoint: {hostTemplate: scim.example.com, tls: {termination: Elsewhere}}", "endpoint.hostTemplate"},
		"an unknown placeholder":     {"endpoint: {hostTemplate: '{tenant}.{cluster}.example.com', tls: {termination: Elsewhere}}", "endpoint.hostTemplate"},
		"a host in capitals":         {"endpoint: {hostTemplate: '{tenant}.Example.com', tls: {termination: Elsewhere}}", `"Example" in it`},
		"a host that is a wildcard":  {"endpoint: {hostTemplate: '*.{tenant}.example.com', tls: {termination: Elsewhere}}", `"*" in it`},
		"a host with a port":         {"endpoint: {hostTemplate: '{tenant}.example.com:443', tls: {termination: Elsewhere}}", `"com:443" in it`},
		"a host without a domain":    {"endpoint: {hostTemplate: '{tenant}', tls: {termination: Elsewhere}}", "without a domain"},
		"too long a host":            {"endpoint: {hostTemplate: '{tenant}" + strings.Repeat(".example", 32) + "', tls: {termination: Elsewhere}}", "may have 253"},
		"a host in the clear":        {"endpoint: {hostTemplate: '{tenant}.example.com'}", "endpoint.tls: tokens must not travel in the clear"},
		"no certificate":             {"endpoint: {tls: {termination: Ingress}}", "endpoint.tls: tokens must not travel in the clear"},
		"two certificates":           {"endpoint: {tls: {termination: Elsewhere, secretName: a}}", "take out one of them"},
		"TLS nowhere":                {"endpoint: {tls: {termination: Nowhere}}", "termination must be Ingress or Elsewhere"},
		"no name of a certificate":   {"endpoint: {tls: {secretName: '{tenant}_tls'}}", "endpoint.tls: secretName"},
		"no name of a class":         {"endpoint: {ingress: {className: '{tenant}'}}", "endpoint.ingress.className"},
		"no key of an annotation":    {"endpoint: {ingress: {annotations: {a b: c}}}", "endpoint.ingress.annotations"},
		"a default path":             {"endpoint: {path: /api}", `"path"`},
		"a Secret's wrong name":      {"servers: {imagePullSecrets: [Registry]}", "servers.imagePullSecrets[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error is %v, and should contain %s", err, tc.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "missing.yaml")); err == nil {
		t.Error("a file that is not there is no error")
	}
}
