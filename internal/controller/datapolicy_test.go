package controller_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// ofPod is in the extra of who uses the token of a pod.
const ofPod = "authentication.kubernetes.io/pod-name"

// account is a ServiceAccount as the API server knows it: a pod of it, or whoever else acts as it.
func account(namespace, name string, isPod bool) rest.ImpersonationConfig {
	who := rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
	if isPod {
		who.Extra = map[string][]string{ofPod: {name + "-0"}}
	}
	return who
}

// writesOfAnyone are those about which the policies say nothing.
var writesOfAnyone = []string{"changes a Lease of somebody else", "puts a finalizer on a user"}

// TestWhoMayWriteUsersAndClaims has everybody who has the right to try all writes that the policies
// are about. That the operator can do its work is what the tests of its deletions show.
func TestWhoMayWriteUsersAndClaims(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	env := startEnvironment(t)
	_, err := env.ApplyManifests(ctx, controllertest.Installation, letWrite("system:serviceaccount:velero:velero"))
	g.Expect(err).NotTo(HaveOccurred())
	namespace, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	elsewhere, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	for _, object := range data(namespace) {
		g.Expect(env.Client.Create(ctx, object)).To(Succeed())
	}
	writes := writesTo(ctx, namespace)
	all := slices.Sorted(maps.Keys(writes))
	ofLeases := []string{
		"changes a claim", "changes the Lease of a pod", "deletes a claim that has lost its label", "makes a claim",
		"makes a Lease that is like that of a pod", "makes a Lease of somebody else that of a pod",
	}
	somebody := rest.ImpersonationConfig{UserName: "jane@example.com", Groups: []string{"system:authenticated"}}
	controller := func(name string) rest.ImpersonationConfig { return account("kube-system", name, false) }

	// The API server takes a moment to go by the policies, and another one by their change.
	jane, err := env.ClientOf(somebody)
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() []error {
		return []error{writes["changes a user"](jane), writes["changes a claim"](jane)}
	}).WithTimeout(time.Minute).Should(HaveEach(HaveOccurred()))
	writer, err := env.ClientOf(account("velero", "velero", false))
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() []error {
		return []error{writes["changes a user"](writer), writes["changes a claim"](writer)}
	}).WithTimeout(time.Minute).Should(HaveEach(Not(HaveOccurred())))

	for name, tc := range map[string]struct {
		who rest.ImpersonationConfig
		may []string
	}{
		"a pod of the tenant's own server": {
			account(namespace, "acme-scim", true),
			slices.DeleteFunc(slices.Clone(all), func(write string) bool { return write == "changes a user of another tenant" }),
		},
		"a pod of a ScimServer": {account(namespace, "shared-scim-server", true), all},
		"a pod of the server of another tenant in the namespace": {
			account(namespace, "globex-scim", true), slices.Concat(writesOfAnyone, ofLeases, []string{"changes a user of another tenant"}),
		},
		"a pod of the server of a tenant of that name elsewhere":      {account(elsewhere, "acme-scim", true), writesOfAnyone},
		"a pod of a ScimServer elsewhere":                             {account(elsewhere, "shared-scim-server", true), writesOfAnyone},
		"a pod of another ServiceAccount":                             {account(namespace, "mallory", true), writesOfAnyone},
		"a pod of a ServiceAccount that is named like an earlier one": {account(namespace, "acme-scim-credentials", true), writesOfAnyone},
		"who impersonates the server, or has made a token for it":     {account(namespace, "acme-scim", false), writesOfAnyone},
		"who impersonates a ScimServer":                               {account(namespace, "shared-scim-server", false), writesOfAnyone},
		"a user who is called like a server":                          {rest.ImpersonationConfig{UserName: "acme-scim", Extra: map[string][]string{ofPod: {"a"}}}, writesOfAnyone},
		"an administrator":                                            {somebody, writesOfAnyone},
		"a member of the group that breaks glass":                     {rest.ImpersonationConfig{UserName: "jane@example.com", Groups: []string{controllertest.BreakGlassGroup}}, all},
		"who is only called like that group":                          {rest.ImpersonationConfig{UserName: controllertest.BreakGlassGroup}, writesOfAnyone},
		"one of the writers that the chart names":                     {account("velero", "velero", false), all},
		"the operator":                                 {account(controllertest.OperatorNamespace, "kubescim", false), all},
		"another account beside the operator":          {account(controllertest.OperatorNamespace, "default", true), writesOfAnyone},
		"the deletion of a namespace":                  {controller("namespace-controller"), all},
		"the garbage collector":                        {controller("generic-garbage-collector"), all},
		"the migration of stored versions":             {controller("storage-version-migrator-controller"), all},
		"the controllers, where they have one account": {rest.ImpersonationConfig{UserName: "system:kube-controller-manager"}, all},
		"another controller":                           {controller("deployment-controller"), writesOfAnyone},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c, err := env.ClientOf(tc.who)
			g.Expect(err).NotTo(HaveOccurred())
			for write, do := range writes {
				if err := do(c); slices.Contains(tc.may, write) {
					g.Expect(err).NotTo(HaveOccurred(), write)
				} else {
					g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", write, err)
					g.Expect(err).To(MatchError(And(ContainSubstring("only, and not by "+tc.who.UserName), ContainSubstring("break glass"))), write)
				}
			}
		})
	}
}

