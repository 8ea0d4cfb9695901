package scimrolebinding

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestFlaw(t *testing.T) {
	type policy = admissionregistrationv1.ValidatingAdmissionPolicy
	type binding = admissionregistrationv1.ValidatingAdmissionPolicyBinding
	some := &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	rule := func(p *policy) *admissionregistrationv1.NamedRuleWithOperations {
		return &p.Spec.MatchConstraints.ResourceRules[0]
	}
	for name, tc := range map[string]struct {
		change func(*policy, *binding)
		flawed bool
	}{
		"as the chart has it":    {func(*policy, *binding) {}, false},
		"with an empty selector": {func(p *policy, _ *binding) { p.Spec.MatchConstraints.NamespaceSelector = &metav1.LabelSelector{} }, false},
		"with all resources":     {func(p *policy, _ *binding) { rule(p).Resources = []string{"*"} }, false},

		"it lets through what fails": {func(p *policy, _ *binding) { p.Spec.FailurePolicy = ptr.To(admissionregistrationv1.Ignore) }, true},
		"it is about nothing":        {func(p *policy, _ *binding) { p.Spec.MatchConstraints = nil }, true},
		"it is about another kind":   {func(p *policy, _ *binding) { rule(p).Resources = []string{"scimtenants"} }, true},
		"it is about creates only":   {func(p *policy, _ *binding) { rule(p).Operations = rule(p).Operations[:1] }, true},
		"it is about some names":     {func(p *policy, _ *binding) { rule(p).ResourceNames = []string{"a"} }, true},
		"it is about some objects":   {func(p *policy, _ *binding) { p.Spec.MatchConstraints.ObjectSelector = some }, true},
		"it is bound to another one": {func(_ *policy, b *binding) { b.Spec.PolicyName = "other" }, true},
		"it only warns": {func(_ *policy, b *binding) {
			b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn}
		}, true},
		"it is for some namespaces": {func(_ *policy, b *binding) {
			b.Spec.MatchResources = &admissionregistrationv1.MatchResources{NamespaceSelector: some}
		}, true},
	} {
		p := &policy{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: ptr.To(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{"scim.kubescim.dev"}, APIVersions: []string{"*"}, Resources: []string{"scimrolebindings"}},
				},
			}}},
		}}
		b := &binding{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: "p", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		}}
		tc.change(p, b)
		if got := flaw(p, b); (got != "") != tc.flawed {
			t.Errorf("%s: %q", name, got)
		}
	}
}
