package scimtest

import (
	"context"
	"fmt"
	"maps"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What a tenant consists of, by kinds.
const (
	// Generated are made for a tenant's server again when they are deleted.
	Generated = "deployments,services,serviceaccounts,roles,rolebindings,poddisruptionbudgets"
	// Kept are those from whose deletion something would follow: the end of a tenant, or of a key. Secrets are not among them:
	// the operator may not watch them, and looks at those with signing keys every ten minutes.
	Kept = "scimtenants,scimapikeys,scimcredentials"
	// Provisioned are written by identity providers. The upkeep of a server looks once a minute whether they have their labels.
	Provisioned = "scimusers,scimgroups"
)

// ofKubernetes is the ServiceAccount that each namespace has.
const ofKubernetes = "default"

// version is what changes when an object is written. How much a tenant is used is
// written into its status once a minute while it changes, and what Kubernetes says of its pods
// in a status is Kubernetes' own business: these do not count.
func version(object map[string]any) string {
	switch object["kind"] {
	case "ScimTenant":
	case "Deployment", "PodDisruptionBudget":
		return fmt.Sprint(Dig(object, "metadata/generation"), Dig(object, "metadata/labels"), Dig(object, "metadata/annotations"),
			Dig(object, "metadata/finalizers"), Dig(object, "metadata/ownerReferences"))
	default:
		return Dig(object, "metadata/resourceVersion").(string)
	}
	status := maps.Clone(object["status"].(map[string]any))
	for _, usage := range []string{"users", "activeUsers", "seats", "groups", "lastRequestTime"} {
		delete(status, usage)
	}
	return fmt.Sprint(Dig(object, "metadata/generation"), Dig(object, "metadata/finalizers"), status)
}

// Versions returns what changes when one of the objects of some kinds is written, by kind and name.
func Versions(namespace, kinds string) map[string]string {
	GinkgoHelper()
	return byName(namespace, kinds, version)
}

// ExpectRestored strips the objects of a tenant in a namespace of its own, of some kinds, of their owners and finalizers, then the
// generated ones of their labels, and deletes these: each time, all comes back.
func ExpectRestored(ctx SpecContext, t *Tenant, kinds string) {
	GinkgoHelper()
	whole := marks(t.Namespace, kinds)
	restored := func(what string) {
		GinkgoHelper()
		Eventually(marks).WithArguments(t.Namespace, kinds).WithTimeout(150*time.Second).WithPolling(time.Second).Should(Equal(whole), what)
	}
	strip(ctx, t.Namespace, kinds, "ownerReferences", "finalizers")
	restored("without owners and finalizers")
	// A ScimCredential is known by its label to be the operator's: without it, it is left to whoever took it away.
	strip(ctx, t.Namespace, Generated, "labels")
	restored("without labels")
	for _, object := range objects(t.Namespace, Generated, "-l", "app.kubernetes.io/managed-by=kubescim") {
		Expect(Cluster.Delete(ctx, object)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
	}
	restored("without what was generated")
	WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)
	Recovered(ctx, t)
}

// ExpectRest expects that nothing writes objects of some kinds, as soon as nothing has for three seconds.
func ExpectRest(namespace, kinds string, period time.Duration) {
	GinkgoHelper()
	last := Versions(namespace, kinds)
	Eventually(func() bool {
		before := last
		last = Versions(namespace, kinds)
		return maps.Equal(before, last)
	}).WithTimeout(time.Minute).WithPolling(3 * time.Second).Should(BeTrue())
	Consistently(Versions).WithArguments(namespace, kinds).WithTimeout(period).WithPolling(3 * time.Second).Should(Equal(last))
}

// marks returns the labels, finalizers and owners of all objects of some kinds, by kind and name.
func marks(namespace, kinds string) map[string]string {
	GinkgoHelper()
	return byName(namespace, kinds, func(object map[string]any) string {
		return fmt.Sprint(Dig(object, "metadata/labels"), Dig(object, "metadata/finalizers"), Dig(object, "metadata/ownerReferences"))
	})
}

// byName returns what there is to say about the objects of some kinds, by kind and name.
func byName(namespace, kinds string, say func(map[string]any) string) map[string]string {
	GinkgoHelper()
	found := map[string]string{}
	for _, object := range KubectlList(namespace, kinds) {
		found[fmt.Sprintf("%s/%s", object["kind"], Dig(object, "metadata/name"))] = say(object)
	}
	return found
}

// strip takes fields of the metadata off all objects of some kinds.
func strip(ctx context.Context, namespace, kinds string, fields ...string) {
	GinkgoHelper()
	for _, object := range objects(namespace, kinds) {
		for _, field := range fields {
			patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"`+field+`":null}}`))
			Expect(BreakGlass.Patch(ctx, object.DeepCopy(), patch)).To(Succeed(), "%s of %s %s", field, object.GetKind(), object.GetName())
		}
	}
}

// objects returns those of some kinds that are not Kubernetes' own.
func objects(namespace, kinds string, args ...string) (found []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, content := range KubectlList(namespace, kinds, args...) {
		object := &unstructured.Unstructured{Object: content}
		if object.GetName() != ofKubernetes {
			found = append(found, object)
		}
	}
	return found
}
