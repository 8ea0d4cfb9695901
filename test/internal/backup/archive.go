// Package backup takes everything that a namespace has and puts it back, as backup tools do: one kind after the
// other, into objects with new uids. Its functions fail the spec that calls them.
package backup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// Kinds are the kinds that hold what nobody can make again: the operator makes the rest from them.
var Kinds = []string{"Lease", "ScimApiKey", "ScimCredential", "ScimGroup", "ScimGroupMembers", "ScimRole", "ScimTenant", "ScimUser", "Secret"}

// Archive is everything that a namespace had.
type Archive struct {
	namespace string
	labels    map[string]string
	objects   map[string][]*unstructured.Unstructured // by kind
}

// Manner is how a backup tool puts objects back.
type Manner struct {
	// Reverse is the reverse alphabetical order of kinds.
	Reverse bool
	// Owners keeps the owner references, whose uids are nobody's any more.
	Owners bool
	// Status puts the status back too.
	Status bool
}

// String tells the manner in words.
func (m Manner) String() string {
	order, owners, status := "alphabetical", "without owners", "without status"
	if m.Reverse {
		order = "reverse"
	}
	if m.Owners {
		owners = "with stale owners"
	}
	if m.Status {
		status = "with status"
	}
	return order + " order, " + owners + ", " + status
}

// Take writes out all objects of a namespace, Secrets and Leases included.
func Take(ctx SpecContext, namespace string) *Archive {
	GinkgoHelper()
	object := &corev1.Namespace{}
	Expect(Cluster.Get(ctx, client.ObjectKey{Name: namespace}, object)).To(Succeed())
	a := &Archive{namespace: namespace, labels: object.Labels, objects: map[string][]*unstructured.Unstructured{}}
	kinds := strings.Fields(Kubectl("api-resources", "--namespaced", "--verbs=list,create", "-o", "name"))
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return strings.HasPrefix(kind, "events") }) // They are no state.
	for _, item := range KubectlList(namespace, strings.Join(kinds, ",")) {
		object := &unstructured.Unstructured{Object: item}
		a.objects[object.GetKind()] = append(a.objects[object.GetKind()], object)
	}
	return a
}

// Delete deletes the namespace, waits until it is gone, and makes an empty one of its name.
func (a *Archive) Delete(ctx SpecContext) {
	GinkgoHelper()
	Kubectl("delete", "namespace", a.namespace, "--timeout=170s")
	Expect(Cluster.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: a.namespace, Labels: a.labels}})).To(Succeed())
}

// Order is the order in which the kinds are put back.
func (a *Archive) Order(m Manner) []string {
	var kinds []string
	for kind := range a.objects {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	if m.Reverse {
		slices.Reverse(kinds)
	}
	return kinds
}

// PutBack creates the objects of a kind. Of those that the operator makes, one may be there already, or be refused
// for what is not there yet; a backup tool tells so and goes on.
func (a *Archive) PutBack(ctx SpecContext, kind string, m Manner) {
	GinkgoHelper()
	for _, object := range a.objects[kind] {
		fresh := stripped(object, m)
		err := BreakGlass.Create(ctx, fresh)
		if !slices.Contains(Kinds, kind) && err != nil {
			GinkgoWriter.Printf("%s %s is not put back: %v\n", kind, object.GetName(), err)
			continue
		}
		if apierrors.IsAlreadyExists(err) {
			GinkgoWriter.Printf("%s %s is there already\n", kind, object.GetName())
			continue
		}
		Expect(err).NotTo(HaveOccurred(), "putting back %s %s", kind, object.GetName())
		if status, has := object.Object["status"]; m.Status && has {
			fresh.Object["status"] = status
			if err := Cluster.Status().Update(ctx, fresh); err != nil { // Somebody was faster, who knows better.
				GinkgoWriter.Printf("the status of %s %s is not put back: %v\n", kind, object.GetName(), err)
			}
		}
	}
}

// stripped is an object as backup tools create it again: without what belonged to the old one alone.
func stripped(object *unstructured.Unstructured, m Manner) *unstructured.Unstructured {
	fresh := object.DeepCopy()
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"} {
		unstructured.RemoveNestedField(fresh.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(fresh.Object, "status")
	if !m.Owners {
		fresh.SetOwnerReferences(nil)
	}
	if fresh.GetKind() == "Service" {
		unstructured.RemoveNestedField(fresh.Object, "spec", "clusterIP")
		unstructured.RemoveNestedField(fresh.Object, "spec", "clusterIPs")
	}
	return fresh
}

// Lost are the objects of the archive, of a kind that was put back, that are not there, and the members of groups that
// no object lists any more. Which object of a group lists a member may change.
func (a *Archive) Lost(kind string) []string {
	if kind == kindSlice {
		return a.lostMembers(kind)
	}
	found, err := listOf(a.namespace, kind)
	if err != nil {
		return []string{err.Error()}
	}
	there := map[string]bool{}
	for _, object := range found {
		there[object.GetName()] = true
	}
	var lost []string
	for _, object := range a.objects[kind] {
		if !there[object.GetName()] {
			lost = append(lost, object.GetName()+" is gone")
		}
	}
	if kind == kindGroup {
		lost = append(lost, a.lostMembers(kind)...)
	}
	return lost
}

const kindGroup, kindSlice = "ScimGroup", "ScimGroupMembers"

// lostMembers are the members that objects of a kind list in the archive, and none does that is there.
func (a *Archive) lostMembers(kind string) []string {
	there := map[string]bool{}
	for _, kind := range []string{kindGroup, kindSlice} {
		found, err := listOf(a.namespace, kind)
		if err != nil {
			return []string{err.Error()}
		}
		for _, object := range found {
			for _, member := range members(object) {
				there[member] = true
			}
		}
	}
	var lost []string
	for _, object := range a.objects[kind] {
		for _, member := range members(object) {
			if !there[member] {
				lost = append(lost, member+" is gone")
			}
		}
	}
	return lost
}

func listOf(namespace, kind string) ([]*unstructured.Unstructured, error) {
	output, err := RunKubectl("", "get", "-n", namespace, kind, "-o", "json")
	if err != nil {
		return nil, err
	}
	var list struct{ Items []*unstructured.Unstructured }
	if err := json.Unmarshal([]byte(output), &list); err != nil {
		return nil, fmt.Errorf("reading what kubectl says of each %s: %w", kind, err)
	}
	return list.Items, nil
}

// members are the ids that an object of a group lists, each after the id of the group.
func members(object *unstructured.Unstructured) []string {
	group := object.GetName()
	if object.GetKind() == kindSlice {
		group, _, _ = unstructured.NestedString(object.Object, "spec", "groupRef", "name")
	}
	ids, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "members")
	for i, id := range ids {
		ids[i] = "member " + id + " of group " + group
	}
	return ids
}
