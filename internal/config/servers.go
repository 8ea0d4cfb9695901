package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Servers is what all SCIM servers have in common.
type Servers struct {
	// ImagePullSecrets are names of Secrets, each in a tenant's own namespace,
	// with credentials for the registry of the server's image.
	ImagePullSecrets []string `json:"imagePullSecrets"`
	// Absence is how long a user or group must have been absent before a server
	// removes what refers to it, and for how long a host that its tenant has given up
	// stays reserved for it: longer than it takes to restore a backup.
	Absence metav1.Duration `json:"absence"`
	// UserIDs is who chooses the user and group that the pods run as.
	UserIDs UserIDs `json:"userIDs"`
	// Defaults are for what the spec of a server leaves out.
	Defaults ServerDefaults `json:"defaults"`
	// OpenTelemetry are variables of the environment of the servers' pods, which say where traces go and how many.
	OpenTelemetry map[string]string `json:"openTelemetry"`
	// Rollout is how what changes the pods of all servers reaches them.
	Rollout Rollout `json:"rollout"`
}

// UserIDs is who chooses the user and group that the servers' pods run as.
type UserIDs string

const (
	// UserIDsFixed is 65532, as in the image.
	UserIDsFixed UserIDs = "Fixed"
	// UserIDsAssigned leaves it to whoever admits pods, as OpenShift does for each namespace.
	UserIDsAssigned UserIDs = "Assigned"
)

// ServerDefaults are for what the spec of a server leaves out. They need not be
// allowed: whoever writes them decides that too.
type ServerDefaults struct {
	// Resources stand for those of a server that states none.
	Resources corev1.ResourceRequirements `json:"resources"`
	// Scheduling has the labels that nodes must have, each unless a server states that
	// label, and the tolerations and PriorityClass of servers that state none.
	Scheduling scimv1alpha1.ServerScheduling `json:"scheduling"`
	// Pod has labels and annotations, each unless a server states it, and the affinity
	// of servers that state none.
	Pod scimv1alpha1.ServerPod `json:"pod"`
}

// Spec returns the defaults as the spec of a server that states only them.
func (d ServerDefaults) Spec() scimv1alpha1.ServerSpec {
	spec := scimv1alpha1.ServerSpec{Scheduling: d.Scheduling, Pod: d.Pod}
	if len(d.Resources.Requests)+len(d.Resources.Limits) > 0 {
		spec.Resources = &d.Resources
	}
	return spec
}

// Rollout is how what changes the pods of all servers reaches them.
type Rollout struct {
	// MaxConcurrent is how many servers may be in the middle of it at the same time.
	MaxConcurrent int32 `json:"maxConcurrent"`
	// Pause is for how long a server whose pods are ready still counts.
	Pause metav1.Duration `json:"pause"`
}

const (
	defaultAbsence = 24 * time.Hour
	// leastAbsence is about as long as a server needs to be sure that it looked twice.
	leastAbsence = 5 * time.Minute

	defaultMaxConcurrent = 5
	// longestPause keeps a roll-out over a thousand servers within days.
	longestPause = time.Hour
)

func defaultServers() Servers {
	return Servers{
		Absence: metav1.Duration{Duration: defaultAbsence},
		UserIDs: UserIDsFixed,
		Rollout: Rollout{MaxConcurrent: defaultMaxConcurrent},
	}
}

func (s Servers) validate() []error {
	var problems []error
	for i, name := range s.ImagePullSecrets {
		for _, problem := range validation.IsDNS1123Subdomain(name) {
			problems = append(problems, fmt.Errorf("servers.imagePullSecrets[%d]: %q is no name of a Secret: %s", i, name, problem))
		}
	}
	if absence := s.Absence.Duration; absence < leastAbsence {
		problems = append(problems, fmt.Errorf("servers.absence: %s is too short; nothing is to be removed before it has been absent for %s", absence, leastAbsence))
	}
	if s.UserIDs != UserIDsFixed && s.UserIDs != UserIDsAssigned {
		problems = append(problems, fmt.Errorf("servers.userIDs: must be %s or %s, not %q", UserIDsFixed, UserIDsAssigned, s.UserIDs))
	}
	problems = append(problems, validateTelemetry(s.OpenTelemetry)...)
	if s.Rollout.MaxConcurrent < 1 {
		problems = append(problems, fmt.Errorf("servers.rollout.maxConcurrent: must be at least 1, not %d: no server would get anything new", s.Rollout.MaxConcurrent))
	}
	if pause := s.Rollout.Pause.Duration; pause < 0 || pause > longestPause {
		problems = append(problems, fmt.Errorf("servers.rollout.pause: must be from 0s to %s, not %s", longestPause, pause))
	}
	return append(problems, s.Defaults.validate()...)
}

// validate looks at what the API server would refuse of every Deployment.
func (d ServerDefaults) validate() []error {
	var problems []error
	report := func(field, key string, found []string) {
		for _, problem := range found {
			problems = append(problems, fmt.Errorf("servers.defaults.%s: %q: %s", field, key, problem))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.Scheduling.NodeSelector)) {
		report("scheduling.nodeSelector", key, validation.IsQualifiedName(key))
		report("scheduling.nodeSelector", key, validation.IsValidLabelValue(string(d.Scheduling.NodeSelector[key])))
	}
	for _, key := range slices.Sorted(maps.Keys(d.Pod.Labels)) {
		report("pod.labels", key, validation.IsQualifiedName(key))
		report("pod.labels", key, validation.IsValidLabelValue(string(d.Pod.Labels[key])))
		if isReserved(key) {
			report("pod.labels", key, []string{"is a label that the operator sets itself"})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.Pod.Annotations)) {
		report("pod.annotations", key, validation.IsQualifiedName(key))
	}
	for name, limit := range d.Resources.Limits {
		if request, ok := d.Resources.Requests[name]; ok && request.Cmp(limit) > 0 {
			report("resources.requests", string(name), []string{"is more than its limit"})
		}
	}
	return problems
}
