package scimtenant

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// hourly is the status of a tenant that gets a request an hour, and got the last one at noon.
var hourly = scimv1alpha1.ScimTenantStatus{
	LastRequestTime: metav1.NewTime(noon),
	RequestGaps:     scimv1alpha1.RequestGaps{Minutes: 50, SinceTime: metav1.NewTime(noon.Add(-24 * time.Hour)), Counts: []int32{0, 0, 0, 23}},
}

func TestProviderConditions(t *testing.T) {
	const unknown, yes, no = metav1.ConditionUnknown, metav1.ConditionTrue, metav1.ConditionFalse
	said := func(status metav1.ConditionStatus, reason string) scimv1alpha1.ScimTenantStatus {
		before := hourly
		before.Conditions = []metav1.Condition{{Type: scimv1alpha1.ConditionRequestsSucceeding, Status: status, Reason: reason, Message: "as before"}}
		return before
	}
	for name, tc := range map[string]struct {
		status           scimv1alpha1.ScimTenantStatus
		state            scimv1alpha1.TenantState
		failing          *bool
		after            time.Duration
		active           metav1.ConditionStatus
		activeReason     string
		succeeding       metav1.ConditionStatus
		succeedingReason string
		again            time.Duration
	}{
		"nothing came yet":       {scimv1alpha1.ScimTenantStatus{}, "", nil, 0, unknown, "FewRequests", unknown, "FewRequests", 0},
		"nothing came for a day": {scimv1alpha1.ScimTenantStatus{}, "", nil, 24 * time.Hour, unknown, "FewRequests", unknown, "FewRequests", 0},
		"just now":               {hourly, "", nil, 0, yes, "RequestsArrive", unknown, "FewRequests", 3 * time.Hour},
		"for almost 3 hours":     {hourly, "", ptr.To(false), 3*time.Hour - time.Second, yes, "RequestsArrive", yes, "Succeeded", time.Second},
		"for 3 hours":            {hourly, "", ptr.To(false), 3 * time.Hour, no, "ProviderSilent", yes, "Succeeded", 0},
		"most fail":              {hourly, "", ptr.To(true), 0, yes, "RequestsArrive", no, "MostlyFailing", 3 * time.Hour},
		"most failed before the pods started": {
			said(no, "MostlyFailing"), "", nil, 0, yes, "RequestsArrive", no, "MostlyFailing", 3 * time.Hour,
		},
		"few failed since": {said(no, "MostlyFailing"), "", ptr.To(false), 0, yes, "RequestsArrive", yes, "Succeeded", 3 * time.Hour},
		"it is paused":     {hourly, scimv1alpha1.TenantStatePaused, ptr.To(true), 24 * time.Hour, unknown, "Paused", unknown, "Paused", 0},
		"it was paused":    {said(unknown, "Paused"), "", nil, 0, yes, "RequestsArrive", unknown, "FewRequests", 3 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{Spec: scimv1alpha1.ScimTenantSpec{State: tc.state}, Status: tc.status}
			said, again := providerConditions(tenant, tc.failing, noon.Add(tc.after))
			if said[0].Status != tc.active || said[0].Reason != tc.activeReason || said[1].Status != tc.succeeding || said[1].Reason != tc.succeedingReason {
				t.Errorf("it is said: %+v", said)
			}
			if again != tc.again {
				t.Errorf("it changes after %s, want %s", again, tc.again)
			}
		})
	}
}

// The status of a tenant whose provider sends nothing is written when it becomes silent, and no more.
func TestSilenceIsNewsOnce(t *testing.T) {
	tenant := &scimv1alpha1.ScimTenant{Status: hourly}
	usage := contract.Usage{LastRequestTime: noon}
	writes := 0
	for now := noon; now.Before(noon.Add(48 * time.Hour)); {
		found, again := newsOf(tenant, usage, true, now)
		if found != nil {
			write(tenant, found)
			writes++
		}
		if again == 0 {
			again = 15 * time.Second // the pods are asked
		}
		now = now.Add(again)
	}
	if writes != 2 { // that it is active, and silent
		t.Errorf("the status was written %d times", writes)
	}
	usage.LastRequestTime = noon.Add(48 * time.Hour)
	found, again := newsOf(tenant, usage, true, usage.LastRequestTime)
	if found == nil || found.urgent || again == 0 {
		t.Errorf("that it came back is %+v, and changes after %s", found, again)
	}
}

func TestSeatsAvailable(t *testing.T) {
	for name, tc := range map[string]struct {
		taken, seats int32
		status       metav1.ConditionStatus
		reason       string
	}{
		"none":            {0, 10, metav1.ConditionTrue, "SeatsAvailable"},
		"below 90 %":      {899, 1000, metav1.ConditionTrue, "SeatsAvailable"},
		"at 90 %":         {900, 1000, metav1.ConditionTrue, "FewSeatsLeft"},
		"one is left":     {9, 10, metav1.ConditionTrue, "FewSeatsLeft"},
		"one of few":      {6, 7, metav1.ConditionTrue, "SeatsAvailable"},
		"the only one":    {0, 1, metav1.ConditionTrue, "SeatsAvailable"},
		"all":             {10, 10, metav1.ConditionFalse, "SeatsExhausted"},
		"more than there": {11, 10, metav1.ConditionFalse, "SeatsExhausted"},
		"very many":       {1 << 30, 1<<30 + 1, metav1.ConditionTrue, "FewSeatsLeft"},
	} {
		t.Run(name, func(t *testing.T) {
			if c := seatsAvailable(tc.taken, tc.seats); c.Status != tc.status || c.Reason != tc.reason {
				t.Errorf("it is said: %+v", c)
			}
		})
	}
}
