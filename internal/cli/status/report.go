package status

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/view"
	"github.com/kubescim/kubescim/internal/contract"
)

// Report is what there is to say about a tenant.
type Report struct {
	Tenant           string `json:"tenant"`
	Namespace        string `json:"namespace"`
	DisplayName      string `json:"displayName,omitempty"`
	IdentityProvider string `json:"identityProvider"`
	// State is Active or Paused.
	State string `json:"state"`

	// Ready, Reason and Message are the tenant's condition Ready.
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason"`
	Message string `json:"message"`

	// URL is what the identity provider calls; empty while there is none.
	URL string `json:"url,omitempty"`
	// Server is what serves the tenant.
	Server Server `json:"server"`

	// Users, ActiveUsers and Groups are as the server reported them last; nil before that.
	Users       *int32 `json:"users,omitempty"`
	ActiveUsers *int32 `json:"activeUsers,omitempty"`
	Groups      *int32 `json:"groups,omitempty"`
	// Seats is how many seats are taken, as in 480/500; empty without a limit, and before they are counted.
	Seats string `json:"seats,omitempty"`
	// SeatLimit is how many seats there are; 0 without a limit.
	SeatLimit int32 `json:"seatLimit,omitempty"`
	// LastRequestTime is when a request with a good token came last; zero before the first one.
	LastRequestTime metav1.Time `json:"lastRequestTime,omitzero"`
	// HasRequests is true if any has come lately, with a good token or without.
	HasRequests bool `json:"hasRequests"`

	// Roles, RoleBindings and EventSinks are the ScimRoles, ScimRoleBindings and ScimEventSinks of the tenant.
	Roles        Objects `json:"roles"`
	RoleBindings Objects `json:"roleBindings"`
	EventSinks   Objects `json:"eventSinks"`

	Keys       []view.Token       `json:"keys"`
	Conditions []metav1.Condition `json:"conditions"`
	// Refusals is what was refused in the last 24 hours, and RefusalsUnknown why that is not known.
	Refusals        []view.Refusal `json:"refusals"`
	RefusalsUnknown string         `json:"refusalsUnknown,omitempty"`
	// Do is what somebody has to do, the most urgent first.
	Do []string `json:"do"`
}

// Server is what serves a tenant.
type Server struct {
	// ScimServer is the name of the one that serves it beside others; empty for its own.
	ScimServer string `json:"scimServer,omitempty"`
	// Replicas is how many of the wanted pods are ready, as in 2/2; empty when nobody knows.
	Replicas string `json:"replicas,omitempty"`
	Pods     []Pod  `json:"pods,omitempty"`
	// PodsHidden says that the pods may not be seen.
	PodsHidden bool `json:"podsHidden,omitempty"`
}

// Pod is one pod of a server.
type Pod struct {
	Name     string `json:"name"`
	Ready    bool   `json:"ready"`
	Phase    string `json:"phase"`
	Restarts int32  `json:"restarts"`
	// StartTime is since when it runs; zero before.
	StartTime metav1.Time `json:"startTime,omitzero"`
}

func reportOf(f found) Report {
	t := f.tenant
	ready := view.Ready(t.Status.Conditions)
	r := Report{
		Tenant: t.Name, Namespace: t.Namespace, DisplayName: t.Spec.DisplayName,
		IdentityProvider: string(t.Spec.IdentityProvider), State: string(t.State()),
		Ready: ready.Status == metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message,
		URL: t.Status.URL, Server: serverOf(f),
		Users: t.Status.Users, ActiveUsers: t.Status.ActiveUsers, Groups: t.Status.Groups, Seats: t.Status.Seats,
		SeatLimit: t.Spec.Users.Seats, LastRequestTime: lastRequest(f), HasRequests: len(f.requests) > 0, Conditions: t.Status.Conditions,
		Roles: f.roles.report(), RoleBindings: f.roleBindings.report(), EventSinks: f.eventSinks.report(),
		Keys: []view.Token{}, Do: []string{}, Refusals: view.Refusals(f.requests), RefusalsUnknown: f.requestsUnknown,
	}
	for i := range f.keys {
		r.Keys = append(r.Keys, view.Tokens(&f.keys[i])...)
	}
	r.Do = append(r.Do, toDo(f)...)
	for _, more := range [][]string{f.roleBindings.toDo("role binding"), f.eventSinks.toDo("event sink"), f.roles.toDo("role")} {
		r.Do = append(r.Do, more...)
	}
	return r
}

