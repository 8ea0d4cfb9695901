package scimtenant

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestDeactivationsAllowed(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	const no, yes = metav1.ConditionFalse, metav1.ConditionTrue
	for name, tc := range map[string]struct {
		allowUntil time.Time
		stopped    time.Time // since when the condition says so; zero when it does not
		guarded    bool
		status     metav1.ConditionStatus
		reason     string
		again      time.Duration
	}{
		"nothing was stopped":            {status: yes, reason: "WithinGuard"},
		"a pod has stopped something":    {guarded: true, status: no, reason: "DeactivationsGuarded"},
		"pods have started anew since":   {stopped: noon.Add(-10 * time.Minute), status: no, reason: "DeactivationsGuarded", again: 50 * time.Minute},
		"a pod says so for long":         {guarded: true, stopped: noon.Add(-5 * time.Hour), status: no, reason: "DeactivationsGuarded"},
		"the window has passed":          {stopped: noon.Add(-time.Hour), status: yes, reason: "WithinGuard"},
		"somebody has opened it":         {stopped: noon.Add(-time.Minute), guarded: true, allowUntil: noon.Add(time.Hour), status: yes, reason: "GuardOpen", again: time.Hour},
		"it was opened, and is shut now": {stopped: noon.Add(-10 * time.Minute), allowUntil: noon.Add(-time.Minute), status: yes, reason: "WithinGuard"},
		"more came after it was shut":    {stopped: noon.Add(-time.Minute), allowUntil: noon.Add(-2 * time.Minute), status: no, reason: "DeactivationsGuarded", again: time.Minute},
		"it is to be open later":         {allowUntil: noon.Add(30 * time.Hour), status: yes, reason: "WithinGuard", again: 6 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{}
			tenant.Spec.Users.DeactivationGuard = scimv1alpha1.DeactivationGuard{MaxPercent: 30, AllowUntil: metav1.NewTime(tc.allowUntil)}
			if !tc.stopped.IsZero() {
				tenant.Status.Conditions = []metav1.Condition{{
					Type: scimv1alpha1.ConditionDeactivationsAllowed, Status: no, LastTransitionTime: metav1.NewTime(tc.stopped),
				}}
			}
			c, again := deactivationsAllowed(tenant, tc.guarded, noon)
			if c == nil || c.Status != tc.status || c.Reason != tc.reason || c.Message == "" || again != tc.again {
				t.Errorf("it says %+v, again after %s", c, again)
			}
		})
	}
	if c, again := deactivationsAllowed(&scimv1alpha1.ScimTenant{}, true, noon); c != nil || again != 0 {
		t.Errorf("without a guard it says %+v, again after %s", c, again)
	}
}
