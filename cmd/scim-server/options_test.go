package main

import (
	"errors"
	"flag"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/program"
	"github.com/kubescim/kubescim/internal/readindex/driver"
)

// inPod is the environment that the Deployment gives a server pod.
func inPod(name string) string {
	return map[string]string{
		contract.EnvPodName: "acme-scim-0", contract.EnvPodNamespace: "team", contract.EnvPodUID: "uid", contract.EnvPodIP: "192.0.2.7",
	}[name]
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"--tenant=acme", "--absence=2h", "--peer-address=127.0.0.1:9", "--issuer-hosts=a.example.com,b.example.com"}, inPod)
	if err != nil {
		t.Fatal(err)
	}
	want := options{
		tenant: "acme", address: ":8080", secureAddress: ":8443", healthAddress: ":8081", peerAddress: "127.0.0.1:9", linger: 15 * time.Second, absence: 2 * time.Hour,
		issuers: contract.Hosts{Names: []string{"a.example.com", "b.example.com"}}, eventSinks: contract.Hosts{Names: []string{}},
		pod: driver.Pod{Namespace: "team", Name: "acme-scim-0", UID: "uid", IP: "192.0.2.7"},
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("parsed %+v, want %+v", o, want)
	}
}

// What the operator writes into a Deployment is what the server reads.
func TestParseTakesWhatTheDeploymentSays(t *testing.T) {
	issuers := contract.HostsOf([]string{"*.idp.example.com"}, []string{"10.0.0.0/8", "fd00::/8"})
	sinks := contract.HostsOf([]string{"app.example.com:8443"}, []string{"192.0.2.0/24"})
	deployment := operand.Deployment(operand.DedicatedServer(&scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{Server: scimv1alpha1.ServerSpec{TLS: scimv1alpha1.ServerTLS{SecretName: "acme-scim-tls"}}},
	}),
		operand.Settings{Image: "kubescim:1", Absence: 3 * time.Hour, Issuers: issuers, EventSinks: sinks})
	container := deployment.Spec.Template.Spec.Containers[0]
	environment := map[string]string{}
	for _, variable := range container.Env {
		environment[*variable.Name] = "something"
	}
	o, err := parse(container.Args, func(name string) string { return environment[name] })
	if err != nil || o.tenant != "acme" || o.absence != 3*time.Hour || o.certificate != contract.PathServerCertificate || !reflect.DeepEqual(o.issuers, issuers) ||
		!reflect.DeepEqual(o.eventSinks, sinks) {
		t.Errorf("parsed %+v, %v", o, err)
	}
	ports := map[int32]bool{}
	for _, port := range container.Ports {
		ports[*port.ContainerPort] = true
	}
	for _, port := range []int32{contract.PortSCIM, contract.PortSCIMTLS, contract.PortHealth, contract.PortPeers} {
		if !ports[port] {
			t.Errorf("the container has no port %d", port)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		args    string
		missing string
		usage   bool
	}{
		"no tenant":     {"", "", false},
		"both":          {"--tenant=acme --server=shared", "", false},
		"no name":       {"--tenant=acme", contract.EnvPodName, false},
		"no namespace":  {"--tenant=acme", contract.EnvPodNamespace, false},
		"no uid":        {"--tenant=acme", contract.EnvPodUID, false},
		"no IP":         {"--tenant=acme", contract.EnvPodIP, false},
		"unknown flag":  {"--tenant=acme --nonsense", "", true},
		"no duration":   {"--tenant=acme --linger=soon", "", true},
		"bare duration": {"--tenant=acme --absence=5", "", true},
		"no network":    {"--tenant=acme --issuer-networks=10.0.0.1", "", false},
		"no such one":   {"--tenant=acme --event-sink-networks=10.0.0.1", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(strings.Fields(tc.args), func(name string) string {
				if name == tc.missing {
					return ""
				}
				return inPod(name)
			})
			var usage *program.UsageError
			if err == nil || errors.Is(err, flag.ErrHelp) || errors.As(err, &usage) != tc.usage {
				t.Errorf("it fails with %v", err)
			}
		})
	}
}

func TestParseForAServerOfManyTenants(t *testing.T) {
	o, err := parse([]string{"--server=shared"}, inPod)
	if err != nil || o.server != "shared" || o.tenant != "" {
		t.Errorf("parse = %+v, %v", o, err)
	}
}
