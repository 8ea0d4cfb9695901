package scimtenant

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

// write writes into a tenant's status what is to be.
func write(tenant *scimv1alpha1.ScimTenant, found *news) {
	if found == nil {
		return
	}
	if found.usage != nil {
		setUsage(tenant, *found.usage)
	}
	conditions.Set(tenant, conditions.Summary{Outcome: conditions.Ready, Reason: scimv1alpha1.ReasonSucceeded, Message: "all is well"}, found.conditions...)
}

// few is a condition of which nothing is known since there were few requests.
func few(conditionType string) metav1.Condition {
	c, _ := providerActive(&scimv1alpha1.ScimTenantStatus{}, time.Time{})
	if conditionType == scimv1alpha1.ConditionRequestsSucceeding {
		c = requestsSucceeding(nil, nil)
	}
	return c
}

func TestUsageIsNews(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	reported := scimv1alpha1.ScimTenantStatus{
		Users: ptr.To[int32](3), ActiveUsers: ptr.To[int32](2), Groups: ptr.To[int32](0),
		LastRequestTime: metav1.NewTime(noon),
	}
	for name, tc := range map[string]struct {
		usage  contract.Usage
		status scimv1alpha1.ScimTenantStatus
		want   bool
	}{
		"nothing was known":         {contract.Usage{}, scimv1alpha1.ScimTenantStatus{}, true},
		"nothing has changed":       {contract.Usage{Users: 3, ActiveUsers: 2, LastRequestTime: noon}, reported, false},
		"a user more":               {contract.Usage{Users: 4, ActiveUsers: 2, LastRequestTime: noon}, reported, true},
		"a user less who is active": {contract.Usage{Users: 3, ActiveUsers: 1, LastRequestTime: noon}, reported, true},
		"a group more":              {contract.Usage{Users: 3, ActiveUsers: 2, Groups: 1, LastRequestTime: noon}, reported, true},
		"a later request":           {contract.Usage{Users: 3, ActiveUsers: 2, LastRequestTime: noon.Add(time.Minute)}, reported, true},
		"an earlier request":        {contract.Usage{Users: 3, ActiveUsers: 2, LastRequestTime: noon.Add(-time.Minute)}, reported, false},
		"no request since a start":  {contract.Usage{Users: 3, ActiveUsers: 2}, reported, false},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{Status: tc.status}
			write(tenant, &news{conditions: []metav1.Condition{few(scimv1alpha1.ConditionProviderActive), few(scimv1alpha1.ConditionRequestsSucceeding),
				usersSelectable(tenant, contract.Usage{})}})
			found, _ := newsOf(tenant, tc.usage, true, noon.Add(time.Minute))
			if got := found != nil; got != tc.want {
				t.Errorf("it is news: %v", got)
			}
			write(tenant, found)
			if found, _ := newsOf(tenant, tc.usage, true, noon.Add(time.Minute)); found != nil {
				t.Errorf("it is news once it is written: %+v", tenant.Status)
			}
		})
	}
}

// A pod whose clock is ahead does not keep a provider from being silent.
func TestLastRequestIsNotInTheFuture(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	tenant := &scimv1alpha1.ScimTenant{Status: scimv1alpha1.ScimTenantStatus{LastRequestTime: metav1.NewTime(noon.Add(-time.Hour))}}
	found, _ := newsOf(tenant, contract.Usage{LastRequestTime: noon.Add(365 * 24 * time.Hour)}, true, noon)
	write(tenant, found)
	if got := tenant.Status.LastRequestTime.Time; !got.Equal(noon.Truncate(time.Minute)) {
		t.Errorf("the last request was at %s", got)
	}
	tenant.Status.RequestGaps.Minutes = 50
	if c, _ := providerActive(&tenant.Status, noon.Add(4*time.Hour)); c.Status != metav1.ConditionFalse {
		t.Errorf("four hours later: %+v", c)
	}
}

func TestLastRequestIsNotBeforeTheTenant(t *testing.T) {
	created := time.Date(2026, 5, 1, 12, 0, 45, 0, time.UTC)
	for name, tc := range map[string]struct{ reported, want time.Time }{
		"none":                                 {},
		"in the minute of the creation":        {created.Truncate(time.Minute), created},
		"in the minute after":                  {created.Truncate(time.Minute).Add(time.Minute), created.Truncate(time.Minute).Add(time.Minute)},
		"to an earlier tenant of the name":     {created.Truncate(time.Minute).Add(-time.Minute), time.Time{}},
		"to an earlier tenant, the day before": {created.Add(-24 * time.Hour), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(created)}}
			setUsage(tenant, contract.Usage{LastRequestTime: tc.reported})
			if got := tenant.Status.LastRequestTime.Time; !got.Equal(tc.want) {
				t.Errorf("the last request was at %s, want %s", got, tc.want)
			}
			again := tenant.DeepCopy()
			setUsage(again, contract.Usage{LastRequestTime: tc.reported})
			if !equality.Semantic.DeepEqual(again, tenant) {
				t.Error("it is news once it is written")
			}
		})
	}
}

func TestUsageThatWaitsIsLookedAtAgain(t *testing.T) {
	s := healthy()
	s.usageAfter = 40 * time.Second
	if after := s.requeueAfter(); after != 40*time.Second {
		t.Errorf("requeueAfter = %s", after)
	}
	s.endpoint.Problem = errors.New("an Ingress is somebody else's")
	if after := s.requeueAfter(); after != 40*time.Second {
		t.Errorf("with a problem, requeueAfter = %s", after)
	}
	s.usageAfter = 0
	if after := s.requeueAfter(); after != time.Minute {
		t.Errorf("with a problem only, requeueAfter = %s", after)
	}
}