// lastRequest is when a request with a good token came last: the operator writes that into the status from
// time to time, cut to the minute, and the pods know it at once.
func lastRequest(f found) metav1.Time {
	for _, record := range slices.Backward(f.requests) {
		if record.KeyID != "" && record.Status != http.StatusUnauthorized {
			if at := metav1.NewTime(record.Time); f.tenant.Status.LastRequestTime.Before(&at) {
				return at
			}
			break
		}
	}
	return f.tenant.Status.LastRequestTime
}

func serverOf(f found) Server {
	s := Server{Replicas: f.tenant.Status.ServerReplicas, PodsHidden: f.podsHidden}
	if servers := f.tenant.Status.Servers; len(servers) > 0 {
		s.ScimServer, _ = contract.SharedServerOf(servers[0].Name)
	} else {
		s.ScimServer = f.tenant.Spec.ServerRef.Name
	}
	if s.ScimServer != "" {
		s.Replicas = ""
		if f.server != nil && f.server.Name == s.ScimServer {
			s.Replicas = f.server.Status.ServerReplicas
		}
	}
	for i := range f.pods {
		s.Pods = append(s.Pods, podOf(&f.pods[i]))
	}
	return s
}

func podOf(p *corev1.Pod) Pod {
	pod := Pod{Name: p.Name, Phase: string(p.Status.Phase)}
	if p.Status.StartTime != nil {
		pod.StartTime = *p.Status.StartTime
	}
	if !p.DeletionTimestamp.IsZero() {
		pod.Phase = "Terminating"
	}
	for _, condition := range p.Status.Conditions {
		if condition.Type == corev1.PodReady {
			pod.Ready = condition.Status == corev1.ConditionTrue
		}
	}
	for _, container := range p.Status.ContainerStatuses {
		pod.Restarts += container.RestartCount
	}
	return pod
}

// toDo says what somebody has to do: what the conditions of tenant and keys say, once each, and
// then what no condition is about.
func toDo(f found) []string {
	t := f.tenant
	var do []string
	add := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(do, text) {
			do = append(do, text)
		}
	}
	if ready := view.Ready(t.Status.Conditions); ready.Status != metav1.ConditionTrue && t.State() == scimv1alpha1.TenantStateActive {
		add("%s", ready.Message)
	}
	for _, condition := range t.Status.Conditions {
		if condition.Type != scimv1alpha1.ConditionReady && view.Wanting(condition) {
			add("%s", condition.Message)
		}
	}
	if t.State() == scimv1alpha1.TenantStatePaused {
		add("the tenant is paused, and every request is answered 503: 'kubectl scim resume %s -n %s' ends that", t.Name, t.Namespace)
	}
	for i := range f.keys {
		for _, text := range ofKey(&f.keys[i]) {
			add("%s", text)
		}
	}
	switch {
	case len(f.keys) == 0:
		add("there is no key: 'kubectl scim key create %s NAME -n %s' makes one", t.Name, t.Namespace)
	case t.State() != scimv1alpha1.TenantStateActive: // Nothing can come.
	case meta.IsStatusConditionTrue(t.Status.Conditions, scimv1alpha1.ConditionReady) && t.Status.LastRequestTime.IsZero() && len(f.requests) == 0:
		add("no request has come so far: 'kubectl scim connect %s -n %s' says what to enter in the identity provider", t.Name, t.Namespace)
	}
	return do
}

func ofKey(key *scimv1alpha1.ScimApiKey) []string {
	var do []string
	if ready := view.Ready(key.Status.Conditions); ready.Status != metav1.ConditionTrue {
		do = append(do, fmt.Sprintf("key %s: %s", key.Name, ready.Message))
	}
	for _, condition := range key.Status.Conditions {
		switch {
		case condition.Type == scimv1alpha1.ConditionReady, !view.Wanting(condition):
		case condition.Type == scimv1alpha1.ConditionExpiringSoon:
			do = append(do, fmt.Sprintf("key %s: %s", key.Name, strings.TrimSuffix(condition.Message, ".")))
		case condition.Message != view.Ready(key.Status.Conditions).Message:
			do = append(do, fmt.Sprintf("key %s: %s", key.Name, condition.Message))
		}
	}
	return do
}