// letWrite changes the policies as the chart does for its writers.
func letWrite(writer string) func(*unstructured.Unstructured) error {
	return func(policy *unstructured.Unstructured) error {
		variables, _, err := unstructured.NestedSlice(policy.Object, "spec", "variables")
		if err != nil || len(variables) == 0 {
			return err
		}
		for _, variable := range variables {
			if v, ok := variable.(map[string]any); ok && v["name"] == "writers" {
				v["expression"] = `["` + writer + `"]`
			}
		}
		return unstructured.SetNestedSlice(policy.Object, variables, "spec", "variables")
	}
}

// data is what two tenants of a namespace have, and a Lease that is nothing to Kubescim.
func data(namespace string) []client.Object {
	return []client.Object{
		userOf(namespace, "acme", "alice"), userOf(namespace, "globex", "bob"), groupOf(namespace), membersOf(namespace),
		lease(namespace, "scim-claim-a", scimv1alpha1.LeaseClaim), lease(namespace, "scim-claim-b", ""),
		lease(namespace, "acme-scim-0", scimv1alpha1.LeaseReplica), lease(namespace, "leader", ""),
	}
}

// writesTo are what somebody may try. None of them changes anything.
func writesTo(ctx context.Context, namespace string) map[string]func(client.Client) error {
	create := func(object client.Object) func(client.Client) error {
		return func(c client.Client) error {
			return c.Create(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
		}
	}
	patch := func(object client.Object, change string) func(client.Client) error {
		return func(c client.Client) error {
			return c.Patch(ctx, object.DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, []byte(change)), client.DryRunAll)
		}
	}
	remove := func(object client.Object) func(client.Client) error {
		return func(c client.Client) error {
			return c.Delete(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
		}
	}
	alice, claimOfA := userOf(namespace, "acme", "alice"), lease(namespace, "scim-claim-a", "")
	const anotherHolder = `{"spec":{"holderIdentity":"mallory"}}`
	return map[string]func(client.Client) error{
		"creates a user":                             create(userOf(namespace, "acme", "carol")),
		"changes a user":                             patch(alice, `{"spec":{"active":true}}`),
		"changes a user of another tenant":           patch(userOf(namespace, "globex", "bob"), `{"spec":{"active":true}}`),
		"marks a user as deleted":                    patch(alice, `{"metadata":{"labels":{"scim.kubescim.dev/deleted":"true"}}}`),
		"annotates a user":                           patch(alice, `{"metadata":{"annotations":{"scim.kubescim.dev/marker":"a"}}}`),
		"lets a user be collected":                   patch(alice, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"a"}]}}`),
		"puts a finalizer on a user":                 patch(alice, `{"metadata":{"finalizers":["example.com/mine"]}}`),
		"puts a finalizer on a user whom it changes": patch(alice, `{"metadata":{"finalizers":["example.com/mine"]},"spec":{"active":true}}`),
		"deletes a user":                             remove(alice),
		"deletes all users": func(c client.Client) error {
			return c.DeleteAllOf(ctx, &scimv1alpha1.ScimUser{}, client.InNamespace(namespace),
				client.MatchingFields{"spec.tenantRef.name": "acme"}, client.DryRunAll)
		},
		"changes a group":                              patch(groupOf(namespace), `{"spec":{"displayName":"Admins"}}`),
		"deletes a group":                              remove(groupOf(namespace)),
		"changes members":                              patch(membersOf(namespace), `{"spec":{"members":["alice"],"memberCount":1}}`),
		"makes a claim":                                create(lease(namespace, "scim-claim-c", scimv1alpha1.LeaseClaim)),
		"changes a claim":                              patch(claimOfA, anotherHolder),
		"deletes a claim that has lost its label":      remove(lease(namespace, "scim-claim-b", "")),
		"changes the Lease of a pod":                   patch(lease(namespace, "acme-scim-0", ""), anotherHolder),
		"makes a Lease that is like that of a pod":     create(lease(namespace, "mallory", scimv1alpha1.LeaseReplica)),
		"makes a Lease of somebody else that of a pod": patch(lease(namespace, "leader", ""), `{"metadata":{"labels":{"scim.kubescim.dev/lease":"replica"}}}`),
		"changes a Lease of somebody else":             patch(lease(namespace, "leader", ""), anotherHolder),
	}
}

func userOf(namespace, tenant, name string) *scimv1alpha1.ScimUser {
	return &scimv1alpha1.ScimUser{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{scimv1alpha1.LabelTenant: tenant}},
		Spec: scimv1alpha1.ScimUserSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: tenant}, UserName: name + "@example.com", Active: ptr.To(false), Meta: written(),
		},
	}
}

func groupOf(namespace string) *scimv1alpha1.ScimGroup {
	return &scimv1alpha1.ScimGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "engineering"},
		Spec: scimv1alpha1.ScimGroupSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, DisplayName: "Engineering", MemberCount: ptr.To[int32](0), Meta: written(),
		},
	}
}

func membersOf(namespace string) *scimv1alpha1.ScimGroupMembers {
	return &scimv1alpha1.ScimGroupMembers{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "engineering-0"},
		Spec: scimv1alpha1.ScimGroupMembersSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, GroupRef: scimv1alpha1.GroupReference{Name: "engineering"},
			MemberCount: ptr.To[int32](0), Meta: written(),
		},
	}
}

func lease(namespace, name, label string) *coordinationv1.Lease {
	l := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: ptr.To("alice")},
	}
	if label != "" {
		l.Labels = map[string]string{scimv1alpha1.LabelLease: label}
	}
	return l
}

func written() scimv1alpha1.ResourceMeta {
	at := metav1.NewMicroTime(time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC))
	return scimv1alpha1.ResourceMeta{CreatedTime: at, LastModifiedTime: at}
}

// TestTheAuditLogShowsWhoBreaksGlass reads in the audit log who was let through, and who was not.
func TestTheAuditLogShowsWhoBreaksGlass(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	folder := t.TempDir()
	policy, log := filepath.Join(folder, "policy.yaml"), filepath.Join(folder, "audit.log")
	g.Expect(os.WriteFile(policy, []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"Metadata"}]}`), 0o600)).To(Succeed())
	env, err := controllertest.StartWith(map[string]string{"audit-policy-file": policy, "audit-log-path": log})
	g.Expect(err).NotTo(HaveOccurred())
	atEnd(t, env.Stop)
	namespace, err := env.NewNamespace(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	jane, err := env.ClientOf(rest.ImpersonationConfig{UserName: "jane@example.com"})
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(env.Client.Create(ctx, userOf(namespace, "acme", "alice"))).To(Succeed())
	g.Eventually(func() error {
		return jane.Create(ctx, userOf(namespace, "acme", "bob"), client.DryRunAll)
	}).WithTimeout(time.Minute).Should(HaveOccurred())
	// Until the API server went by the policies, they had nothing to say.
	g.Expect(env.Client.Delete(ctx, userOf(namespace, "acme", "alice"))).To(Succeed())

	const validated = "validation.policy.admission.k8s.io/validation_failure"
	g.Eventually(func() (map[string]string, error) { return annotationsOf(log, "delete", "scimusers") }).
		Should(HaveKeyWithValue("kubescim-users/break-glass", controllertest.BreakGlassGroup+" is in the group "+controllertest.BreakGlassGroup))
	g.Eventually(func() (map[string]string, error) { return annotationsOf(log, "create", "scimusers") }).
		Should(HaveKeyWithValue(validated, ContainSubstring("not by jane@example.com")))
}

// annotationsOf returns the annotations of the last event of an audit log about a write to a resource.
func annotationsOf(log, verb, resource string) (annotations map[string]string, err error) {
	file, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		event := struct {
			Verb        string
			ObjectRef   struct{ Resource string }
			Annotations map[string]string
		}{}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, err
		}
		if event.Verb == verb && event.ObjectRef.Resource == resource {
			annotations = event.Annotations
		}
	}
	return annotations, lines.Err()
}
