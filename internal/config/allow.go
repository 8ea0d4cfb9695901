package config

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Allow is what ScimTenants may ask for. A list that is left out has its
// default; an empty one allows nothing.
//
// In patterns, one `*` may stand for any characters, none and dots included.
type Allow struct {
	// Hosts are the hosts that the tenants of a namespace may publish. By default
	// any namespace may publish any host, as it may with Ingresses of its own.
	Hosts []HostRule `json:"hosts"`
	// IngressAnnotations are patterns for the keys of annotations that a tenant may
	// put on its Ingress. An Ingress controller takes much from annotations, even
	// its own configuration. By default those of cert-manager.
	IngressAnnotations []string `json:"ingressAnnotations"`
	// Gateways are patterns for the Gateways that HTTPRoutes may be attached to, each as <namespace>/<name>. By
	// default any: a Gateway says itself from which namespaces it takes HTTPRoutes.
	Gateways []string `json:"gateways"`
	// PodLabels and PodAnnotations are patterns for the keys of labels and annotations
	// that a tenant may put on its pods. By default none: Services, NetworkPolicies and
	// what changes pods on their way in go by them.
	PodLabels      []string `json:"podLabels"`
	PodAnnotations []string `json:"podAnnotations"`
	// PriorityClasses are patterns for the PriorityClasses that a tenant's pods
	// may have. By default none: they may push out the pods of others.
	PriorityClasses []string `json:"priorityClasses"`
	// Tolerations are the taints that a tenant's pods may tolerate. By default
	// none: taints keep pods off nodes that are meant for others.
	Tolerations []TolerationRule `json:"tolerations"`
	// Issuers are those that federated keys may be of, beside the cluster itself.
	Issuers IssuerRules `json:"issuers"`
	// ClusterRoles and Roles are names of the ClusterRoles, and of the Roles of any namespace, that
	// ScimRoleBindings may bind; the operator must hold `bind` on them. By default the ClusterRole view. They are
	// no patterns, since RBAC knows none.
	ClusterRoles []string `json:"clusterRoles"`
	Roles        []string `json:"roles"`
	// EventSinks are those that events may be sent to.
	EventSinks EventSinkRules `json:"eventSinks"`
}

// HostRule lets the tenants of some namespaces publish some hosts.
type HostRule struct {
	// Namespaces are patterns for names of namespaces.
	Namespaces []string `json:"namespaces"`
	// Hosts are patterns for hosts, for example *.acme.example.com.
	Hosts []string `json:"hosts"`
}

// TolerationRule lets tenants' pods tolerate a taint.
type TolerationRule struct {
	// Key is the taint's key.
	Key string `json:"key"`
	// Value is the taint's value; any when empty.
	Value string `json:"value"`
	// Effect is the taint's effect; any when empty.
	Effect corev1.TaintEffect `json:"effect"`
}

func (a *Allow) setDefaults() {
	if a.Hosts == nil {
		a.Hosts = []HostRule{{Namespaces: []string{"*"}, Hosts: []string{"*"}}}
	}
	if a.IngressAnnotations == nil {
		a.IngressAnnotations = []string{"cert-manager.io/*"}
	}
	if a.Gateways == nil {
		a.Gateways = []string{"*"}
	}
	if a.ClusterRoles == nil {
		a.ClusterRoles = []string{"view"}
	}
	a.Issuers.setDefaults()
}

// Host reports whether a tenant of the namespace may publish the host.
func (a Allow) Host(namespace, host string) bool {
	for _, rule := range a.Hosts {
		if matchesAny(rule.Namespaces, namespace) && matchesAny(rule.Hosts, host) {
			return true
		}
	}
	return false
}

// IngressAnnotation reports whether a tenant may put an annotation of that key
// on its Ingress.
func (a Allow) IngressAnnotation(key string) bool { return matchesAny(a.IngressAnnotations, key) }

// Gateway reports whether HTTPRoutes may be attached to a Gateway.
func (a Allow) Gateway(namespace, name string) bool {
	return matchesAny(a.Gateways, namespace+"/"+name)
}

// PodLabel reports whether a tenant may put a label of that key on its pods.
func (a Allow) PodLabel(key string) bool { return !isReserved(key) && matchesAny(a.PodLabels, key) }

// PodAnnotation reports whether a tenant may put an annotation of that key on its pods.
func (a Allow) PodAnnotation(key string) bool { return matchesAny(a.PodAnnotations, key) }

