package chart_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// dataPolicies are those about who may write users, groups and claims.
var dataPolicies = []string{"kubescim-users", "kubescim-leases"}

// Whoever the operator runs as may write users and claims, and the group that breaks glass, and its roles are for that group.
func TestWhoMayWriteUsersFollowsTheValues(t *testing.T) {
	const usual = "scim.kubescim.dev:break-glass"
	for name, tc := range map[string]struct {
		objects        []*unstructured.Unstructured
		group, writers string
	}{
		"the chart": {render(t), usual, "[]"},
		"another group and writers": {
			render(t, "--set", "dataPolicy.breakGlassGroup=example.com:emergency", "--set", "dataPolicy.writers={system:serviceaccount:velero:velero,b}"),
			"example.com:emergency", `["system:serviceaccount:velero:velero","b"]`,
		},
		"another ServiceAccount": {render(t, "--set", "serviceAccount.name=other"), usual, "[]"},
		"watched namespaces":     {render(t, "--set", watchedNamespaces), usual, "[]"},
		"config/default":         {kustomize(t, filepath.Join(root, "config", "default")), usual, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			deployment := ofKind[appsv1.Deployment](t, tc.objects, "Deployment")[0]
			operator := "request.userInfo.username != 'system:serviceaccount:" + deployment.Namespace + ":" + deployment.Spec.Template.Spec.ServiceAccountName + "'"
			for _, name := range dataPolicies {
				policy := policyOf(t, tc.objects, name)
				if got := policy.MatchConditions[0].Expression; got != operator {
					t.Errorf("%s lets through who fulfils %s, and not %s", name, got, operator)
				}
				if got := variablesOf(policy); got["breakGlassGroup"] != "'"+tc.group+"'" || got["writers"] != tc.writers {
					t.Errorf("%s lets through %s and %s", name, got["breakGlassGroup"], got["writers"])
				}
			}
			var bound int
			for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
				for _, binding := range ofKind[rbacv1.ClusterRoleBinding](t, tc.objects, kind) {
					switch binding.RoleRef.Name {
					case "kubescim-break-glass":
						t.Errorf("%v may break glass without anybody's decision", binding.Subjects)
					case "kubescim-user-editor":
						bound++
						if len(binding.Subjects) != 1 || binding.Subjects[0].Kind != rbacv1.GroupKind || binding.Subjects[0].Name != tc.group {
							t.Errorf("%v may write users by %s", binding.Subjects, binding.Name)
						}
					}
				}
			}
			if bound == 0 {
				t.Error("the group has no right to write users")
			}
			for _, role := range ofKind[rbacv1.ClusterRole](t, tc.objects, "ClusterRole") {
				expected := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"users", "groups"}, ResourceNames: []string{tc.group}, Verbs: []string{"impersonate"}}
				if role.Name == "kubescim-break-glass" && (len(role.Rules) != 1 || !reflect.DeepEqual(role.Rules[0], expected)) {
					t.Errorf("who may break glass may %+v", role.Rules)
				}
			}
		})
	}
}

func variablesOf(policy admissionregistrationv1.ValidatingAdmissionPolicySpec) map[string]string {
	expressions := map[string]string{}
	for _, variable := range policy.Variables {
		expressions[variable.Name] = variable.Expression
	}
	return expressions
}

// A second release, for other namespaces, has its own operator, which the policies of this one do not know.
func TestPoliciesHoldWhereTheOperatorWorks(t *testing.T) {
	for name, tc := range map[string]struct {
		args       []string
		namespaces []string
	}{
		"everywhere":         {nil, nil},
		"watched namespaces": {[]string{"--set", watchedNamespaces}, []string{"acme", "globex"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := render(t, tc.args...)
			var found []string
			for _, binding := range ofKind[admissionregistrationv1.ValidatingAdmissionPolicyBinding](t, objects, "ValidatingAdmissionPolicyBinding") {
				if !slices.Contains(dataPolicies, binding.Name) {
					continue
				}
				found = append(found, binding.Spec.PolicyName)
				var namespaces []string
				if resources := binding.Spec.MatchResources; resources != nil {
					namespaces = resources.NamespaceSelector.MatchExpressions[0].Values
				}
				if !slices.Equal(namespaces, tc.namespaces) {
					t.Errorf("%s holds in %v", binding.Name, namespaces)
				}
				if !slices.Equal(binding.Spec.ValidationActions, []admissionregistrationv1.ValidationAction{"Deny", "Audit"}) {
					t.Errorf("%s has the actions %v", binding.Name, binding.Spec.ValidationActions)
				}
			}
			if !slices.Equal(slices.Sorted(slices.Values(found)), slices.Sorted(slices.Values(dataPolicies))) {
				t.Errorf("there are bindings for %v", found)
			}
			editors := ofKind[rbacv1.RoleBinding](t, objects, "RoleBinding")
			for _, namespace := range tc.namespaces {
				if !slices.ContainsFunc(editors, func(b rbacv1.RoleBinding) bool { return b.Namespace == namespace && b.Name == "kubescim-user-editor" }) {
					t.Errorf("the group may write no users in %s", namespace)
				}
			}
		})
	}
}

// What the policies are for stays, and they go, when the release is uninstalled or they are switched off.
func TestPoliciesGoWithTheRelease(t *testing.T) {
	for _, obj := range render(t) {
		if strings.HasPrefix(obj.GetKind(), "ValidatingAdmissionPolicy") && obj.GetAnnotations()["helm.sh/resource-policy"] != "" {
			t.Errorf("%s %s stays", obj.GetKind(), obj.GetName())
		}
	}
	for _, obj := range render(t, "--set", "dataPolicy.enabled=false") {
		if slices.Contains(append([]string{"kubescim-break-glass", "kubescim-user-editor"}, dataPolicies...), obj.GetName()) {
			t.Errorf("%s %s is there", obj.GetKind(), obj.GetName())
		}
	}
}

// What stands in quotes in an expression must not end there.
func TestNoValueEndsAnExpression(t *testing.T) {
	for _, value := range []string{"dataPolicy.breakGlassGroup=a' || true || '", "dataPolicy.breakGlassGroup=", `dataPolicy.writers={a"b}`, `dataPolicy.writers={a\\}`} {
		if _, complaint, err := helm(t, "template", "kubescim", chartPath, "--set", value); err == nil || !strings.Contains(complaint, "dataPolicy") {
			t.Errorf("with %s, Helm says %v: %s", value, err, complaint)
		}
	}
}
