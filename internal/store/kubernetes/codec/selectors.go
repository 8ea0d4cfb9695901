package codec

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/userlabels"
)

// What label and field selectors find a user by is made of its attributes: labels, as the tenant
// wants them, and spec.lookup. A user has that from the write which it follows from. Who was there
// before gets it by the upkeep, in a write that changes nothing for SCIM.

const (
	// annotationLabels has the keys of the labels that were made of attributes, so that these and no
	// others go when the tenant wants them no more.
	annotationLabels = "scim.kubescim.dev/user-labels"
	// annotationUnversioned is how many times the spec was written without that the user has
	// changed. The entity tag counts the generation without them.
	annotationUnversioned = "scim.kubescim.dev/unversioned-writes"
)

// maxLookup is how many characters a value in spec.lookup has at the most.
const maxLookup = 1024

// SetSelectors gives a user what selectors are to find it by, and reports whether that was otherwise.
// The resource is what the object holds. Maps that others may have are not written.
func SetSelectors(user *scimv1alpha1.ScimUser, resource *scim.Resource, labels *userlabels.Set) (changed bool) {
	wanted, lookup := selectorsOf(user, resource, labels)
	if LabelDigest(wanted) != digestOf(user) {
		relabel(user, wanted)
		changed = true
	}
	if user.Spec.Lookup != lookup {
		user.Spec.Lookup = lookup
		changed = true
	}
	return changed
}

// MendSelectors is SetSelectors for a user who does not change otherwise, so that the version stays.
func MendSelectors(user *scimv1alpha1.ScimUser, resource *scim.Resource, labels *userlabels.Set) (changed bool) {
	former := user.Spec.Lookup
	changed = SetSelectors(user, resource, labels)
	if user.Spec.Lookup != former {
		annotate(user, annotationUnversioned, strconv.FormatInt(unversioned(user)+1, 10))
	}
	return changed
}

// SelectorDigest is the LabelDigest of the labels of a user's object that were made of attributes; 0
// for one that has not the spec.lookup that it is to have, or not the labels of LabelsOf.
func SelectorDigest(tenant string, object client.Object) uint64 {
	if len(Mislabelled(tenant, object)) > 0 {
		return 0
	}
	if user, isUser := object.(*scimv1alpha1.ScimUser); isUser {
		if _, lookup := selectorsOf(user, nil, nil); user.Spec.Lookup != lookup {
			return 0
		}
	}
	return digestOf(object)
}

// HasNoSelectors reports whether nothing that selectors find a user by is left of one who is deleted.
func HasNoSelectors(tenant string, object client.Object) bool {
	return SelectorDigest(tenant, object) == LabelDigest(nil)
}

// selectorsOf returns what selectors are to find a user by. Nobody is to find one who is deleted.
func selectorsOf(user *scimv1alpha1.ScimUser, resource *scim.Resource, labels *userlabels.Set) (map[string]string, scimv1alpha1.UserLookup) {
	if user.GetLabels()[scimv1alpha1.LabelDeleted] != "" {
		return nil, scimv1alpha1.UserLookup{}
	}
	lookup := scimv1alpha1.UserLookup{UserName: lookupKey(user.Spec.UserName), Email: lookupKey(user.MainEmail())}
	return labels.Of(resource), lookup
}

// lookupKey is a value as it is in spec.lookup; empty where it has no place there.
func lookupKey(value string) string {
	key := fold.Key(value)
	if utf8.RuneCountInString(key) > maxLookup {
		return ""
	}
	return key
}

// relabel gives an object the labels that are wanted in place of those that were made of attributes
// before. Other people's stay.
func relabel(object client.Object, wanted map[string]string) {
	labels, annotations := maps.Clone(object.GetLabels()), maps.Clone(object.GetAnnotations())
	for _, key := range madeLabels(object) {
		delete(labels, key)
	}
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, wanted)
	object.SetLabels(labels)
	if len(wanted) == 0 {
		delete(annotations, annotationLabels)
		object.SetAnnotations(annotations)
		return
	}
	annotate(object, annotationLabels, strings.Join(slices.Sorted(maps.Keys(wanted)), ","))
}

// madeLabels are the keys of an object's labels that were made of attributes, or may have been.
// Whatever the annotation says, those by which the server goes are not among them.
func madeLabels(object client.Object) []string {
	text := object.GetAnnotations()[annotationLabels]
	if text == "" {
		return nil
	}
	return slices.DeleteFunc(strings.Split(text, ","), userlabels.Reserved)
}

// digestOf is the LabelDigest of the labels of an object that were made of attributes.
func digestOf(object client.Object) uint64 {
	labels := map[string]string{}
	for _, key := range madeLabels(object) {
		labels[key] = object.GetLabels()[key] // One that is gone is like no value.
	}
	return LabelDigest(labels)
}

// LabelDigest is a number that two users have in common whose labels are the same, and none others
// but by chance. It is never 0.
func LabelDigest(labels map[string]string) uint64 {
	sum := fnv.New64a()
	var size [4]byte
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		for _, text := range []string{key, labels[key]} {
			_, _ = sum.Write(binary.BigEndian.AppendUint32(size[:0], uint32(len(text))))
			_, _ = sum.Write([]byte(text)) // It does not fail.
		}
	}
	return max(1, sum.Sum64())
}

// unversioned is how many of the generations of an object were none for SCIM.
func unversioned(object client.Object) int64 {
	count, err := strconv.ParseInt(object.GetAnnotations()[annotationUnversioned], 10, 32)
	if err != nil || count < 0 {
		return 0
	}
	return count
}
