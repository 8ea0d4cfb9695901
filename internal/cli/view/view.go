// Package view says what people are shown of Kubescim's objects: pure functions, which several
// commands of kubectl-scim share.
package view

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Ready returns the condition Ready. One that is not there yet is Unknown.
func Ready(conditions []metav1.Condition) metav1.Condition {
	if ready := meta.FindStatusCondition(conditions, scimv1alpha1.ConditionReady); ready != nil {
		return *ready
	}
	return metav1.Condition{
		Type: scimv1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: scimv1alpha1.ReasonProgressing,
		Message: "the operator has not looked at this object yet: if that stays so, 'kubectl scim check' says whether it runs",
	}
}

// Wanting reports whether a condition says that something is not as it should be, or is not yet.
func Wanting(c metav1.Condition) bool {
	switch c.Type {
	case scimv1alpha1.ConditionReconciling, scimv1alpha1.ConditionStalled:
		return false // Ready is False for the same reason, and says so.
	case scimv1alpha1.ConditionExpiringSoon:
		return c.Status == metav1.ConditionTrue
	case scimv1alpha1.ConditionRotating:
		return !slices.Contains([]string{scimv1alpha1.ReasonScheduled, scimv1alpha1.ReasonOnDemand, scimv1alpha1.ReasonProgressing}, c.Reason)
	default:
		return c.Status == metav1.ConditionFalse
	}
}

// Token is one token of a ScimApiKey, or a key that has none.
type Token struct {
	// Key is the name of the ScimApiKey, and Tenant that of its tenant.
	Key    string `json:"key"`
	Tenant string `json:"tenant"`
	// Type is what the key is: BearerToken, OAuthClient or Federated.
	Type string `json:"type"`
	// Ready, Reason and Message are the key's condition Ready.
	Ready   string `json:"ready"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// KeyID is that of the token; empty when there is none.
	KeyID string `json:"keyID,omitempty"`
	// IssueTime is when the token was made.
	IssueTime metav1.Time `json:"issueTime,omitzero"`
	// ExpirationTime is when it stops working; zero for never.
	ExpirationTime metav1.Time `json:"expirationTime,omitzero"`
	// LastUsedTime is the hour in which it was used last; zero for not yet.
	LastUsedTime metav1.Time `json:"lastUsedTime,omitzero"`
	// Access is what the key permits.
	Access string `json:"access"`
	// SecretName is the Secret that the token was written into, while it is there.
	SecretName string `json:"secretName,omitempty"`
}

// Tokens returns the tokens of a key, newest first; one without a KeyID of a key that has none.
func Tokens(key *scimv1alpha1.ScimApiKey) []Token {
	ready := Ready(key.Status.Conditions)
	common := Token{
		Key: key.Name, Tenant: key.Spec.TenantRef.Name, Type: string(key.Type()),
		Ready: string(ready.Status), Reason: ready.Reason, Message: ready.Message,
		ExpirationTime: key.Spec.ExpirationTime, Access: access(key),
	}
	if key.IsFederated() {
		common.KeyID, common.LastUsedTime = key.Status.KeyID, key.Status.Federated.LastUsedTime
	}
	if len(key.Status.Credentials) == 0 {
		return []Token{common}
	}
	tokens := make([]Token, 0, len(key.Status.Credentials))
	for _, credential := range key.Status.Credentials {
		token := common
		token.KeyID, token.IssueTime, token.LastUsedTime = credential.KeyID, credential.IssueTime, credential.LastUsedTime
		if credential.KeyID == key.Status.KeyID {
			token.SecretName = key.Status.SecretName // Those before are in no Secret any more.
		}
		token.ExpirationTime = earlier(token.ExpirationTime, credential.ExpirationTime)
		tokens = append(tokens, token)
	}
	return tokens
}

// access says what a key permits, in a word or two.
func access(key *scimv1alpha1.ScimApiKey) string {
	text := string(key.Access())
	for i, resource := range key.Spec.Resources {
		text += []string{" ", ","}[min(i, 1)] + string(resource)
	}
	return text
}

// earlier returns the earlier one of two times of which zero is never.
func earlier(a, b metav1.Time) metav1.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(&a)) {
		return b
	}
	return a
}
