package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What an omitted field of a ScimTenant stands for. The defaults live here and
// not in the CRD, so that a stored object says only what its author decided.
const (
	// DefaultPath is the base path of the SCIM API.
	DefaultPath = "/scim/v2"
	// DefaultReplicas is the number of server pods. Of a spec that says anything about
	// the server it is the default of the CRD too, since the scale subresource needs one.
	DefaultReplicas int32 = 2
	// DefaultTargetCPU is how much CPU server pods use when there are as many as there
	// should be, in per cent of what they request.
	DefaultTargetCPU int32 = 80
	// DefaultObjectLimit is the number of users and groups together.
	DefaultObjectLimit int32 = 250_000
	// DefaultStorageLimit is how much users and groups may take, in bytes: 256Mi.
	DefaultStorageLimit int64 = 256 << 20
	// DefaultTombstoneDays is how many days a marker stays.
	DefaultTombstoneDays int32 = 7
	// mostMarkers is how many markers stay for that long, and bytesPerMarker is how much of the storage limit
	// allows for one of them.
	mostMarkers    int64 = 10_000
	bytesPerMarker int64 = 16 << 10
	// DefaultRequestsPerSecond is how many requests a tenant may send in a second.
	DefaultRequestsPerSecond int32 = 10_000
	// DefaultGuardMinUsers is how many users may be deactivated at once in any case, where there is a guard.
	DefaultGuardMinUsers int32 = 10
	// DefaultGuardWindowSeconds is the time in which such users count together.
	DefaultGuardWindowSeconds int32 = 3600
	// DefaultWritesPerSecond is how many of them may be writes.
	DefaultWritesPerSecond int32 = 1_000
)

// State returns the wanted state; Active when omitted.
func (t *ScimTenant) State() TenantState {
	return orDefault(t.Spec.State, TenantStateActive)
}

// Host returns the host of the tenant's own: that of its spec, or else the one that the operator's
// configuration has given it; empty when it has none.
func (t *ScimTenant) Host() string {
	if t.Spec.Endpoint.Host != "" || t.Spec.Endpoint.HostPolicy == HostPolicyNone {
		return t.Spec.Endpoint.Host
	}
	return t.Status.Host
}

// Path returns the base path of the SCIM API, without a slash at its end.
func (t *ScimTenant) Path() string {
	return orDefault(t.Spec.Endpoint.Path, DefaultPath)
}

// Replicas returns the wanted number of server pods.
func (t *ScimTenant) Replicas() int32 {
	return t.Spec.Server.WantedReplicas()
}

// WantedReplicas returns the wanted number of server pods: that of the spec, within the
// bounds of the autoscaling.
func (s *ServerSpec) WantedReplicas() int32 {
	wanted := s.Replicas
	if wanted == 0 {
		wanted = DefaultReplicas
	}
	if s.Autoscaling.Enabled() {
		return min(max(wanted, s.Autoscaling.LeastReplicas()), s.Autoscaling.MaxReplicas)
	}
	return wanted
}

// MostReplicas returns how many server pods there may be without a change of the spec by
// its author.
func (s *ServerSpec) MostReplicas() int32 {
	return max(s.WantedReplicas(), s.Autoscaling.MaxReplicas)
}

// Enabled reports whether an autoscaler is asked for.
func (a *ServerAutoscaling) Enabled() bool { return a.MaxReplicas > 0 }

// LeastReplicas returns the least number of server pods.
func (a *ServerAutoscaling) LeastReplicas() int32 {
	if a.MinReplicas == 0 {
		return DefaultReplicas
	}
	return a.MinReplicas
}

// TargetCPU returns how much CPU the pods are to use on average, in per cent of what they
// request.
func (a *ServerAutoscaling) TargetCPU() int32 {
	if a.TargetCPUUtilizationPercentage == 0 {
		return DefaultTargetCPU
	}
	return a.TargetCPUUtilizationPercentage
}

// ObjectLimit returns how many users and groups together the tenant may have.
func (t *ScimTenant) ObjectLimit() int32 {
	if t.Spec.ObjectLimit == 0 {
		return DefaultObjectLimit
	}
	return t.Spec.ObjectLimit
}

// StorageLimit returns how much the tenant's users and groups may take, in bytes.
func (t *ScimTenant) StorageLimit() int64 {
	if t.Spec.StorageLimit == nil {
		return DefaultStorageLimit
	}
	return t.Spec.StorageLimit.Value()
}

// Tombstones returns how long a marker stays of what was deleted for good.
func (t *ScimTenant) Tombstones() time.Duration {
	days := DefaultTombstoneDays
	if t.Spec.TombstoneDays != nil {
		days = *t.Spec.TombstoneDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// MostTombstones returns how many markers stay for that long: 10,000, or fewer where the storage limit is below
// 160Mi, so that they are a small part of it. The oldest beyond that are removed early.
func (t *ScimTenant) MostTombstones() int {
	return int(min(mostMarkers, t.StorageLimit()/bytesPerMarker))
}

// RateLimit returns how many requests the tenant may send.
func (t *ScimTenant) RateLimit() RateLimit {
	limit := t.Spec.RateLimit
	if limit.RequestsPerSecond == 0 {
		limit.RequestsPerSecond = DefaultRequestsPerSecond
	}
	if limit.WritesPerSecond == 0 {
		limit.WritesPerSecond = DefaultWritesPerSecond
	}
	return limit
}

// DeletionPolicy returns what becomes of users and groups with the tenant.
func (t *ScimTenant) DeletionPolicy() DeletionPolicy {
	return orDefault(t.Spec.DeletionPolicy, DeletionPolicyRetain)
}

// UserDeletion returns what a SCIM DELETE of a user does.
func (t *ScimTenant) UserDeletion() UserDeletion {
	return orDefault(t.Spec.Users.OnDelete, UserDeletionDeactivate)
}

// UserRecreation returns what a SCIM POST over a deleted user does.
func (t *ScimTenant) UserRecreation() UserRecreation {
	return orDefault(t.Spec.Users.OnRecreate, UserRecreationReactivate)
}

// UnknownRoles returns how unknown roles and entitlements of users are treated.
func (t *ScimTenant) UnknownRoles() UnknownRoles {
	return orDefault(t.Spec.Users.UnknownRoles, UnknownRolesAccept)
}

// DeactivationGuard returns the guard against mass deactivations; enabled is false for a tenant without one.
func (t *ScimTenant) DeactivationGuard() (guard DeactivationGuard, enabled bool) {
	guard = t.Spec.Users.DeactivationGuard
	if guard.MinUsers == 0 {
		guard.MinUsers = DefaultGuardMinUsers
	}
	if guard.WindowSeconds == 0 {
		guard.WindowSeconds = DefaultGuardWindowSeconds
	}
	return guard, guard.MaxPercent > 0
}

// UnknownMembers returns how unknown group members are treated.
func (t *ScimTenant) UnknownMembers() UnknownMembers {
	if t.Spec.IdentityProvider == IdentityProviderGeneric {
		return orDefault(t.Spec.Groups.UnknownMembers, UnknownMembersReject)
	}
	return orDefault(t.Spec.Groups.UnknownMembers, UnknownMembersIgnore)
}

// GetConditions returns the conditions of the tenant.
func (t *ScimTenant) GetConditions() []metav1.Condition { return t.Status.Conditions }

// SetConditions replaces the conditions of the tenant.
func (t *ScimTenant) SetConditions(conditions []metav1.Condition) { t.Status.Conditions = conditions }

// orDefault returns value, or fallback when value is empty.
func orDefault[T ~string](value, fallback T) T {
	if value == "" {
		return fallback
	}
	return value
}
