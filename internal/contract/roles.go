package contract

import (
	"cmp"
	"slices"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// RoleRefusal is why a ScimRole is not served.
type RoleRefusal struct {
	// Reason is that of its condition.
	Reason string
	// Holder is the name of the ScimRole that has its value; empty when there are too many.
	Holder string
}

// Roles decides which of a tenant's ScimRoles are served: of those with one value the oldest, and
// the oldest scimv1alpha1.MaxRoles of these. The others are refused, by their names.
func Roles(of []*scimv1alpha1.ScimRole) (served []*scimv1alpha1.ScimRole, refused map[string]RoleRefusal) {
	type key struct {
		resourceType scimv1alpha1.RoleType
		value        string
	}
	refused = map[string]RoleRefusal{}
	holders := make(map[key]string, len(of))
	for _, role := range slices.SortedFunc(slices.Values(of), older) {
		if !role.DeletionTimestamp.IsZero() {
			continue
		}
		// Whoever compares values of users has no regard to case (RFC 7643 section 8.7.1).
		value := key{role.Type(), fold.Key(role.Spec.Value)}
		holder, held := holders[value]
		switch {
		case held:
			refused[role.Name] = RoleRefusal{Reason: scimv1alpha1.ReasonValueTaken, Holder: holder}
		case len(served) == scimv1alpha1.MaxRoles:
			refused[role.Name] = RoleRefusal{Reason: scimv1alpha1.ReasonTooManyRoles}
		default:
			holders[value] = role.Name
			served = append(served, role)
		}
	}
	return served, refused
}

// older orders ScimRoles by their age. Of those of the same second, the first by name counts as older.
func older(a, b *scimv1alpha1.ScimRole) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}
