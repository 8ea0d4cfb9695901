package chart_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// isolated are values with which there are NetworkPolicies, for clients in one namespace.
const isolated = `config.networkPolicy={"enabled":true,"clients":[{"namespaceSelector":{"matchLabels":{"a":"b"}}}]`

// A wrong NetworkPolicy cuts off who is not in it: nobody gets one who has not said who that is.
func TestNetworkPoliciesAreAskedFor(t *testing.T) {
	for name, objects := range map[string][]*unstructured.Unstructured{
		"the chart": render(t), "config/default": kustomize(t, filepath.Join(root, "config", "default")),
	} {
		if policies := ofKind[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy"); len(policies) > 0 {
			t.Errorf("%s has the NetworkPolicy %s", name, policies[0].Name)
		}
	}
}

// The operator's pods, and no others, are isolated, and its servers answer to its own labels.
func TestTheOperatorIsIsolated(t *testing.T) {
	both := t.TempDir()
	if err := os.CopyFS(filepath.Join(both, "config"), os.DirFS(filepath.Join(root, "config"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(both, "kustomization.yaml"), []byte("resources: [config/default, config/networkpolicy]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	chart, manifests := isolationOf(t, render(t, "--set-json", isolated+"}")), isolationOf(t, kustomize(t, both))
	if !reflect.DeepEqual(chart, manifests) || len(chart.Ingress) > 0 {
		t.Errorf("the chart isolates it by %+v, and config/networkpolicy by %+v", chart, manifests)
	}
	if len(chart.PolicyTypes) != 2 {
		t.Errorf("the policy is about %v alone", chart.PolicyTypes)
	}
	usage := chart.Egress[0]
	labels := operand.Labels("acme")
	for key, value := range usage.To[0].PodSelector.MatchLabels {
		if labels[key] != value {
			t.Errorf("the operator may ask pods with the label %s=%s, which a server has not", key, value)
		}
	}
	if usage.Ports[0].Port.IntVal != contract.PortHealth {
		t.Errorf("the operator may ask them at port %s", usage.Ports[0].Port)
	}
}

func TestWhomTheOperatorMayTalkTo(t *testing.T) {
	scrapers := `,"scrapers":[{"podSelector":{}}],"apiServer":{"networks":["192.0.2.7/32"],"ports":[443]}}`
	policy := isolationOf(t, render(t, "--set-json", isolated+scrapers, "--set", watchedNamespaces))
	if len(policy.Ingress) != 1 || policy.Ingress[0].Ports[0].Port.IntVal != 8443 || policy.Ingress[0].From[0].PodSelector == nil {
		t.Errorf("the metrics are read by %+v", policy.Ingress)
	}
	if expressions := policy.Egress[0].To[0].NamespaceSelector.MatchExpressions; len(expressions) != 1 || !reflect.DeepEqual(expressions[0].Values, []string{"acme", "globex"}) {
		t.Errorf("servers are asked in %+v", expressions)
	}
	if server := policy.Egress[1]; len(server.To) != 1 || server.To[0].IPBlock.CIDR != "192.0.2.7/32" || len(server.Ports) != 1 {
		t.Errorf("the API server is at %+v", server)
	}
	if ingress := isolationOf(t, render(t, "--set-json", isolated+scrapers, "--set", "metrics.enabled=false")).Ingress; len(ingress) > 0 {
		t.Errorf("metrics that are not served are read by %+v", ingress)
	}
}

// isolationOf returns the NetworkPolicy of the operator, which must choose its pods.
func isolationOf(t *testing.T, objects []*unstructured.Unstructured) networkingv1.NetworkPolicySpec {
	t.Helper()
	policies := ofKind[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy")
	if len(policies) != 1 {
		t.Fatalf("there are %d NetworkPolicies", len(policies))
	}
	deployment := ofKind[appsv1.Deployment](t, objects, "Deployment")[0]
	if selector := policies[0].Spec.PodSelector; !reflect.DeepEqual(&selector, deployment.Spec.Selector) || policies[0].Namespace != deployment.Namespace {
		t.Errorf("it is for the pods with %v", selector)
	}
	return policies[0].Spec
}
