package contract

import (
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

const extensionURN = "urn:example:params:scim:schemas:extension:badge:2.0:User"

func tenantWith(attributes ...scimv1alpha1.SchemaAttribute) *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{Spec: scimv1alpha1.ScimTenantSpec{
		SchemaExtensions: []scimv1alpha1.SchemaExtension{{ID: extensionURN, Attributes: attributes}},
	}}
}

func characteristics(name string, attributeType scimv1alpha1.AttributeType) scimv1alpha1.AttributeCharacteristics {
	return scimv1alpha1.AttributeCharacteristics{Name: name, Type: attributeType}
}

func TestRegistryHasTheTenantsExtensions(t *testing.T) {
	issued := scimv1alpha1.SchemaAttribute{AttributeCharacteristics: characteristics("issued", scimv1alpha1.AttributeTypeDateTime)}
	issued.Mutability, issued.Returned = scimv1alpha1.AttributeMutabilityImmutable, scimv1alpha1.AttributeReturnedRequest
	doors := scimv1alpha1.SchemaAttribute{
		AttributeCharacteristics: characteristics("doors", scimv1alpha1.AttributeTypeComplex),
		SubAttributes:            []scimv1alpha1.SchemaSubAttribute{{AttributeCharacteristics: characteristics("floor", scimv1alpha1.AttributeTypeInteger)}},
	}
	doors.MultiValued = ptr.To(true)
	registry, err := Registry(tenantWith(issued, doors))
	if err != nil {
		t.Fatal(err)
	}
	extension, found := registry.Schema(extensionURN)
	if !found {
		t.Fatalf("no schema %s", extensionURN)
	}
	got := extension.Attributes[0]
	if got.Type != schema.TypeDateTime || got.Mutability != schema.Immutable || got.Returned != schema.ReturnedRequest || got.MultiValued {
		t.Errorf("issued is %+v", got)
	}
	got = extension.Attributes[1]
	if got.Type != schema.TypeComplex || !got.MultiValued || got.SubAttributes[0].Type != schema.TypeInteger {
		t.Errorf("doors is %+v", got)
	}
}

func TestRegistryRefusesWhatContradictsItself(t *testing.T) {
	_, err := Registry(tenantWith(
		scimv1alpha1.SchemaAttribute{AttributeCharacteristics: characteristics("badge", "")},
		scimv1alpha1.SchemaAttribute{AttributeCharacteristics: characteristics("Badge", "")},
	))
	if err == nil || !strings.Contains(err.Error(), "spec.schemaExtensions") || !strings.Contains(err.Error(), "Badge") {
		t.Errorf("the error is %v", err)
	}
}
