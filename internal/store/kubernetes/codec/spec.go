// Package codec writes SCIM resources as Kubernetes objects and reads them back: the specs
// of users and groups with their extensions, who wrote them and when (spec.meta), what marks
// an object as deleted, and the members in a group and its slices. Everything in it is a
// pure function; nothing calls the API server.
package codec

import (
	"fmt"
	"maps"

	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// usualAttributes is how many attributes a user has at the most, as a rule.
const usualAttributes = 14

// What a ScimUser's spec calls otherwise than SCIM: the enterprise extension has a
// short name here and its URN there, and the tenant's own extensions are in a list by
// their URN. tenantRef and meta are ours.

// decodeUser returns the resource that the spec holds.
func decodeUser(t *schema.ResourceType, spec *scimv1alpha1.ScimUserSpec) *scim.Resource {
	attributes := make(scim.Complex, usualAttributes)
	if spec.UserName != "" {
		attributes["userName"] = spec.UserName
	}
	if spec.ExternalID != "" {
		attributes["externalId"] = spec.ExternalID
	}
	userFields.read(spec, attributes)
	if spec.Name != nil {
		attributes["name"] = nameFields.readOne(spec.Name)
	}
	for _, list := range userLists {
		multiValueFields.readList(*list.at(spec), attributes, list.name)
	}
	addressFields.readList(spec.Addresses, attributes, "addresses")
	certificateFields.readList(spec.X509Certificates, attributes, "x509Certificates")
	if spec.Enterprise != nil {
		enterprise := enterpriseFields.readOne(spec.Enterprise)
		if spec.Enterprise.Manager != nil {
			enterprise["manager"] = managerFields.readOne(spec.Enterprise.Manager)
		}
		attributes[schema.URNEnterpriseUser] = enterprise
	}
	for _, extension := range spec.Extensions {
		if data := decodeExtension(t, extension); data != nil {
			attributes[extension.Schema] = data
		}
	}
	return scim.NewResource(t, attributes)
}

// encodeUser returns the spec that holds the resource, without tenantRef and
// meta. An attribute that the spec has no field for is an error, never lost; and
// data of extensions that the tenant has no longer is kept as it was stored.
func encodeUser(resource *scim.Resource, stored []scimv1alpha1.ExtensionData) (*scimv1alpha1.ScimUserSpec, error) {
	attributes := maps.Clone(resource.Attributes())
	for _, derived := range []string{"id", "schemas", "groups", "meta"} {
		delete(attributes, derived)
	}
	spec := &scimv1alpha1.ScimUserSpec{}
	err := encodeAttributes(attributes, spec)
	if err == nil {
		spec.Extensions, err = encodeExtensions(resource.Type(), attributes, stored)
	}
	if err == nil {
		err = nothingLeft(attributes)
	}
	if err != nil {
		return nil, fmt.Errorf("writing a ScimUser's spec: %w", err)
	}
	return spec, nil
}

// encodeAttributes takes what the spec has fields for out of the attributes.
func encodeAttributes(attributes scim.Complex, spec *scimv1alpha1.ScimUserSpec) error {
	userName, err := pop[string](attributes, "userName")
	if err != nil {
		return err
	}
	externalID, err := pop[string](attributes, "externalId")
	if err != nil {
		return err
	}
	spec.UserName, spec.ExternalID = ptr.Deref(userName, ""), ptr.Deref(externalID, "")
	if err := userFields.write(attributes, spec); err != nil {
		return err
	}
	if spec.Name, err = nameFields.writeOne(attributes, "name"); err != nil {
		return err
	}
	for _, list := range userLists {
		if err := multiValueFields.writeList(attributes, list.name, list.at(spec)); err != nil {
			return err
		}
	}
	if err := addressFields.writeList(attributes, "addresses", &spec.Addresses); err != nil {
		return err
	}
	if err := certificateFields.writeList(attributes, "x509Certificates", &spec.X509Certificates); err != nil {
		return err
	}
	return encodeEnterprise(attributes, spec)
}

// encodeEnterprise takes the enterprise extension out of the attributes.
func encodeEnterprise(attributes scim.Complex, spec *scimv1alpha1.ScimUserSpec) error {
	given, err := pop[scim.Complex](attributes, schema.URNEnterpriseUser)
	if err != nil || given == nil {
		return err
	}
	enterprise, rest := &scimv1alpha1.EnterpriseUser{}, maps.Clone(*given)
	if enterprise.Manager, err = managerFields.writeOne(rest, "manager"); err != nil {
		return err
	}
	if err := enterpriseFields.write(rest, enterprise); err != nil {
		return err
	}
	spec.Enterprise = enterprise
	return nothingLeft(rest)
}

// decodeGroup returns the resource that the spec holds, without its members.
func decodeGroup(t *schema.ResourceType, spec *scimv1alpha1.ScimGroupSpec) *scim.Resource {
	attributes := scim.Complex{"displayName": spec.DisplayName}
	if spec.ExternalID != "" {
		attributes["externalId"] = spec.ExternalID
	}
	return scim.NewResource(t, attributes)
}

// encodeGroup returns the spec that holds the resource, whose members are
// settled, without tenantRef and meta.
func encodeGroup(resource *scim.Resource) scimv1alpha1.ScimGroupSpec {
	spec := scimv1alpha1.ScimGroupSpec{DisplayName: resource.DisplayName(), ExternalID: resource.ExternalID()}
	types := store.MemberTypes(resource)
	for _, id := range resource.Members().IDs() {
		if types[id] == store.MemberGroup {
			spec.MemberGroups = append(spec.MemberGroups, scimv1alpha1.MemberID(id))
			continue
		}
		spec.Members = append(spec.Members, scimv1alpha1.MemberID(id))
	}
	spec.MemberCount = ptr.To(int32(len(spec.Members) + len(spec.MemberGroups)))
	return spec
}
