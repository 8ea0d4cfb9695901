package main

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is one value of a chart, or an object of them.
type value struct {
	name string
	// path is the names from the outermost object to this one, with dots between them.
	path        string
	description string
	// said is what the comment says of the schema.
	said map[string]any
	// ofDefault is the default, as read from YAML.
	ofDefault any
	// values are those of an object whose values are described one by one.
	values []value
}

// What begins the two parts of a comment.
const (
	schemaMark      = "@schema"
	descriptionMark = "-- "
)

// parse reads the values of a chart with their comments.
func parse(content []byte) ([]value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("values are an object in YAML")
	}
	return valuesOf(document.Content[0], "")
}

// valuesOf returns the values of an object that has a path.
func valuesOf(object *yaml.Node, path string) ([]value, error) {
	var found []value
	for i := 0; i < len(object.Content); i += 2 {
		key, node := object.Content[i], object.Content[i+1]
		v := value{name: key.Value, path: strings.TrimPrefix(path+"."+key.Value, ".")}
		if err := v.read(key.HeadComment, node); err != nil {
			return nil, fmt.Errorf("%s: %w", v.path, err)
		}
		found = append(found, v)
	}
	return found, nil
}

// read fills in what the comment above a value and the value itself say.
func (v *value) read(comment string, node *yaml.Node) error {
	var err error
	if v.description, v.said, err = parts(comment); err != nil {
		return err
	}
	if err := node.Decode(&v.ofDefault); err != nil {
		return err
	}
	switch described := strings.Contains(comment, "# "+descriptionMark); {
	case described:
		return nil
	case node.Kind != yaml.MappingNode || len(node.Content) == 0:
		return errors.New("describe the value in a comment above it that begins with '# -- '")
	}
	v.values, err = valuesOf(node, v.path)
	return err
}

// parts returns the description and the schema that are in a comment. Of several comments with blank lines between them,
// the last one is about the value.
func parts(comment string) (description string, schema map[string]any, err error) {
	blocks := strings.Split(comment, "\n\n")
	var described, inSchema []string
	isSchema := false
	for line := range strings.Lines(blocks[len(blocks)-1]) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "#")
		text := strings.TrimSpace(line)
		if rest, begins := strings.CutPrefix(text, schemaMark); begins {
			isSchema, line = true, rest
		} else if rest, begins := strings.CutPrefix(text, descriptionMark); begins {
			isSchema, text = false, rest
		}
		if isSchema {
			inSchema = append(inSchema, line)
		} else {
			described = append(described, text)
		}
	}
	if err := yaml.Unmarshal([]byte(strings.Join(inSchema, "\n")), &schema); err != nil {
		return "", nil, fmt.Errorf("the schema after %s is not an object in YAML: %w", schemaMark, err)
	}
	return strings.TrimSpace(strings.Join(described, " ")), schema, nil
}
