package scimeventsink

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var noon = time.Unix(1_777_636_800, 0)

// at is a time after noon.
func at(seconds int) metav1.Time {
	return metav1.NewTime(noon.Add(time.Duration(seconds) * time.Second))
}

// tenantWhose returns a tenant whose server is available, or not, since a time.
func tenantWhose(available metav1.ConditionStatus, since metav1.Time) *scimv1alpha1.ScimTenant {
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"}}
	tenant.Status.Conditions = []metav1.Condition{{Type: scimv1alpha1.ConditionServerAvailable, Status: available, LastTransitionTime: since}}
	return tenant
}

// sinkThatSays returns a sink that was made at noon, and whose Ready says something since a time, or nothing without a
// status.
func sinkThatSays(status metav1.ConditionStatus, reason string, since metav1.Time) *scimv1alpha1.ScimEventSink {
	sink := &scimv1alpha1.ScimEventSink{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "app", CreationTimestamp: at(0)},
		Spec:       scimv1alpha1.ScimEventSinkSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
	}
	if status != "" {
		sink.Status.Conditions = []metav1.Condition{{Type: scimv1alpha1.ConditionReady, Status: status, Reason: reason, LastTransitionTime: since}}
	}
	return sink
}

func TestDecide(t *testing.T) {
	const minute = 60
	unknown, gone := &scimv1alpha1.ScimTenant{}, tenantWhose(metav1.ConditionTrue, at(0))
	gone.DeletionTimestamp = &metav1.Time{Time: noon}
	lost := tenantWhose(metav1.ConditionFalse, at(minute))
	fresh, serving := sinkThatSays("", "", at(0)), sinkThatSays(metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, at(10))
	for name, tc := range map[string]struct {
		sink   *scimv1alpha1.ScimEventSink
		tenant *scimv1alpha1.ScimTenant
		now    metav1.Time
		want   string // the reason
		after  time.Duration
	}{
		"no tenant":                          {sink: serving, now: at(minute), want: scimv1alpha1.ReasonTenantNotFound},
		"a tenant that is being deleted":     {sink: serving, tenant: gone, now: at(minute), want: scimv1alpha1.ReasonTenantNotFound},
		"no word yet":                        {sink: fresh, tenant: unknown, now: at(3), after: 7 * time.Second},
		"no word for long":                   {sink: fresh, tenant: unknown, now: at(10), want: scimv1alpha1.ReasonNotServed},
		"no word, and a server":              {sink: fresh, tenant: tenantWhose(metav1.ConditionTrue, at(0)), now: at(10), want: scimv1alpha1.ReasonNotServed},
		"a tenant that has come":             {sink: sinkThatSays(metav1.ConditionFalse, scimv1alpha1.ReasonTenantNotFound, at(9)), tenant: unknown, now: at(10), want: scimv1alpha1.ReasonNotServed},
		"the word of a server":               {sink: serving, tenant: tenantWhose(metav1.ConditionTrue, at(0)), now: at(minute)},
		"a server that was lost just now":    {sink: serving, tenant: lost, now: at(minute + 2), after: 8 * time.Second},
		"a server that was lost":             {sink: serving, tenant: lost, now: at(minute + 10), want: scimv1alpha1.ReasonNotServed},
		"a server that is back":              {sink: serving, tenant: tenantWhose(metav1.ConditionTrue, at(minute)), now: at(minute + 10)},
		"a server that runs though":          {sink: sinkThatSays(metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, at(minute+11)), tenant: lost, now: at(2 * minute)},
		"a failure before a server was lost": {sink: sinkThatSays(metav1.ConditionFalse, scimv1alpha1.ReasonDeliveryFailed, at(10)), tenant: lost, now: at(2 * minute)},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(tc.sink, tc.tenant, tc.now.Time)
			if got.summary.Reason != tc.want || got.after != tc.after {
				t.Errorf("it is %q after %s, want %q after %s", got.summary.Reason, got.after, tc.want, tc.after)
			}
		})
	}
}

// A server that serves the sink although its tenant says that it does not run answers each write of the operator. There
// is one, however often both look.
func TestTheOperatorAndAServerDoNotContradictEachOtherForEver(t *testing.T) {
	tenant, sink := tenantWhose(metav1.ConditionFalse, at(60)), sinkThatSays(metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, at(0))
	ready, writes := &sink.Status.Conditions[0], 0
	write := func(now int, status metav1.ConditionStatus, reason string) {
		ready.Status, ready.Reason, ready.LastTransitionTime = status, reason, at(now)
		writes++
	}
	for now := range 600 {
		if decided := decide(sink, tenant, at(now).Time); decided.summary.Outcome != "" {
			write(now, metav1.ConditionFalse, decided.summary.Reason)
		}
		if ready.Status != metav1.ConditionTrue {
			write(now, metav1.ConditionTrue, scimv1alpha1.ReasonDelivering)
		}
	}
	if writes != 2 {
		t.Errorf("there were %d writes", writes)
	}
}
