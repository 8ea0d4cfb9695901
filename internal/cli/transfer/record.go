// Package transfer is `kubectl scim export` and `import`: the users and groups of a tenant in a
// file of one JSON object for each line, and back.
package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// kinds are those in a file, in their order there.
var kinds = []string{"ScimUser", "ScimGroup", "ScimGroupMembers"}

// record is one line of a file: an object without what belongs to the cluster that it came from.
type record struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metadata        `json:"metadata"`
	Spec            json.RawMessage `json:"spec"`
}

// metadata is what goes with an object to another cluster.
type metadata struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// recordOf returns the line of an object.
func recordOf(kind string, object client.Object) (record, error) {
	spec, _ := specOf(object)
	text, err := json.Marshal(spec)
	if err != nil {
		return record{}, fmt.Errorf("writing %s %s: %w", kind, object.GetName(), err)
	}
	return record{
		TypeMeta: metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: kind},
		Metadata: metadata{Name: object.GetName(), Labels: object.GetLabels(), Annotations: object.GetAnnotations()},
		Spec:     text,
	}, nil
}

// parse reads a line.
func parse(line []byte) (record, error) {
	r := record{}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return r, fmt.Errorf("it is no line of an export: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("it is no line of an export: something stands after its object")
	}
	if r.APIVersion != scimv1alpha1.GroupVersion.String() || r.rank() == 0 {
		return r, fmt.Errorf("it has a %s of %s: an export has users, groups and their members alone", r.Kind, r.APIVersion)
	}
	return r, nil
}

// rank is the place of the kind in a file, from 1; 0 of one that is in none.
func (r *record) rank() int {
	for i, kind := range kinds {
		if r.Kind == kind {
			return i + 1
		}
	}
	return 0
}

// after reports whether the line comes after another one in a file. The API server lists the
// objects of a kind by their names.
func (r *record) after(other *record) bool {
	if r.rank() != other.rank() {
		return r.rank() > other.rank()
	}
	return r.Metadata.Name > other.Metadata.Name
}

// empty returns an object of a kind.
func empty(kind string) client.Object {
	switch kind {
	case "ScimUser":
		return &scimv1alpha1.ScimUser{}
	case "ScimGroup":
		return &scimv1alpha1.ScimGroup{}
	default:
		return &scimv1alpha1.ScimGroupMembers{}
	}
}

// specOf returns the spec of an object, and where that says whose it is.
func specOf(object client.Object) (spec any, tenant *scimv1alpha1.TenantReference) {
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		return &o.Spec, &o.Spec.TenantRef
	case *scimv1alpha1.ScimGroup:
		return &o.Spec, &o.Spec.TenantRef
	case *scimv1alpha1.ScimGroupMembers:
		return &o.Spec, &o.Spec.TenantRef
	default:
		panic(fmt.Sprintf("%T is of no kind that is exported", object))
	}
}

// tenantOf returns the name of the tenant of an object.
func tenantOf(object client.Object) string {
	_, tenant := specOf(object)
	return tenant.Name
}

// tenant returns the name of the tenant that a line was exported from.
func (r *record) tenant() string {
	spec := struct {
		TenantRef scimv1alpha1.TenantReference `json:"tenantRef"`
	}{}
	if json.Unmarshal(r.Spec, &spec) != nil {
		return ""
	}
	return spec.TenantRef.Name
}

// object returns the object of a line, for a tenant.
func (r *record) object(namespace, tenant string) (client.Object, error) {
	object := empty(r.Kind)
	spec, ref := specOf(object)
	decoder := json.NewDecoder(bytes.NewReader(r.Spec))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(spec); err != nil {
		return nil, fmt.Errorf("its spec is none of a %s: %w", r.Kind, err)
	}
	ref.Name = tenant
	labels := map[string]string{}
	for name, value := range r.Metadata.Labels {
		labels[name] = value
	}
	labels[scimv1alpha1.LabelTenant] = tenant
	object.SetNamespace(namespace)
	object.SetName(r.Metadata.Name)
	object.SetLabels(labels)
	object.SetAnnotations(r.Metadata.Annotations)
	return object, nil
}
