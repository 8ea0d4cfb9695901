package directory

import (
	"fmt"
	"regexp"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// kind is a kind of objects that is read.
type kind int

const (
	users kind = iota
	groups
	members
	kinds int = iota
)

// resource is the name of the kind in a URL.
func (k kind) resource() string {
	return [...]string{"scimusers", "scimgroups", "scimgroupmembers"}[k]
}

// empty returns an object of the kind.
func (k kind) empty() runtime.Object {
	return [...]runtime.Object{&scimv1alpha1.ScimUser{}, &scimv1alpha1.ScimGroup{}, &scimv1alpha1.ScimGroupMembers{}}[k]
}

// object is one of a kind.
type object interface {
	metav1.Object
	runtime.Object
}

// isID matches the names of users and groups that SCIM knows, which are their ids.
var isID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString

// exists reports whether SCIM knows what an object is for.
func exists(o object) bool {
	if _, slice := o.(*scimv1alpha1.ScimGroupMembers); !slice && !isID(o.GetName()) {
		return false
	}
	return o.GetLabels()[scimv1alpha1.LabelDeleted] == "" && o.GetDeletionTimestamp() == nil
}

// isMarker reports whether an object stands for nobody.
func isMarker(o object) bool {
	_, is := o.GetAnnotations()[scimv1alpha1.AnnotationMarker]
	return is
}

// revisionOf reads a resourceVersion. Since Kubernetes 1.35, they are numbers that are comparable within a kind.
func revisionOf(text string) (uint64, error) {
	revision, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the API server has resourceVersions that are no numbers: Kubernetes 1.35 or later is needed: %w", err)
	}
	return revision, nil
}
