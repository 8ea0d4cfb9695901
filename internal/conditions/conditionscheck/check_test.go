package conditionscheck

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*scimv1alpha1.ScimTenant)
		want  string
	}{
		"no Ready":        {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions = nil }, "no condition Ready"},
		"twice":           {func(t *scimv1alpha1.ScimTenant) { add(t, t.Status.Conditions[0]) }, "twice"},
		"Ready unknown":   {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Status = metav1.ConditionUnknown }, "Unknown"},
		"Stalled False":   {func(t *scimv1alpha1.ScimTenant) { add(t, stamped(conditions.False("Stalled", "A", "a"))) }, "only while it is True"},
		"Ready, stalled":  {func(t *scimv1alpha1.ScimTenant) { add(t, stamped(conditions.True("Stalled", "A", "a"))) }, "not one"},
		"nothing holds":   {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Status = metav1.ConditionFalse }, "not one"},
		"no reason":       {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Reason = "" }, "no reason"},
		"no time":         {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].LastTransitionTime = metav1.Time{} }, "no time"},
		"no generation":   {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].ObservedGeneration = 0 }, "generation 0"},
		"reason in words": {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Reason = "in words" }, "CamelCase"},
		"message, blanks": {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Message += "\n" }, "white space"},
		"never observed":  {func(t *scimv1alpha1.ScimTenant) { t.Status.ObservedGeneration = 0 }, "kstatus takes it for Current and not for InProgress"},
		"observed early":  {func(t *scimv1alpha1.ScimTenant) { t.Status.ObservedGeneration = 9 }, "status.observedGeneration is 9 of 3"},
		"from the future": {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].ObservedGeneration = 9 }, "generation 9"},
	} {
		t.Run(name, func(t *testing.T) {
			obj := &scimv1alpha1.ScimTenant{
				ObjectMeta: metav1.ObjectMeta{Generation: 3},
				Status:     scimv1alpha1.ScimTenantStatus{ObservedGeneration: 3},
			}
			conditions.Set(obj, conditions.Summary{Outcome: conditions.Ready, Reason: "A", Message: "because of A"})
			tc.spoil(obj)
			if wrong := strings.Join(Check(obj), "; "); !strings.Contains(wrong, tc.want) {
				t.Errorf("Check found %q, want %q", wrong, tc.want)
			}
		})
	}
}

func add(t *scimv1alpha1.ScimTenant, c metav1.Condition) {
	t.Status.Conditions = append(t.Status.Conditions, c)
}

func stamped(c metav1.Condition) metav1.Condition {
	c.ObservedGeneration, c.LastTransitionTime = 3, metav1.Now()
	return c
}

func TestCheckFindsNothingWrong(t *testing.T) {
	for name, change := range map[string]func(*scimv1alpha1.ScimTenant){
		"as it is":                     func(*scimv1alpha1.ScimTenant) {},
		"being deleted":                func(t *scimv1alpha1.ScimTenant) { t.DeletionTimestamp = ptr.To(metav1.Now()) },
		"changed since it was written": func(t *scimv1alpha1.ScimTenant) { t.Generation++ },
	} {
		for _, outcome := range []conditions.Outcome{conditions.Ready, conditions.Reconciling, conditions.Stalled} {
			obj := &scimv1alpha1.ScimTenant{
				ObjectMeta: metav1.ObjectMeta{Generation: 3},
				Status:     scimv1alpha1.ScimTenantStatus{ObservedGeneration: 3},
			}
			conditions.Set(obj, conditions.Summary{Outcome: outcome, Reason: "A", Message: "because of A"})
			change(obj)
			if wrong := Check(obj); len(wrong) > 0 {
				t.Errorf("%s, %s: Check found %q", outcome, name, wrong)
			}
		}
	}
}
