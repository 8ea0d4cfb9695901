package codec

import (
	"math/bits"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	// AnnotationDepth is on a slice, and has the depth of its place. It is no field of the spec,
	// which servers of the release before write without what they do not know.
	AnnotationDepth = "scim.kubescim.dev/slice-depth"

	// tagLength is how much of a group's uid is in the names of its slices.
	tagLength = 8
	// MaxDepth is more than the slices of any group have.
	MaxDepth = 31
)

// TagOf is what is in the names of the slices of a group, of its uid. A group that is
// restored has another uid: what is then made under it must not take the name of a slice
// that is still to be restored.
func TagOf(group client.Object) string {
	uid := string(group.GetUID())
	return uid[:min(tagLength, len(uid))]
}

// SliceName is the name of the slice of a group that has a number.
func SliceName(group, tag string, number uint32) string {
	return group + "-" + tag + "-" + strconv.FormatUint(uint64(number), 10)
}

// PlaceOf is which members of its group a slice is for. Those that servers of the release
// before have made are for none.
func PlaceOf(slice *scimv1alpha1.ScimGroupMembers) index.Place {
	suffix, _ := strings.CutPrefix(slice.GetName(), slice.Spec.GroupRef.Name+"-")
	tag, digits, _ := strings.Cut(suffix, "-")
	number, err := strconv.ParseUint(digits, 10, MaxDepth)
	if err != nil {
		return index.Place{}
	}
	place := index.NewPlace(tag, uint32(number))
	if depth, err := strconv.ParseUint(slice.GetAnnotations()[AnnotationDepth], 10, bits.Len8(MaxDepth)); err == nil {
		place.Depth = max(place.Depth, int(depth))
	}
	return place
}

// SetDepth states the depth of a slice's place.
func SetDepth(slice client.Object, depth int) { annotate(slice, AnnotationDepth, strconv.Itoa(depth)) }
