package controller_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// TestTheOperatorIsHeldToWhatItMakes acts as somebody who has taken the operator's
// credentials. That the operator itself can do its work under the policy is what
// every other test of the controllers shows.
func TestTheOperatorIsHeldToWhatItMakes(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	ctx := context.Background()
	env := startEnvironment(t)
	operator, err := env.ClientOfOperator()
	g.Expect(err).NotTo(HaveOccurred())
	namespace, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())

	owner := metav1.OwnerReference{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimTenant", Name: "acme", UID: "uid"}
	ours := func(change ...func(*metav1.ObjectMeta)) metav1.ObjectMeta {
		m := metav1.ObjectMeta{
			Namespace: namespace, Name: "acme-scim", Labels: operand.Labels("acme"), OwnerReferences: []metav1.OwnerReference{owner},
		}
		for _, c := range change {
			c(&m)
		}
		return m
	}
	deployment := func(change ...func(*corev1.PodSpec)) *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: ours(), Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: operand.SelectorLabels("acme")},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: operand.Labels("acme")},
				Spec: corev1.PodSpec{
					ServiceAccountName: "acme-scim",
					Containers: []corev1.Container{{
						Name: "scim-server", Image: controllertest.ServerImage, Command: []string{"/scim-server"},
					}},
				},
			},
		}}
		for _, c := range change {
			c(&d.Spec.Template.Spec)
		}
		return d
	}
	mounting := func(secret string) func(*corev1.PodSpec) {
		return func(p *corev1.PodSpec) {
			p.Volumes = []corev1.Volume{{Name: "a", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}}}
		}
	}
	presenting := func(volume string, items ...corev1.KeyToPath) func(*corev1.PodSpec) {
		return func(p *corev1.PodSpec) {
			mounting("acme-tls")(p)
			p.Volumes[0].Name, p.Volumes[0].Secret.Items = volume, items
		}
	}
	chain, private := corev1.KeyToPath{Key: "tls.crt", Path: "tls.crt"}, corev1.KeyToPath{Key: "tls.key", Path: "tls.key"}
	binding := func(name, role, account string) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{
			ObjectMeta: ours(func(m *metav1.ObjectMeta) { m.Name = name }),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: namespace}},
		}
	}
	role := func(rule rbacv1.PolicyRule) *rbacv1.Role {
		globex := ours(func(m *metav1.ObjectMeta) { m.Name, m.Labels = "globex-scim", operand.Labels("globex") })
		return &rbacv1.Role{ObjectMeta: globex, Rules: []rbacv1.PolicyRule{rule}}
	}
	service := func(change ...func(*corev1.ServiceSpec)) *corev1.Service {
		s := &corev1.Service{ObjectMeta: ours(), Spec: corev1.ServiceSpec{
			Selector: operand.SelectorLabels("acme"), Ports: []corev1.ServicePort{{Port: 80}},
		}}
		for _, c := range change {
			c(&s.Spec)
		}
		return s
	}
	isolation := func(pods map[string]string) *networkingv1.NetworkPolicy {
		return &networkingv1.NetworkPolicy{ObjectMeta: ours(), Spec: networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: pods}}}
	}
	create := func(obj client.Object) error { return operator.Create(ctx, obj, client.DryRunAll) }
	// grouped is a binding for members of a group.
	grouped := func(kind, role string, change ...func(*rbacv1.ClusterRoleBinding)) error {
		b := rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "scim:" + namespace + ":viewers:0", Labels: map[string]string{
				operand.LabelManagedBy: operand.ManagedBy, scimv1alpha1.LabelRoleBinding: "viewers", scimv1alpha1.LabelRoleBindingNamespace: namespace,
			}},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "oidc:a"}},
		}
		for _, c := range change {
			c(&b)
		}
		if kind == "ClusterRoleBinding" {
			return create(&b)
		}
		r := &rbacv1.RoleBinding{ObjectMeta: b.ObjectMeta, RoleRef: b.RoleRef, Subjects: b.Subjects}
		r.Namespace, r.Name = namespace, "scim:viewers:0"
		r.OwnerReferences = []metav1.OwnerReference{{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: operand.KindRoleBinding, Name: "viewers", UID: "uid"}}
		return create(r)
	}
	subject := func(kind, name string) func(*rbacv1.ClusterRoleBinding) {
		return func(b *rbacv1.ClusterRoleBinding) { b.Subjects[0].Kind, b.Subjects[0].Name = kind, name }
	}
	unlabelled := &corev1.ServiceAccount{ObjectMeta: ours(func(m *metav1.ObjectMeta) { m.Labels = nil })}
	// The API server takes a moment to go by a new policy.
	g.Eventually(func() error { return create(unlabelled.DeepCopy()) }).ShouldNot(Succeed())

	// Without them, the API server refuses a RoleBinding before it comes to the policy.
	for _, name := range []string{"acme-scim", "acme-scim-credentials", "admin"} {
		g.Expect(env.Client.Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})).To(Succeed())
	}

	me := types.NamespacedName{Namespace: namespace, Name: "acme"}
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta, SchemaExtensions: largestExtensions()},
	}
	g.Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	configuration := &corev1.ConfigMap{}
	g.Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: controllertest.OperatorNamespace, Name: "kubescim-config"}, configuration)).To(Succeed())
	theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "password"}}
	g.Expect(env.Client.Create(ctx, theirs)).To(Succeed())
	overwrite := theirs.DeepCopy()
	overwrite.ObjectMeta = ours(func(m *metav1.ObjectMeta) { m.Name, m.ResourceVersion = "password", theirs.ResourceVersion })
	secret := func(secretType corev1.SecretType) *corev1.Secret {
		s := &corev1.Secret{ObjectMeta: ours(func(m *metav1.ObjectMeta) { m.Name = "token" }), Type: secretType}
		s.Annotations = map[string]string{corev1.ServiceAccountNameKey: "default"}
		return s
	}

	for name, tc := range map[string]struct {
		write func() error
		says  string // nothing when it is allowed
	}{
		"a ServiceAccount of a tenant": {func() error { return create(&corev1.ServiceAccount{ObjectMeta: ours()}) }, ""},
		"a Deployment of a tenant":     {func() error { return create(deployment()) }, ""},
		"a Deployment with its keys":   {func() error { return create(deployment(mounting("acme-scim-signing"))) }, ""},
		"a Deployment with its certificate": {func() error {
			return create(deployment(presenting("server-certificate", chain, private)))
		}, ""},
		"a Service of a tenant":       {func() error { return create(service()) }, ""},
		"a NetworkPolicy of a tenant": {func() error { return create(isolation(operand.SelectorLabels("acme"))) }, ""},
		"a NetworkPolicy of a server": {func() error { return create(isolation(operand.SharedSelectorLabels("acme"))) }, ""},
		"the record of a host": {func() error {
			return create(operand.HostRecord(controllertest.OperatorNamespace, "acme.example.com", operand.Holder{Kind: operand.KindTenant, NamespacedName: me}))
		}, ""},
		"a RoleBinding of a tenant": {func() error { return create(binding("acme-scim", "acme-scim", "acme-scim")) }, ""},
		"the RoleBinding of a tenant that is migrated": {func() error {
			return create(binding("acme-scim-credentials", "acme-scim-credentials", "acme-scim"))
		}, ""},
		"a Role for API keys and credentials": {func() error {
			return create(role(rbacv1.PolicyRule{
				APIGroups: []string{scimv1alpha1.GroupVersion.Group}, Resources: []string{"scimapikeys", "scimcredentials"}, Verbs: []string{"get", "list", "watch"},
			}))
		}, ""},
		"a Secret of a tenant": {func() error { return create(secret(corev1.SecretTypeOpaque)) }, ""},

		"a role for a group":                {func() error { return grouped("RoleBinding", "view") }, ""},
		"a role for a group in the cluster": {func() error { return grouped("ClusterRoleBinding", "view") }, ""},
		"its own role for a group":          {func() error { return grouped("RoleBinding", "kubescim") }, "the roles that its configuration names"},
		"its own role in the cluster":       {func() error { return grouped("ClusterRoleBinding", "kubescim") }, "the roles that its configuration names"},
		"a role for a user of Kubernetes":   {func() error { return grouped("RoleBinding", "view", subject(rbacv1.UserKind, "system:node:a")) }, "no user of Kubernetes' own"},
		"a role for all":                    {func() error { return grouped("ClusterRoleBinding", "view", subject(rbacv1.GroupKind, "all")) }, "gives members of groups a role"},
		"a role in the cluster for no group": {func() error {
			return grouped("ClusterRoleBinding", "view", func(b *rbacv1.ClusterRoleBinding) { delete(b.Labels, scimv1alpha1.LabelRoleBinding) })
		}, "must have its labels"},
		"a role under another name": {func() error {
			return grouped("ClusterRoleBinding", "view", func(b *rbacv1.ClusterRoleBinding) { b.Name = "cluster-admin" })
		}, "named after its tenant, server or role binding"},

		"without labels": {func() error { return create(unlabelled.DeepCopy()) }, "must have its labels"},
		"without an owner": {func() error {
			return create(&corev1.ServiceAccount{ObjectMeta: ours(func(m *metav1.ObjectMeta) { m.OwnerReferences = nil })})
		}, "must be owned by a ScimTenant"},
		"another name": {func() error {
			return create(&corev1.ServiceAccount{ObjectMeta: ours(func(m *metav1.ObjectMeta) { m.Name = "admin" })})
		}, "named after its tenant"},
		"another ServiceAccount": {func() error { return create(deployment(func(p *corev1.PodSpec) { p.ServiceAccountName = "default" })) }, "own ServiceAccount only"},
		"another image": {func() error {
			return create(deployment(func(p *corev1.PodSpec) { p.Containers[0].Image = "example.com/shell" }))
		}, "the image of the SCIM server only"},
		"another container": {func() error {
			return create(deployment(func(p *corev1.PodSpec) {
				p.InitContainers = []corev1.Container{{Name: "a", Image: "example.com/shell"}}
			}))
		}, "the image of the SCIM server only"},
		"another program": {func() error {
			return create(deployment(func(p *corev1.PodSpec) { p.Containers[0].Command = []string{"/manager"} }))
		}, "the SCIM server only"},
		"no program": {func() error {
			return create(deployment(func(p *corev1.PodSpec) { p.Containers[0].Command = nil }))
		}, "the SCIM server only"},
		"privileges": {func() error {
			return create(deployment(func(p *corev1.PodSpec) {
				p.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
			}))
		}, "no privileges"},
		"a port of the node": {func() error {
			return create(deployment(func(p *corev1.PodSpec) {
				p.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
			}))
		}, "no ports of their node"},
		"the node's network": {func() error { return create(deployment(func(p *corev1.PodSpec) { p.HostNetwork = true })) }, "nothing of their node"},
		"a volume": {func() error {
			return create(deployment(func(p *corev1.PodSpec) { p.Volumes = []corev1.Volume{{Name: "a"}} }))
		}, "no volume but the keys and the certificate of their server"},
		"a Secret of others in a volume":   {func() error { return create(deployment(mounting("password"))) }, "no volume but the keys and the certificate of their server"},
		"all of a Secret as a certificate": {func() error { return create(deployment(presenting("server-certificate"))) }, "no volume but the keys and"},
		"something else of a Secret as a certificate": {func() error {
			return create(deployment(presenting("server-certificate", chain, corev1.KeyToPath{Key: "password", Path: "tls.key"})))
		}, "no volume but the keys and"},
		"a certificate at another path": {func() error {
			return create(deployment(presenting("server-certificate", chain, corev1.KeyToPath{Key: "tls.key", Path: "keys.json"})))
		}, "no volume but the keys and"},
		"a certificate in another volume": {func() error { return create(deployment(presenting("signing-keys", chain, private))) }, "no volume but the keys and"},
		"more than a certificate": {func() error {
			return create(deployment(presenting("server-certificate", chain, private, corev1.KeyToPath{Key: "password", Path: "password"})))
		}, "no volume but the keys and"},
		"another Role":                  {func() error { return create(binding("acme-scim", "admin", "acme-scim")) }, "its own Role"},
		"another subject":               {func() error { return create(binding("acme-scim", "acme-scim", "default")) }, "its own Role"},
		"the token of a ServiceAccount": {func() error { return create(secret(corev1.SecretTypeServiceAccountToken)) }, "no Secret of a type that means something"},
		"a Role for a Secret": {func() error {
			return create(role(rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}))
		}, "what a SCIM server needs"},
		"a Role to make credentials": {func() error {
			return create(role(rbacv1.PolicyRule{
				APIGroups: []string{scimv1alpha1.GroupVersion.Group}, Resources: []string{"scimcredentials"}, Verbs: []string{"create"},
			}))
		}, "make or change an API key, a credential or a role"},
		"a ServiceAccount that is named as the Role of a tenant that is migrated": {func() error {
			return create(&corev1.ServiceAccount{ObjectMeta: ours(func(m *metav1.ObjectMeta) { m.Name = "acme-scim-credentials" })})
		}, "named after its tenant"},
		"a Role for Deployments": {func() error {
			return create(role(rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get"}}))
		}, "what a SCIM server needs"},
		"an address of others": {func() error {
			return create(service(func(s *corev1.ServiceSpec) { s.ExternalIPs = []string{"192.0.2.1"} }))
		}, "no address of others"},
		"a Service of another type": {func() error {
			return create(service(func(s *corev1.ServiceSpec) { s.Type = corev1.ServiceTypeNodePort }))
		}, "lead to their pods"},
		"a NetworkPolicy of all pods":       {func() error { return create(isolation(nil)) }, "and no others"},
		"a NetworkPolicy of pods of others": {func() error { return create(isolation(map[string]string{"app": "db"})) }, "and no others"},
		"the operator's configuration": {func() error {
			return operator.Delete(ctx, configuration.DeepCopy(), client.DryRunAll)
		}, "only the records of who holds a host"},
		"another configuration": {func() error {
			return create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: controllertest.OperatorNamespace, Name: "other"}})
		}, "only the records of who holds a host"},
		"the spec of a tenant": {func() error {
			return operator.Patch(ctx, tenant.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"displayName":"Acme"}}`)), client.DryRunAll)
		}, "does not change what a ScimTenant"},
		"the finalizer of a tenant": {func() error {
			return operator.Patch(ctx, tenant.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":["scim.kubescim.dev/other"]}}`)), client.DryRunAll)
		}, ""},
		"somebody else's Secret": {func() error { return operator.Update(ctx, overwrite.DeepCopy(), client.DryRunAll) }, "only what it has made"},
		"deleting that Secret":   {func() error { return operator.Delete(ctx, theirs.DeepCopy(), client.DryRunAll) }, "only what it has made"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			if tc.says == "" {
				g.Expect(tc.write()).To(Succeed())
			} else {
				g.Expect(tc.write()).To(MatchError(ContainSubstring(tc.says)))
			}
		})
	}
}

// largestExtensions are as many as a tenant may have: to compare two specs must not be
// more than the API server does for one request.
func largestExtensions() []scimv1alpha1.SchemaExtension {
	var extensions []scimv1alpha1.SchemaExtension
	for i := range 8 {
		extension := scimv1alpha1.SchemaExtension{ID: fmt.Sprintf("urn:example:params:scim:schemas:extension:e%d:2.0:User", i)}
		for j := range 50 {
			extension.Attributes = append(extension.Attributes, scimv1alpha1.SchemaAttribute{
				AttributeCharacteristics: scimv1alpha1.AttributeCharacteristics{Name: fmt.Sprintf("a%d", j)},
			})
		}
		extensions = append(extensions, extension)
	}
	return extensions
}
