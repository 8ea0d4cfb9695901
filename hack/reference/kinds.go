package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// kinds are in the order in which a reader meets them, by the files of their CustomResourceDefinitions.
var kinds = []string{"scimtenants", "scimservers", "scimapikeys", "scimcredentials", "scimroles", "scimusers", "scimgroups", "scimgroupmembers", "scimrolebindings",
	"scimeventsinks"}

// kubernetesOwn are fields of a shape that Kubernetes defines and documents.
var kubernetesOwn = []string{"nodeAffinity", "podAffinity", "podAntiAffinity", "tolerations", "conditions"}

// definition is what the reference says of a CustomResourceDefinition.
type definition struct {
	Spec struct {
		Names struct {
			Kind       string   `json:"kind"`
			Plural     string   `json:"plural"`
			ShortNames []string `json:"shortNames"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Schema struct {
				OpenAPIV3Schema schema `json:"openAPIV3Schema"`
			} `json:"schema"`
			SelectableFields []struct {
				JSONPath string `json:"jsonPath"`
			} `json:"selectableFields"`
		} `json:"versions"`
	} `json:"spec"`
}

// schema is a part of a schema, as far as the reference says it.
type schema struct {
	Type                 string            `json:"type"`
	Format               string            `json:"format"`
	Description          string            `json:"description"`
	Default              any               `json:"default"`
	Enum                 []any             `json:"enum"`
	Required             []string          `json:"required"`
	Properties           map[string]schema `json:"properties"`
	Items                *schema           `json:"items"`
	AdditionalProperties *schema           `json:"additionalProperties"`
	Minimum              *float64          `json:"minimum"`
	Maximum              *float64          `json:"maximum"`
	MaxLength            *int              `json:"maxLength"`
	MaxItems             *int              `json:"maxItems"`
	IntOrString          bool              `json:"x-kubernetes-int-or-string"`
	Validations          []struct {
		Message string `json:"message"`
	} `json:"x-kubernetes-validations"`
}

// describeKinds writes about each kind, from the CustomResourceDefinitions in a folder.
func describeKinds(folder string) func(*bytes.Buffer) error {
	return func(out *bytes.Buffer) error {
		for _, name := range kinds {
			content, err := os.ReadFile(filepath.Join(folder, "scim.kubescim.dev_"+name+".yaml"))
			if err != nil {
				return fmt.Errorf("reading a CustomResourceDefinition: %w; `make manifests` writes them", err)
			}
			var found definition
			if err := yaml.Unmarshal(content, &found); err != nil {
				return fmt.Errorf("reading the CustomResourceDefinition of %s: %w", name, err)
			}
			found.describe(out)
		}
		return nil
	}
}

func (d *definition) describe(out *bytes.Buffer) {
	version := d.Spec.Versions[0]
	root := version.Schema.OpenAPIV3Schema
	fmt.Fprintf(out, "\n## %s\n\n%s\n\n", d.Spec.Names.Kind, line(root.Description))
	fmt.Fprintf(out, "`kubectl get %s`", d.Spec.Names.Plural)
	if len(d.Spec.Names.ShortNames) > 0 {
		fmt.Fprintf(out, ", in short `%s`", strings.Join(d.Spec.Names.ShortNames, "`, `"))
	}
	if len(version.SelectableFields) > 0 {
		var fields []string
		for _, field := range version.SelectableFields {
			fields = append(fields, "`"+strings.TrimPrefix(field.JSONPath, ".")+"`")
		}
		fmt.Fprintf(out, "; field selectors go by %s", strings.Join(fields, ", "))
	}
	fmt.Fprint(out, ".\n\n| field | type | |\n|---|---|---|\n")
	for _, part := range []string{"spec", "status"} {
		root.Properties[part].rows(out, part)
	}
}

// rows writes a row for each field below a path.
func (s schema) rows(out *bytes.Buffer, path string) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field, below := s.Properties[name], path+"."+name
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", below, field.kind(), field.about(slices.Contains(s.Required, name)))
		switch {
		case slices.Contains(kubernetesOwn, name):
		case field.Items != nil:
			field.Items.rows(out, below+"[]")
		default:
			field.rows(out, below)
		}
	}
}

// kind is the type of a field, for people.
func (s schema) kind() string {
	switch {
	case s.IntOrString:
		return "quantity"
	case s.Items != nil:
		return "list of " + s.Items.kind()
	case s.AdditionalProperties != nil:
		return "map of " + s.AdditionalProperties.kind()
	case s.Format == "date-time":
		return "time"
	default:
		return s.Type
	}
}

// about is what a field means, and what may be in it.
func (s schema) about(required bool) string {
	var says []string
	if required {
		says = append(says, "**Required.**")
	}
	says = append(says, line(s.Description))
	if len(s.Enum) > 0 {
		says = append(says, "One of `"+strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Enum), " ", "`, `"), "[]")+"`.")
	}
	if s.Default != nil {
		says = append(says, fmt.Sprintf("`%v` by default.", s.Default))
	}
	says = append(says, s.limits()...)
	for _, validation := range s.Validations {
		says = append(says, "Refused otherwise: *"+line(validation.Message)+"*.")
	}
	return strings.ReplaceAll(strings.Join(says, " "), "|", `\|`)
}

// limits are the sizes that a field may have.
func (s schema) limits() (says []string) {
	if s.Minimum != nil && s.Maximum != nil {
		says = append(says, fmt.Sprintf("From %.0f to %.0f.", *s.Minimum, *s.Maximum))
	} else if s.Minimum != nil {
		says = append(says, fmt.Sprintf("At least %.0f.", *s.Minimum))
	}
	if s.MaxLength != nil {
		says = append(says, fmt.Sprintf("At most %d characters.", *s.MaxLength))
	}
	if s.MaxItems != nil {
		says = append(says, fmt.Sprintf("At most %d.", *s.MaxItems))
	}
	return says
}

// line is a text on one line. What looks like a tag is kept as it is.
func line(text string) string {
	return strings.NewReplacer("<", "&lt;", "\n", " ").Replace(strings.TrimSpace(text))
}
