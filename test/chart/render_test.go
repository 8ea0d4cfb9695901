package chart_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

const watchedNamespaces = "watchNamespaces={acme,globex}"

// An upgrade cannot change what a binding refers to: two releases of the chart with
// other values must not have a binding of one name for different roles.
func TestAnUpgradeMaySetAndClearTheWatchedNamespaces(t *testing.T) {
	all, some := rolesOfBindings(t), rolesOfBindings(t, "--set", watchedNamespaces)
	for binding, role := range all {
		if other, both := some[binding]; both && other != role {
			t.Errorf("%s is for %s, and with watched namespaces for %s", binding, role, other)
		}
	}
	if len(all) < 2 || len(some) < len(all)+2 {
		t.Errorf("the bindings are %v, and with watched namespaces %v", all, some)
	}
}

// rolesOfBindings returns the roles that all bindings of the chart are for.
func rolesOfBindings(t *testing.T, args ...string) map[string]string {
	t.Helper()
	roles := map[string]string{}
	objects := render(t, args...)
	for _, b := range ofKind[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding") {
		roles[b.Name] = b.RoleRef.Kind + " " + b.RoleRef.Name
	}
	for _, b := range ofKind[rbacv1.RoleBinding](t, objects, "RoleBinding") {
		roles[b.Namespace+"/"+b.Name] = b.RoleRef.Kind + " " + b.RoleRef.Name
	}
	return roles
}

// With watched namespaces, what the operator may do in the whole cluster is to read
// and patch its own kinds, and to read what is in no namespace.
func TestRightsBeyondTheWatchedNamespaces(t *testing.T) {
	objects := render(t, "--set", watchedNamespaces)
	roles := map[string]rbacv1.ClusterRole{}
	for _, role := range ofKind[rbacv1.ClusterRole](t, objects, "ClusterRole") {
		roles[role.Name] = role
	}
	allowed := map[string][]string{
		"networking.k8s.io/ingressclasses":              {"get", "list", "watch"},
		"/namespaces":                                   {"get"},
		"scim.kubescim.dev/scimtenants":                 {"get", "list", "watch", "patch"},
		"scim.kubescim.dev/scimservers":                 {"get", "list", "watch", "patch"},
		"scim.kubescim.dev/scimapikeys":                 {"get", "list", "watch", "patch"},
		"scim.kubescim.dev/scimtenants/status":          {"patch"},
		"scim.kubescim.dev/scimapikeys/status":          {"patch"},
		"scim.kubescim.dev/scimtenants/finalizers":      {"update"},
		"scim.kubescim.dev/scimservers/status":          {"patch"},
		"scim.kubescim.dev/scimservers/finalizers":      {"update"},
		"scim.kubescim.dev/scimrolebindings":            {"get", "list", "watch", "patch"},
		"scim.kubescim.dev/scimrolebindings/status":     {"patch"},
		"scim.kubescim.dev/scimrolebindings/finalizers": {"update"},
		// Of them, the operator looks for the one that checks who may write a ScimRoleBinding.
		"admissionregistration.k8s.io/validatingadmissionpolicies":       {"get"},
		"admissionregistration.k8s.io/validatingadmissionpolicybindings": {"get"},
		// What the metrics need.
		"authentication.k8s.io/tokenreviews":        {"create"},
		"authorization.k8s.io/subjectaccessreviews": {"create"},
	}
	var granted []string
	for _, binding := range ofKind[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding") {
		for _, rule := range roles[binding.RoleRef.Name].Rules {
			for _, resource := range rule.Resources {
				name := rule.APIGroups[0] + "/" + resource
				granted = append(granted, name)
				for _, verb := range rule.Verbs {
					if !slices.Contains(allowed[name], verb) {
						t.Errorf("%s lets the operator %s %s everywhere", binding.Name, verb, name)
					}
				}
			}
			if slices.Contains(rule.Resources, "namespaces") && !slices.Equal(rule.ResourceNames, []string{"acme", "globex"}) {
				t.Errorf("the operator may read the namespaces %v", rule.ResourceNames)
			}
		}
	}
	for name := range allowed {
		if !slices.Contains(granted, name) {
			t.Errorf("the operator has no right to %s beyond its namespaces", name)
		}
	}
}

// Whoever may make a key can get its token, and whoever may make a credential knows one: with it, they read all users. Whoever may
// make an event sink hears of these.
func TestWhoMayEditANamespaceMayLetNobodyIn(t *testing.T) {
	const aggregate = "rbac.authorization.k8s.io/aggregate-to-"
	granted := map[string][]string{}
	for _, role := range ofKind[rbacv1.ClusterRole](t, render(t), "ClusterRole") {
		aggregated := false
		for label := range role.Labels {
			aggregated = aggregated || strings.HasPrefix(label, aggregate)
		}
		for _, rule := range role.Rules {
			for _, resource := range []string{"scimapikeys", "scimcredentials", "scimeventsinks"} {
				if !slices.Contains(rule.Resources, resource) || !slices.Contains(rule.Verbs, "create") {
					continue
				}
				granted[role.Name] = append(granted[role.Name], resource)
				if aggregated {
					t.Errorf("ClusterRole %s, which is part of others, may make %s", role.Name, resource)
				}
			}
		}
	}
	for role, resource := range map[string]string{
		"kubescim-key-editor": "scimapikeys", "kubescim-credential-editor": "scimcredentials", "kubescim-event-sink-editor": "scimeventsinks",
	} {
		if !slices.Equal(granted[role], []string{resource}) {
			t.Errorf("with ClusterRole %s one may make %v, want %s", role, granted[role], resource)
		}
	}
}

// What a value is called is not guessed.
func TestUnknownValuesAreRefused(t *testing.T) {
	_, complaint, err := helm(t, "template", "kubescim", chartPath, "--set", "replicaCount=2")
	if err == nil || !strings.Contains(complaint, "replicaCount") {
		t.Errorf("Helm says %v: %s", err, complaint)
	}
}

// The values that turn everything on are good ones.
func TestFullValues(t *testing.T) {
	if len(render(t, "--values", chartPath+"/ci/full-values.yaml")) < 15 {
		t.Error("objects are missing")
	}
}

// OpenShift admits no pod that states a user, and gives each namespace its own.
func TestOnOpenShift(t *testing.T) {
	for name, args := range map[string][]string{
		"found":  {"--api-versions", "security.openshift.io/v1"},
		"stated": {"--set", "config.servers.userIDs=Assigned"},
		"none":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			objects := render(t, args...)
			assigned := strings.Contains(ofKind[corev1.ConfigMap](t, objects, "ConfigMap")[0].Data["config.yaml"], "userIDs: Assigned")
			security := ofKind[appsv1.Deployment](t, objects, "Deployment")[0].Spec.Template.Spec.SecurityContext
			if want := args != nil; assigned != want || (security.RunAsUser == nil) != want || (security.RunAsGroup == nil) != want || !*security.RunAsNonRoot {
				t.Errorf("the servers' ids are assigned: %v; the operator runs as %+v", assigned, security)
			}
		})
	}
}
