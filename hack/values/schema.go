package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"
)

// definitions are the schemas that several values share, by their names.
//
//go:embed definitions.yaml
var definitions []byte

// schemaOf returns the JSON schema of the values of a chart.
func schemaOf(chart string, values []value) ([]byte, error) {
	shared := map[string]any{}
	if err := yaml.Unmarshal(definitions, &shared); err != nil {
		return nil, fmt.Errorf("reading the schemas that values share: %w", err)
	}
	for _, definition := range shared {
		closeObjects(definition)
	}
	root, err := object(values)
	if err != nil {
		return nil, err
	}
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Values of the chart " + chart
	root["definitions"] = shared
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(root)
	return text.Bytes(), err
}

// object returns the schema of an object with values, and no others.
func object(values []value) (map[string]any, error) {
	properties := map[string]any{}
	for _, v := range values {
		schema, err := v.schema()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.path, err)
		}
		properties[v.name] = schema
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}, nil
}

// schema returns the schema of a value: what its default says, and what its comment says, which comes first.
func (v value) schema() (map[string]any, error) {
	if v.said["$ref"] != nil {
		// Beside a reference, nothing would count.
		return map[string]any{"description": v.description, "allOf": []any{v.said}}, nil
	}
	schema := map[string]any{}
	switch of := v.ofDefault.(type) {
	case string:
		schema["type"] = "string"
	case bool:
		schema["type"] = "boolean"
	case int:
		schema["type"] = "integer"
	case []any:
		schema["type"] = "array"
		if v.said["items"] == nil {
			return nil, errors.New("say by '# @schema {items: …}' what may be in the list")
		}
	case map[string]any:
		schema["type"] = "object"
		if len(of) == 0 && v.said["properties"] == nil && v.said["additionalProperties"] == nil {
			return nil, errors.New("say by '# @schema' which properties, or additionalProperties, the object may have")
		}
		if len(v.values) > 0 {
			var err error
			if schema, err = object(v.values); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("a default of type %T says nothing about the type of the value", of)
	}
	if v.said["anyOf"] != nil {
		delete(schema, "type")
	}
	maps.Copy(schema, v.said)
	if v.description != "" {
		schema["description"] = v.description
	}
	closeObjects(schema)
	return schema, nil
}

// closeObjects lets the objects of a schema have no properties but those that it names, unless it says otherwise.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if s["properties"] != nil && s["additionalProperties"] == nil {
			s["type"], s["additionalProperties"] = "object", false
		}
		for _, part := range s {
			closeObjects(part)
		}
	case []any:
		for _, part := range s {
			closeObjects(part)
		}
	}
}
