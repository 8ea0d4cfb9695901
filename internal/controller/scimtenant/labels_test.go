package scimtenant

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

// labelled is a tenant whose users have labels of attributes.
func labelled(attributes ...string) *scimv1alpha1.ScimTenant {
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "acme", Generation: 2}}
	for i, attribute := range attributes {
		tenant.Spec.Users.Labels = append(tenant.Spec.Users.Labels, scimv1alpha1.UserLabel{Key: string(rune('a' + i)), Attribute: attribute})
	}
	return tenant
}

func TestLabelsAccepted(t *testing.T) {
	g := NewWithT(t)
	g.Expect(labelsAccepted(labelled())).To(BeNil())
	g.Expect(labelsAccepted(labelled("title", "active"))).To(HaveValue(HaveField("Status", metav1.ConditionTrue)))
	wrong := labelsAccepted(labelled("title", "urn:example:badge:number"))
	g.Expect(wrong).To(HaveValue(And(HaveField("Status", metav1.ConditionFalse), HaveField("Reason", scimv1alpha1.ReasonInvalidLabel),
		HaveField("Message", ContainSubstring(`spec.users.labels: the label "b": "urn:example:badge:number" begins with no schema`)))))

	s := healthy()
	s.tenant.Spec.Users.Labels = []scimv1alpha1.UserLabel{{Key: "team", Attribute: "urn:example:badge:number"}}
	ready, _ := setStatus(s)
	g.Expect(ready.Outcome).To(Equal(conditions.Stalled))
	g.Expect(ready.Reason).To(Equal(scimv1alpha1.ReasonInvalidLabel))
	s.tenant.Spec.Users.Labels = nil
	setStatus(s)
	g.Expect(s.tenant.Status.Conditions).NotTo(ContainElement(HaveField("Type", scimv1alpha1.ConditionLabelsAccepted)))
}

func TestUsersSelectable(t *testing.T) {
	tenant := labelled("title")
	digest := labelsDigest(tenant)
	said := func(labels string, left int32) contract.Usage {
		return contract.Usage{Users: 10000, Selectors: &contract.SelectorUsage{Labels: labels, Left: left}}
	}
	for name, c := range map[string]struct {
		usage  contract.Usage
		status metav1.ConditionStatus
		said   string
	}{
		"no pod has said anything": {contract.Usage{}, metav1.ConditionUnknown, "no pod"},
		"other labels":             {said("", 0), metav1.ConditionFalse, "has not come to spec.users.labels"},
		"under way":                {said(digest, 8800), metav1.ConditionFalse, "1200 of 10000 users"},
		"deleted ones alone":       {said(digest, 10001), metav1.ConditionFalse, "0 of 10000 users"},
		"done":                     {said(digest, 0), metav1.ConditionTrue, "all users"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := usersSelectable(tenant, c.usage)
			g.Expect(found.Status).To(Equal(c.status))
			g.Expect(found.Message).To(ContainSubstring(c.said))
		})
	}
	g := NewWithT(t)
	g.Expect(labelsDigest(labelled())).To(BeEmpty(), "as a pod says that knows of no labels")

	found, _ := newsOf(tenant, said(digest, 0), true, time.Now())
	write(tenant, found)
	g.Expect(usersSelectable(tenant, contract.Usage{}).Status).To(Equal(metav1.ConditionTrue), "pods that start anew say nothing")
	tenant.Generation++
	g.Expect(usersSelectable(tenant, contract.Usage{}).Status).To(Equal(metav1.ConditionUnknown), "and nothing about another spec")
}

func TestDeactivationChangesTheLabelsThatAreMadeOfIt(t *testing.T) {
	g := NewWithT(t)
	patch, err := deactivation(labelled("title", "active"), time.Now())
	g.Expect(err).NotTo(HaveOccurred())
	body, err := patch.Data(nil)
	g.Expect(err).NotTo(HaveOccurred())
	var written struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct{ Active bool }
	}
	g.Expect(json.Unmarshal(body, &written)).To(Succeed())
	g.Expect(written.Metadata.Labels).To(Equal(map[string]string{"b": "false"}))
}
