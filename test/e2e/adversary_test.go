package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// rightsOfMallory lets a ServiceAccount write tenants and keys in one namespace,
// and nothing else. A Secret and a ServiceAccount of others are there too.
const rightsOfMallory = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: mallory, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: author, namespace: %[1]s}
rules:
  - apiGroups: [scim.kubescim.dev]
    resources: [scimtenants, scimapikeys]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: author, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: author}
subjects: [{kind: ServiceAccount, name: mallory, namespace: %[1]s}]
---
apiVersion: v1
kind: Secret
metadata: {name: password, namespace: %[1]s}
stringData: {password: not-for-mallory}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: taken-scim, namespace: %[1]s}
`

// unwritable has the API server refuse every Ingress for a host.
const unwritable = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}
  validations:
    - {expression: "object.spec.rules.all(r, r.host != '%[1]s')"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`

var _ = Describe("The author of a ScimTenant who has no other rights", Ordered, ContinueOnFailure, func() {
	var (
		namespace, elsewhere string // mallory's, and that of the tenant that is attacked
		class, host          string
	)
	apply := func(objects ...string) {
		GinkgoHelper()
		for _, object := range objects {
			_, err := RunKubectl(object, "apply", "-f", "-")
			Expect(err).NotTo(HaveOccurred())
		}
	}
	asMallory := func(kind, name, spec string) {
		GinkgoHelper()
		manifest := fmt.Sprintf(`{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":%q,"metadata":{"name":%q,"namespace":%q},"spec":%s}`,
			kind, name, namespace, spec)
		_, err := RunKubectl(manifest, "apply", "-f", "-", "--as=system:serviceaccount:"+namespace+":mallory")
		Expect(err).NotTo(HaveOccurred())
	}
	// specOf is the spec of mallory's tenant with something else in it.
	specOf := func(more string) string { return `{"identityProvider":"Okta","server":{"replicas":1` + more + `}` }
	published := func(under string) string {
		return fmt.Sprintf(`"endpoint":{"host":%q,"tls":{"termination":"Elsewhere"},"ingress":{"className":%q}}`, under, class)
	}
	stalled := func(in, kind, name, reason string) map[string]any {
		GinkgoHelper()
		var condition map[string]any
		Eventually(func(g Gomega) {
			object := KubectlGet(in, kind, name)
			condition = conditionOf(object, scimv1alpha1.ConditionStalled)
			g.Expect(condition).To(HaveKeyWithValue("reason", reason))
			// The message is about what was asked for last.
			generation, err := json.Marshal(object["metadata"].(map[string]any)["generation"])
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(fmt.Sprint(condition["observedGeneration"])).To(Equal(string(generation)))
		}).Should(Succeed())
		return condition
	}
	publishers := func(ctx SpecContext, host string) func() ([]string, error) {
		return func() ([]string, error) {
			ingresses := &networkingv1.IngressList{}
			err := Cluster.List(ctx, ingresses)
			var namespaces []string
			for _, ingress := range ingresses.Items {
				for _, rule := range ingress.Spec.Rules {
					if rule.Host == host {
						namespaces = append(namespaces, ingress.Namespace)
					}
				}
			}
			return namespaces, err
		}
	}

	BeforeAll(func(ctx SpecContext) {
		namespace, elsewhere = NewNamespace(ctx, "mallory"), NewNamespace(ctx, "victim")
		class, host = namespace, elsewhere+".example.com"
		apply(fmt.Sprintf(rightsOfMallory, namespace))
		ingressClass := &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"},
		}
		Expect(Cluster.Create(ctx, ingressClass)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, ingressClass)).To(Succeed()) })
		// The attacker's tenant is the older one.
		asMallory("ScimTenant", "mallory", specOf("")+"}")
		WaitFor(namespace, "condition=Ready", "scimtenant/mallory")
		Apply(NewTenant(elsewhere, "victim", scimv1alpha1.IdentityProviderOkta, OneReplica, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.Host = host
			spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere}
			spec.Endpoint.Ingress = scimv1alpha1.EndpointIngress{ClassName: class}
		}))
		WaitFor(elsewhere, "condition=Ready", "scimtenant/victim")
	})

	It("cannot take the host of another tenant", func(ctx SpecContext) {
		asMallory("ScimTenant", "mallory", specOf("")+","+published(host)+"}")
		condition := stalled(namespace, "scimtenant", "mallory", scimv1alpha1.ReasonHostConflict)
		Expect(condition["message"]).To(And(ContainSubstring("set spec.endpoint.host to another host"), Not(ContainSubstring(elsewhere+"/"))))
		Consistently(publishers(ctx, host)).WithTimeout(3 * time.Second).Should(ConsistOf(elsewhere))
		WaitFor(elsewhere, "condition=Ready", "scimtenant/victim")
		Expect(Kubectl("get", "scimtenant", "-n", namespace, "mallory", "-o", "jsonpath={.status.url}")).To(BeEmpty())
	})

	It("does not get it while its holder moves and cannot be published anew", func(ctx SpecContext) {
		moved := "moved-" + host
		apply(fmt.Sprintf(unwritable, moved))
		DeferCleanup(func() {
			Kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", moved)
		})
		probe := fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"probe","namespace":%q},
			"spec":{"defaultBackend":{"service":{"name":"a","port":{"number":80}}},"rules":[{"host":%q}]}}`, elsewhere, moved)
		Eventually(func() error {
			_, err := RunKubectl(probe, "create", "--dry-run=server", "-f", "-")
			return err
		}).Should(HaveOccurred())
		Kubectl("patch", "scimtenant", "-n", elsewhere, "victim", "--type=merge", "-p", fmt.Sprintf(`{"spec":{"endpoint":{"host":%q}}}`, moved))
		Eventually(func() map[string]any {
			return conditionOf(KubectlGet(elsewhere, "scimtenant", "victim"), scimv1alpha1.ConditionReady)
		}).Should(HaveKeyWithValue("reason", scimv1alpha1.ReasonObjectInvalid))
		asMallory("ScimTenant", "mallory", specOf("")+`,"displayName":"again",`+published(host)+"}")
		stalled(namespace, "scimtenant", "mallory", scimv1alpha1.ReasonHostConflict)
		Consistently(publishers(ctx, host)).WithTimeout(3 * time.Second).Should(ConsistOf(elsewhere))
		Kubectl("patch", "scimtenant", "-n", elsewhere, "victim", "--type=merge", "-p", fmt.Sprintf(`{"spec":{"endpoint":{"host":%q}}}`, host))
		WaitFor(elsewhere, "condition=Ready", "scimtenant/victim")
	})

	It("does not get it when its holder is applied anew, or edited", func(ctx SpecContext) {
		asMallory("ScimTenant", "mallory", specOf("")+`,"displayName":"waiting",`+published(host)+"}")
		stalled(namespace, "scimtenant", "mallory", scimv1alpha1.ReasonHostConflict)
		manifest := Kubectl("get", "scimtenant", "-n", elsewhere, "victim", "-o", "json")
		endpoint := Kubectl("get", "scimtenant", "-n", elsewhere, "victim", "-o", "jsonpath={.spec.endpoint}")
		_, err := RunKubectl(manifest, "replace", "--force", "-f", "-")
		Expect(err).NotTo(HaveOccurred())
		WaitFor(elsewhere, "condition=Ready", "scimtenant/victim")
		Expect(publishers(ctx, host)()).To(ConsistOf(elsewhere))

		Kubectl("patch", "scimtenant", "-n", elsewhere, "victim", "--type=merge", "-p", `{"spec":{"endpoint":null}}`)
		Eventually(func() any {
			return conditionOf(KubectlGet(namespace, "scimtenant", "mallory"), scimv1alpha1.ConditionReady)["message"]
		}).Should(And(ContainSubstring("it is gone, or asks for another host, since"), ContainSubstring("delete ConfigMap "), Not(ContainSubstring(elsewhere+"/"))))
		Consistently(publishers(ctx, host)).WithTimeout(3 * time.Second).Should(BeEmpty())
		Kubectl("patch", "scimtenant", "-n", elsewhere, "victim", "--type=merge", "-p", fmt.Sprintf(`{"spec":{"endpoint":%s}}`, endpoint))
		Eventually(publishers(ctx, host)).Should(ConsistOf(elsewhere))
		WaitFor(elsewhere, "condition=Ready", "scimtenant/victim")
	})

	DescribeTable("cannot make the operator write what the operator's configuration does not allow",
		func(_ SpecContext, spec, names string) {
			before := KubectlGet(namespace, "deployment", "mallory-scim")["metadata"].(map[string]any)["generation"]
			asMallory("ScimTenant", "mallory", spec)
			condition := stalled(namespace, "scimtenant", "mallory", scimv1alpha1.ReasonNotAllowed)
			Expect(condition["message"]).To(And(ContainSubstring(names), ContainSubstring("whoever runs the operator")))
			Expect(KubectlGet(namespace, "deployment", "mallory-scim")["metadata"]).To(HaveKeyWithValue("generation", before))
			Expect(KubectlGet(namespace, "ingress", "mallory-scim")).To(BeNil())
		},
		Entry("a PriorityClass", specOf(`,"scheduling":{"priorityClassName":"system-cluster-critical"}`)+"}", "system-cluster-critical"),
		Entry("a toleration", specOf(`,"scheduling":{"tolerations":[{"key":"node-role.kubernetes.io/control-plane","operator":"Exists"}]}`)+"}", "control-plane"),
		Entry("every toleration", specOf(`,"scheduling":{"tolerations":[{"operator":"Exists"}]}`)+"}", "every taint"),
		Entry("a snippet", specOf("")+`,"endpoint":{"host":"snippet.example.com","tls":{"termination":"Elsewhere"},"ingress":{
			"annotations":{"nginx.ingress.kubernetes.io/configuration-snippet":"return 200;"}}}}`, "configuration-snippet"),
		Entry("an alias", specOf("")+`,"endpoint":{"host":"alias.example.com","tls":{"termination":"Elsewhere"},"ingress":{
			"annotations":{"nginx.ingress.kubernetes.io/server-alias":"victim.example.com"}}}}`, "server-alias"),
		Entry("a name in the DNS", specOf("")+`,"endpoint":{"host":"name.example.com","tls":{"termination":"Elsewhere"},"ingress":{
			"annotations":{"external-dns.alpha.kubernetes.io/hostname":"www.example.com"}}}}`, "external-dns"),
	)

	It("cannot publish a host in the clear", func() {
		asMallory("ScimTenant", "mallory", specOf("")+`,"endpoint":{"host":"clear.example.com"}}`)
		stalled(namespace, "scimtenant", "mallory", scimv1alpha1.ReasonTLSRequired)
		Expect(KubectlGet(namespace, "ingress", "mallory-scim")).To(BeNil())
	})

	It("cannot overwrite or read a Secret of somebody else", func() {
		asMallory("ScimTenant", "mallory", specOf("")+`,"endpoint":{"host":"secret-`+host+`","tls":{"secretName":"password"},
			"ingress":{"className":"`+class+`"}}}`)
		condition := stalled(namespace, "scimtenant", "mallory", scimv1alpha1.ReasonCertificateInvalid)
		Expect(condition["message"]).NotTo(ContainSubstring("not-for-mallory"))
		asMallory("ScimTenant", "mallory", specOf("")+"}")

		asMallory("ScimApiKey", "thief", `{"tenantRef":{"name":"mallory"},"secretName":"password"}`)
		condition = stalled(namespace, "scimapikey", "thief", scimv1alpha1.ReasonObjectConflict)
		Expect(condition["message"]).To(ContainSubstring(`"password"`))
		Expect(KubectlGet(namespace, "secret", "password")["data"]).To(HaveLen(1))
		_, err := RunKubectl("", "get", "secrets", "-n", namespace, "--as=system:serviceaccount:"+namespace+":mallory")
		Expect(err).To(MatchError(ContainSubstring("forbidden")))
	})

	It("cannot run anything as a ServiceAccount of somebody else", func() {
		asMallory("ScimTenant", "taken", specOf("")+"}")
		condition := stalled(namespace, "scimtenant", "taken", scimv1alpha1.ReasonObjectConflict)
		Expect(condition["message"]).To(ContainSubstring(`ServiceAccount "taken-scim"`))
		Expect(KubectlGet(namespace, "rolebinding", "taken-scim")).To(BeNil())
		Expect(KubectlGet(namespace, "deployment", "taken-scim")).To(BeNil())
	})
})

var _ = Describe("Whoever has taken the operator's credentials", func() {
	It("can write nothing but what the operator makes for tenants", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "taken")
		asOperator := func(object string, args ...string) error {
			_, err := RunKubectl(object, append(args, "-f", "-", "--dry-run=server", "--as=system:serviceaccount:kubescim-system:kubescim")...)
			return err
		}
		const labels = `"labels":{"app.kubernetes.io/managed-by":"kubescim","scim.kubescim.dev/tenant":"acme"},
			"ownerReferences":[{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimTenant","name":"acme","uid":"a"}]`
		object := func(apiVersion, kind, name, rest string) string {
			return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":%q,%s}%s}`, apiVersion, kind, name, namespace, labels, rest)
		}
		Expect(asOperator(object("v1", "ServiceAccount", "acme-scim", ""), "create")).To(Succeed())
		Expect(asOperator(object("v1", "ServiceAccount", "default-scim", ""), "create")).To(MatchError(ContainSubstring("named after its tenant")))
		// Without the annotation the Secret is refused before any policy sees it.
		token := strings.Replace(object("v1", "Secret", "token", `,"type":"kubernetes.io/service-account-token"`),
			`"labels":`, `"annotations":{"kubernetes.io/service-account.name":"default"},"labels":`, 1)
		Expect(asOperator(token, "create")).
			To(MatchError(ContainSubstring("no Secret of a type that means something")))
		Expect(asOperator(object("apps/v1", "Deployment", "acme-scim", `,"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{
			"metadata":{"labels":{"a":"b"}},"spec":{"serviceAccountName":"acme-scim","containers":[{"name":"a","image":"example.com/shell"}]}}}`), "create")).
			To(MatchError(ContainSubstring("the image of the SCIM server only")))
		Expect(asOperator(fmt.Sprintf(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":%q}}`, namespace), "delete")).
			To(MatchError(ContainSubstring("only what it has made")))
	})
})
