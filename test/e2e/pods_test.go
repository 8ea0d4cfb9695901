package e2e

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// assignedID is the user and group that pods of a namespace get where ids are assigned.
const assignedID = 1000660000

// assigning gives the pods of one namespace their user and group, and admits none that has
// stated another one: what OpenShift's SecurityContextConstraint restricted-v2 does.
const assigning = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchConditions: [{name: states-none, expression: "!has(object.spec.securityContext.runAsUser)"}]
  reinvocationPolicy: Never
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: "Object{spec: Object.spec{securityContext: Object.spec.securityContext{runAsUser: %[2]d, fsGroup: %[2]d}}}"
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - expression: object.spec.securityContext.runAsUser == %[2]d
      message: the pod states a user that is not the namespace's
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`

const podsOfTenants = `
config:
  allow:
    podLabels: ["example.com/*", app.kubernetes.io/*]
    podAnnotations: [example.com/contact]
  servers:
    userIDs: Assigned
    defaults:
      resources: {requests: {cpu: 30m, memory: 48Mi}, limits: {memory: 200Mi}}
      scheduling: {nodeSelector: {kubernetes.io/os: linux}}
      pod:
        labels: {example.com/tier: identity, example.com/team: platform}
        annotations: {kubernetes.io/description: a SCIM server}
`

// It starts the operator again, under other rules for all tenants: no other spec runs beside it.
var _ = Describe("The pods of a tenant", Serial, func() {
	It("have what the tenant asks for and is allowed, what the operator gives to all, and the user that they are assigned", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "shaped")
		tenant := NewTenant(namespace, "shaped", scimv1alpha1.IdentityProviderGeneric, OneReplica, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Server.Pod = scimv1alpha1.ServerPod{
				Labels:      map[string]scimv1alpha1.PodLabelValue{"example.com/team": "acme", "app.kubernetes.io/instance": "globex"},
				Annotations: map[string]scimv1alpha1.PodAnnotationValue{"example.com/contact": "identity at example.com"},
			}
		})
		stalled := func(says ...string) {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				condition := conditionOf(KubectlGet(namespace, "scimtenant", tenant.Name), scimv1alpha1.ConditionStalled)
				g.Expect(condition).To(HaveKeyWithValue("reason", scimv1alpha1.ReasonNotAllowed))
				for _, part := range says {
					g.Expect(condition["message"]).To(ContainSubstring(part))
				}
			}).WithTimeout(time.Minute).Should(Succeed())
			Expect(KubectlGet(namespace, "deployment", "shaped-scim")).To(BeNil())
		}
		Apply(tenant)
		stalled(`label "example.com/team" in spec.server.pod.labels is not allowed (allow.podLabels)`,
			`annotation "example.com/contact" in spec.server.pod.annotations is not allowed (allow.podAnnotations)`)

		By("allowing labels, where users are assigned")
		ApplyText(fmt.Sprintf(assigning, namespace, assignedID))
		DeferCleanup(func() {
			for _, kind := range []string{"mutatingadmissionpolicy", "validatingadmissionpolicy"} {
				Kubectl("delete", kind+","+kind+"binding", namespace)
			}
		})
		ChangeRelease(chart).Upgrade(ctx, podsOfTenants)
		stalled(`label "app.kubernetes.io/instance" in spec.server.pod.labels is one that the operator sets itself`)
		delete(tenant.Spec.Server.Pod.Labels, "app.kubernetes.io/instance")
		t := ServeIn(ctx, namespace, tenant)[0]
		pod := t.Pods(ctx)[0]
		Expect(pod.Labels).To(And(HaveKeyWithValue("example.com/team", "acme"), HaveKeyWithValue("example.com/tier", "identity"),
			HaveKeyWithValue("app.kubernetes.io/instance", "shaped")))
		Expect(pod.Annotations).To(And(HaveKeyWithValue("example.com/contact", "identity at example.com"), HaveKeyWithValue("kubernetes.io/description", "a SCIM server")))
		Expect(pod.Spec.NodeSelector).To(HaveKeyWithValue("kubernetes.io/os", "linux"))
		Expect(pod.Spec.Containers[0].Resources.Requests.Cpu().String()).To(Equal("30m"))
		Expect(pod.Spec.Containers[0].Resources.Limits.Memory().String()).To(Equal("200Mi"))
		Expect(pod.Spec.SecurityContext).To(And(HaveField("RunAsUser", ptr.To[int64](assignedID)), HaveField("RunAsNonRoot", ptr.To(true))))
		t.Get(Users + "?count=0").Has(http.StatusOK)

		By("keeping them away from pods of the same namespace")
		Kubectl("patch", "scimtenant", "-n", namespace, t.Name, "--type=merge", "-p", `{"spec":{"server":{"pod":{"affinity":{"podAntiAffinity":{
			"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"db"}}}]}}}}}}`)
		Eventually(func(g Gomega) {
			pods := t.Pods(ctx)
			g.Expect(pods).To(HaveLen(1))
			g.Expect(IsReady(&pods[0])).To(BeTrue())
			g.Expect(pods[0].Spec.Affinity).To(HaveField("PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution", HaveLen(1)))
		}).WithTimeout(90 * time.Second).Should(Succeed())
		other := &corev1.Pod{}
		other.Namespace, other.Name = namespace, "db"
		other.Labels = map[string]string{"app": "db"}
		other.Spec = t.Pods(ctx)[0].Spec
		other.Spec.NodeName, other.Spec.Affinity, other.Spec.Volumes = "", nil, nil
		other.Spec.Containers[0].VolumeMounts = nil
		Expect(Cluster.Create(ctx, other)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(other), other)).To(Succeed())
			g.Expect(other.Status.Conditions).To(ContainElement(And(HaveField("Type", corev1.PodScheduled), HaveField("Reason", corev1.PodReasonUnschedulable))))
		}).WithTimeout(time.Minute).Should(Succeed(), "the only node has a pod of the tenant")
		Expect(Cluster.Delete(ctx, other)).To(Succeed())
	})
})
