package codec

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// decodeExtension returns the attributes of one of the tenant's extensions, with
// the types that its schema gives them. Data of an extension that the tenant has
// no longer, or has defined otherwise since, is nil: SCIM does not show it.
func decodeExtension(t *schema.ResourceType, data scimv1alpha1.ExtensionData) scim.Complex {
	if !hasExtension(t, data.Schema) {
		return nil
	}
	attributes, err := decode.ExtensionFromJSON(t, data.Schema, data.Attributes.Raw)
	if err != nil {
		return nil
	}
	return attributes
}

// encodeExtensions moves the attributes of the tenant's extensions out of the
// attributes of a user. What was stored and cannot be shown is kept.
func encodeExtensions(t *schema.ResourceType, attributes scim.Complex, stored []scimv1alpha1.ExtensionData) ([]scimv1alpha1.ExtensionData, error) {
	var data []scimv1alpha1.ExtensionData
	for _, extension := range t.Extensions {
		value, assigned := attributes[extension.Schema.ID]
		if !assigned {
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("writing the extension %s: %w", extension.Schema.ID, err)
		}
		data = append(data, scimv1alpha1.ExtensionData{Schema: extension.Schema.ID, Attributes: runtime.RawExtension{Raw: raw}})
		delete(attributes, extension.Schema.ID)
	}
	for _, former := range stored {
		if _, written := findExtension(data, former.Schema); !written && decodeExtension(t, former) == nil {
			data = append(data, former)
		}
	}
	return data, nil
}

func findExtension(data []scimv1alpha1.ExtensionData, urn string) (scimv1alpha1.ExtensionData, bool) {
	for _, one := range data {
		if one.Schema == urn {
			return one, true
		}
	}
	return scimv1alpha1.ExtensionData{}, false
}

func hasExtension(t *schema.ResourceType, urn string) bool {
	for _, extension := range t.Extensions {
		if extension.Schema.ID == urn {
			return true
		}
	}
	return false
}