// isReserved reports whether pods and what selects them have that label from the operator,
// or from the Deployment's controller, so that nobody else can decide what it says.
func isReserved(label string) bool {
	return label == "pod-template-hash" || strings.HasPrefix(label, "app.kubernetes.io/") ||
		strings.HasPrefix(label, scimv1alpha1.GroupVersion.Group+"/")
}

// PriorityClass reports whether a tenant's pods may have that PriorityClass.
func (a Allow) PriorityClass(name string) bool { return matchesAny(a.PriorityClasses, name) }

// BoundRole reports whether ScimRoleBindings may bind a role.
func (a Allow) BoundRole(role scimv1alpha1.BoundRoleReference) bool {
	if role.Kind == scimv1alpha1.BoundClusterRole {
		return slices.Contains(a.ClusterRoles, role.Name)
	}
	return slices.Contains(a.Roles, role.Name)
}

// Toleration reports whether a tenant's pods may have the toleration: a rule
// must cover every taint that it tolerates.
func (a Allow) Toleration(toleration corev1.Toleration) bool {
	for _, rule := range a.Tolerations {
		if rule.covers(toleration) {
			return true
		}
	}
	return false
}

func (r TolerationRule) covers(t corev1.Toleration) bool {
	if t.Key != r.Key || (r.Effect != "" && t.Effect != r.Effect) {
		return false
	}
	equal := t.Operator == "" || t.Operator == corev1.TolerationOpEqual
	return r.Value == "" || (equal && t.Value == r.Value)
}

func (a Allow) validate() []error {
	var problems []error
	report := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	for i, rule := range a.Hosts {
		report(checkPatterns(fmt.Sprintf("allow.hosts[%d].namespaces", i), rule.Namespaces))
		report(checkPatterns(fmt.Sprintf("allow.hosts[%d].hosts", i), rule.Hosts))
		if len(rule.Namespaces) == 0 || len(rule.Hosts) == 0 {
			report(fmt.Errorf("allow.hosts[%d]: must have namespaces and hosts; \"*\" stands for any", i))
		}
	}
	report(checkPatterns("allow.ingressAnnotations", a.IngressAnnotations))
	report(checkPatterns("allow.gateways", a.Gateways))
	report(checkPatterns("allow.podLabels", a.PodLabels))
	report(checkPatterns("allow.podAnnotations", a.PodAnnotations))
	report(checkPatterns("allow.priorityClasses", a.PriorityClasses))
	for i, rule := range a.Tolerations {
		report(rule.check(fmt.Sprintf("allow.tolerations[%d]", i)))
	}
	report(checkRoleNames("allow.clusterRoles", a.ClusterRoles))
	report(checkRoleNames("allow.roles", a.Roles))
	return append(append(problems, a.Issuers.validate()...), a.EventSinks.validate()...)
}

func (r TolerationRule) check(field string) error {
	switch r.Effect {
	case "", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
	default:
		return fmt.Errorf("%s.effect: must be NoSchedule, PreferNoSchedule or NoExecute, or be left out for any, not %q", field, r.Effect)
	}
	if r.Key == "" || strings.Contains(r.Key, "*") {
		return fmt.Errorf("%s.key: must be the key of one taint, and not %q; a rule for several taints is not possible", field, r.Key)
	}
	return nil
}

func checkPatterns(field string, patterns []string) error {
	for i, pattern := range patterns {
		if pattern == "" || strings.Count(pattern, "*") > 1 || strings.ContainsAny(pattern, " \t\n?[]{}\\") {
			return fmt.Errorf("%s[%d]: %q must be a name, in which one * may stand for any characters", field, i, pattern)
		}
	}
	return nil
}

// checkRoleNames checks names of roles: the operator's right to bind them is for these names.
func checkRoleNames(field string, names []string) error {
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, "* \t\n/%") {
			return fmt.Errorf("%s[%d]: %q must be the name of a role; * stands for nothing here", field, i, name)
		}
	}
	return nil
}

func matchesAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	prefix, suffix, wild := strings.Cut(pattern, "*")
	if !wild {
		return name == pattern
	}
	return len(name) >= len(prefix)+len(suffix) && strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
}

// Refusal says what is refused and who can change that; empty when nothing is refused.
func Refusal(refused ...string) string {
	if len(refused) == 0 {
		return ""
	}
	return strings.Join(refused, "; ") +
		": take it out of the spec, or ask whoever runs the operator to allow it in the operator's configuration"
}
