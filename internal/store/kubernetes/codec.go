package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/utils/ptr"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// The field names of a ScimUser's spec are the RFC's, so that JSON is the way
// between it and a SCIM resource, but for these: the enterprise extension has a
// short name here and its URN there, a manager's $ref is called ref, since a
// schema property cannot have that name, and tenantRef and meta are ours. The
// tenant's own extensions are in a list by their URN.
const (
	fieldEnterprise = "enterprise"
	fieldExtensions = "extensions"
	fieldTenantRef  = "tenantRef"
	fieldMeta       = "meta"
)

// decodeUser returns the resource that the spec holds.
func decodeUser(t *scim.ResourceType, spec *v1alpha1.ScimUserSpec) (*scim.Resource, error) {
	doc, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("reading a ScimUser's spec: %w", err)
	}
	var attributes scim.Complex
	if err := json.Unmarshal(doc, &attributes); err != nil {
		return nil, fmt.Errorf("reading a ScimUser's spec: %w", err)
	}
	for _, ours := range []string{fieldTenantRef, fieldMeta, fieldExtensions} {
		delete(attributes, ours)
	}
	for _, extension := range spec.Extensions {
		if data := decodeExtension(t, extension); data != nil {
			attributes[extension.Schema] = data
		}
	}
	if enterprise, ok := attributes[fieldEnterprise].(scim.Complex); ok {
		renameManagerRef(enterprise, "ref", "$ref")
		attributes[scim.URNEnterpriseUser] = enterprise
		delete(attributes, fieldEnterprise)
	}
	return scim.NewResource(t, attributes), nil
}

// encodeUser returns the spec that holds the resource, without tenantRef and
// meta. An attribute that the spec has no field for is an error, never lost; and
// data of extensions that the tenant has no longer is kept as it was stored.
func encodeUser(resource *scim.Resource, stored []v1alpha1.ExtensionData) (*v1alpha1.ScimUserSpec, error) {
	attributes := maps.Clone(resource.Attributes())
	for _, derived := range []string{"id", "schemas", "groups", fieldMeta} {
		delete(attributes, derived)
	}
	if enterprise, ok := attributes[scim.URNEnterpriseUser].(scim.Complex); ok {
		enterprise = maps.Clone(enterprise)
		if manager, ok := enterprise["manager"].(scim.Complex); ok {
			enterprise["manager"] = maps.Clone(manager)
		}
		renameManagerRef(enterprise, "$ref", "ref")
		attributes[fieldEnterprise] = enterprise
		delete(attributes, scim.URNEnterpriseUser)
	}
	extensions, err := encodeExtensions(resource.Type(), attributes, stored)
	if err != nil {
		return nil, err
	}
	doc, err := json.Marshal(attributes)
	if err != nil {
		return nil, fmt.Errorf("writing a ScimUser's spec: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.DisallowUnknownFields()
	spec := &v1alpha1.ScimUserSpec{}
	if err := decoder.Decode(spec); err != nil {
		return nil, fmt.Errorf("writing a ScimUser's spec: %w", err)
	}
	spec.Extensions = extensions
	return spec, nil
}

// renameManagerRef renames the reference in the enterprise extension's manager.
func renameManagerRef(enterprise scim.Complex, from, to string) {
	manager, ok := enterprise["manager"].(scim.Complex)
	if !ok {
		return
	}
	if ref, ok := manager[from]; ok {
		manager[to] = ref
		delete(manager, from)
	}
}

// decodeGroup returns the resource that the spec holds.
func decodeGroup(t *scim.ResourceType, spec *v1alpha1.ScimGroupSpec) *scim.Resource {
	attributes := scim.Complex{"displayName": spec.DisplayName}
	if spec.ExternalID != "" {
		attributes["externalId"] = spec.ExternalID
	}
	group := scim.NewResource(t, attributes)
	members := make([]any, 0, len(spec.Members)+len(spec.MemberGroups))
	for _, id := range spec.Members {
		members = append(members, store.Member(string(id), store.MemberUser))
	}
	for _, id := range spec.MemberGroups {
		members = append(members, store.Member(string(id), store.MemberGroup))
	}
	store.SetMembers(group, members)
	return group
}

// encodeGroup returns the spec that holds the resource, whose members are
// settled, without tenantRef and meta.
func encodeGroup(resource *scim.Resource) v1alpha1.ScimGroupSpec {
	spec := v1alpha1.ScimGroupSpec{DisplayName: resource.DisplayName(), ExternalID: resource.ExternalID()}
	kinds := store.MemberKinds(resource)
	for _, id := range resource.MemberIDs() {
		if kinds[id] == store.MemberGroup {
			spec.MemberGroups = append(spec.MemberGroups, v1alpha1.MemberID(id))
			continue
		}
		spec.Members = append(spec.Members, v1alpha1.MemberID(id))
	}
	spec.MemberCount = ptr.To(int32(len(spec.Members) + len(spec.MemberGroups)))
	return spec
}
