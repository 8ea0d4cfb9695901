package controllertest

import (
	"fmt"
	"strings"

	"github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
)

// BeWellFormed succeeds if an object's conditions have the form that kstatus
// needs.
func BeWellFormed() types.GomegaMatcher {
	return gomega.WithTransform(func(obj conditions.Object) string {
		return strings.Join(conditionscheck.Check(obj), "\n")
	}, gomega.BeEmpty())
}

// BeReady succeeds if an object is Ready for its newest generation.
func BeReady(reason string) types.GomegaMatcher {
	return outcome(scimv1alpha1.ConditionReady, reason)
}

// BeReconciling succeeds if an object is being worked at, for its newest
// generation.
func BeReconciling(reason string) types.GomegaMatcher {
	return outcome(scimv1alpha1.ConditionReconciling, reason)
}

// BeStalled succeeds if an object waits for somebody, in its newest generation.
func BeStalled(reason string) types.GomegaMatcher {
	return outcome(scimv1alpha1.ConditionStalled, reason)
}

// Have succeeds if an object has a condition with this status and reason.
func Have(conditionType string, status metav1.ConditionStatus, reason string) types.GomegaMatcher {
	return gomega.WithTransform(func(obj conditions.Object) string {
		return describe(obj, conditionType)
	}, gomega.Equal(fmt.Sprintf("%s=%s %s", conditionType, status, reason)))
}

func outcome(conditionType, reason string) types.GomegaMatcher {
	return gomega.And(Have(conditionType, metav1.ConditionTrue, reason), BeWellFormed(), beUpToDate())
}

// beUpToDate succeeds if all conditions are about the newest generation.
func beUpToDate() types.GomegaMatcher {
	return gomega.WithTransform(func(obj conditions.Object) error {
		for _, c := range obj.GetConditions() {
			if c.ObservedGeneration != obj.GetGeneration() {
				return fmt.Errorf("condition %s is about generation %d of %d", c.Type, c.ObservedGeneration, obj.GetGeneration())
			}
		}
		return nil
	}, gomega.Succeed())
}

func describe(obj conditions.Object, conditionType string) string {
	c := meta.FindStatusCondition(obj.GetConditions(), conditionType)
	if c == nil {
		return fmt.Sprintf("no %s in %+v", conditionType, obj.GetConditions())
	}
	return fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason)
}
