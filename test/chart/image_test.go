package chart_test

import (
	"path/filepath"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the operator is told to run, the admission policy lets it run: the policy is about
// the operator's account, and names the image of the servers.
func TestThePolicyIsForTheOperatorAndTheImageOfTheServers(t *testing.T) {
	const image = "registry.example.com:5000/kubescim"
	digest := "sha256:" + strings.Repeat("0", 64)
	for name, tc := range map[string]struct {
		objects          []*unstructured.Unstructured
		operator, server string
	}{
		"the chart": {render(t, "--set-string", "image.tag=1"), "kubescim/kubescim:1", "kubescim/kubescim:1"},
		"the chart with a digest": {
			render(t, "--set", "image.repository="+image, "--set", "image.digest="+digest), image + "@" + digest, image + "@" + digest,
		},
		"the chart with another image for servers": {
			render(t, "--set-string", "image.tag=1", "--set", "server.image="+image+":2"), "kubescim/kubescim:1", image + ":2",
		},
		"config/default":    {kustomize(t, filepath.Join(root, "config", "default")), "kubescim/kubescim:0.1.0", "kubescim/kubescim:0.1.0"},
		"dist/install.yaml": {dist(t, image+":2"), image + ":2", image + ":2"},
	} {
		t.Run(name, func(t *testing.T) {
			deployment := ofKind[appsv1.Deployment](t, tc.objects, "Deployment")[0]
			policy := policyOf(t, tc.objects, "kubescim-operator")
			pod := deployment.Spec.Template.Spec
			if got := pod.Containers[0].Image; got != tc.operator {
				t.Errorf("the operator's image is %q, and not %q", got, tc.operator)
			}
			if got := serverImage(pod.Containers[0]); got != tc.server {
				t.Errorf("the operator runs servers of image %q, and not %q", got, tc.server)
			}
			if allowed := policy.Variables[0]; allowed.Name != "serverImage" || allowed.Expression != "'"+tc.server+"'" {
				t.Errorf("the policy has %s for %s, and not %q", allowed.Expression, allowed.Name, tc.server)
			}
			account := "request.userInfo.username == 'system:serviceaccount:" + deployment.Namespace + ":" + pod.ServiceAccountName + "'"
			if got := policy.MatchConditions[0].Expression; got != account {
				t.Errorf("the policy is for %s, and not for %s", got, account)
			}
		})
	}
}

// policyOf returns what a policy says.
func policyOf(t *testing.T, objects []*unstructured.Unstructured, name string) admissionregistrationv1.ValidatingAdmissionPolicySpec {
	t.Helper()
	for _, policy := range ofKind[admissionregistrationv1.ValidatingAdmissionPolicy](t, objects, "ValidatingAdmissionPolicy") {
		if policy.Name == name {
			return policy.Spec
		}
	}
	t.Fatalf("there is no policy %s", name)
	return admissionregistrationv1.ValidatingAdmissionPolicySpec{}
}

// serverImage returns the image that the operator's container is told to run.
func serverImage(manager corev1.Container) string {
	for _, variable := range manager.Env {
		if variable.Name == "SERVER_IMAGE" {
			return variable.Value
		}
	}
	return ""
}
