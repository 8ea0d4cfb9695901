package scimrolebinding

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

const (
	// remembered is for how long the policy is not looked at again that was in place.
	remembered = 10 * time.Second
	// inForce is how long it takes at most until all API servers go by a policy that was made.
	inForce = 5 * time.Second
	// resource is what the policy has to be about.
	resource = "scimrolebindings"
)

// policyReader finds out whether the API server checks what who writes a ScimRoleBinding may bind. The operator cannot
// know: it is not said who wrote a spec. It is safe for concurrent use.
type policyReader struct {
	live client.Reader
	name string

	mu     sync.Mutex
	looked time.Time
	since  time.Time
}

// doubt says why a ScimRoleBinding may be of somebody who may not bind its role; nil if it is not. What was seen before is
// gone by for a spec only that had been seen by then: one that is new may have been written after that.
func (p *policyReader) doubt(ctx context.Context, b *scimv1alpha1.ScimRoleBinding) (*doubt, error) {
	since, missing, err := p.inPlace(ctx, b.Status.ObservedGeneration != b.Generation)
	switch {
	case err != nil:
		return nil, err
	case missing != "":
		return &doubt{reason: scimv1alpha1.ReasonPolicyMissing, message: fmt.Sprintf(
			"nobody gets the role, since nothing checks that who writes a ScimRoleBinding may bind it: %s; "+
				"set the value roleBindingPolicy.enabled of the chart to true", missing)}, nil
	case b.CreationTimestamp.Time.Before(since.Add(inForce)):
		return &doubt{reason: scimv1alpha1.ReasonNotVouchedFor, message: fmt.Sprintf(
			"nobody gets the role, since nothing checked whether who wrote this ScimRoleBinding may bind it: it is older than ValidatingAdmissionPolicy %s, "+
				"or than the binding of that; delete it, and create it again as somebody who may", p.name)}, nil
	default:
		return nil, nil
	}
}

// allowedBefore returns what was found earlier about this very spec; nil if nothing was.
func allowedBefore(b *scimv1alpha1.ScimRoleBinding) *metav1.Condition {
	allowed := meta.FindStatusCondition(b.Status.Conditions, scimv1alpha1.ConditionRoleAllowed)
	if allowed == nil || allowed.ObservedGeneration != b.Generation {
		return nil
	}
	return allowed
}

// doubtBefore says why a spec stays in doubt although the policy is in place: it was not, when somebody could write it.
func doubtBefore(allowed *metav1.Condition) *doubt {
	if allowed == nil || (allowed.Reason != scimv1alpha1.ReasonPolicyMissing && allowed.Reason != scimv1alpha1.ReasonNotVouchedFor) {
		return nil
	}
	return &doubt{reason: scimv1alpha1.ReasonNotVouchedFor, message: "nobody gets the role, since nothing checked whether who wrote this spec may bind it: " +
		"the policy about ScimRoleBindings was not in place for some time; delete the ScimRoleBinding, and create it again as somebody who may"}
}

// inPlace returns since when the policy has been there, or what is missing. It looks anew if what was seen some seconds ago does not do.
func (p *policyReader) inPlace(ctx context.Context, anew bool) (since time.Time, missing string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !anew && time.Since(p.looked) < remembered {
		return p.since, "", nil
	}
	policy, binding := &admissionregistrationv1.ValidatingAdmissionPolicy{}, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
	for _, object := range []client.Object{policy, binding} {
		err := p.live.Get(ctx, client.ObjectKey{Name: p.name}, object)
		if apierrors.IsNotFound(err) {
			p.looked = time.Time{}
			return time.Time{}, fmt.Sprintf("there is no %s %s", reflect.TypeOf(object).Elem().Name(), p.name), nil
		}
		if err != nil {
			return time.Time{}, "", fmt.Errorf("reading the policy about ScimRoleBindings: %w", err)
		}
	}
	if missing = flaw(policy, binding); missing != "" {
		p.looked = time.Time{}
		return time.Time{}, missing, nil
	}
	p.looked, p.since = time.Now(), policy.CreationTimestamp.Time
	if made := binding.CreationTimestamp.Time; made.After(p.since) {
		p.since = made
	}
	return p.since, "", nil
}

// flaw says why a policy and its binding do not check all ScimRoleBindings; nothing if they do.
func flaw(policy *admissionregistrationv1.ValidatingAdmissionPolicy, binding *admissionregistrationv1.ValidatingAdmissionPolicyBinding) string {
	match := policy.Spec.MatchConstraints
	switch {
	case policy.Spec.FailurePolicy != nil && *policy.Spec.FailurePolicy != admissionregistrationv1.Fail:
		return fmt.Sprintf("ValidatingAdmissionPolicy %s lets through what it cannot check (spec.failurePolicy)", policy.Name)
	case match == nil || !slices.ContainsFunc(match.ResourceRules, isAbout) || narrows(match):
		return fmt.Sprintf("ValidatingAdmissionPolicy %s is not about all %s (spec.matchConstraints)", policy.Name, resource)
	case binding.Spec.PolicyName != policy.Name:
		return fmt.Sprintf("ValidatingAdmissionPolicyBinding %s is of another policy (spec.policyName)", binding.Name)
	case !slices.Contains(binding.Spec.ValidationActions, admissionregistrationv1.Deny):
		return fmt.Sprintf("ValidatingAdmissionPolicyBinding %s denies nothing (spec.validationActions)", binding.Name)
	case binding.Spec.MatchResources != nil && (narrows(binding.Spec.MatchResources) || len(binding.Spec.MatchResources.ResourceRules) > 0):
		return fmt.Sprintf("ValidatingAdmissionPolicyBinding %s is not about all namespaces (spec.matchResources)", binding.Name)
	default:
		return ""
	}
}

// isAbout reports whether a rule is about all writes of ScimRoleBindings.
func isAbout(rule admissionregistrationv1.NamedRuleWithOperations) bool {
	all := func(list []string, one string) bool { return slices.Contains(list, one) || slices.Contains(list, "*") }
	writes := slices.Contains(rule.Operations, admissionregistrationv1.OperationAll) ||
		(slices.Contains(rule.Operations, admissionregistrationv1.Create) && slices.Contains(rule.Operations, admissionregistrationv1.Update))
	return writes && len(rule.ResourceNames) == 0 && all(rule.APIGroups, scimv1alpha1.GroupVersion.Group) &&
		all(rule.APIVersions, "*") && all(rule.Resources, resource)
}

// narrows reports whether something leaves out objects of a kind.
func narrows(match *admissionregistrationv1.MatchResources) bool {
	selects := func(selector *metav1.LabelSelector) bool {
		return selector != nil && len(selector.MatchLabels)+len(selector.MatchExpressions) > 0
	}
	return selects(match.NamespaceSelector) || selects(match.ObjectSelector) || len(match.ExcludeResourceRules) > 0
}
