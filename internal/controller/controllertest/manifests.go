package controllertest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operatorAccount is the user as which the operator runs.
const operatorAccount = "system:serviceaccount:kubescim-system:kubescim"

// ApplyManifests applies the YAML files that match a pattern, relative to the
// project's root, in their order, each object as it has been changed. A field that the API
// does not know is an error.
func (e *Environment) ApplyManifests(
	ctx context.Context, pattern string, changes ...func(*unstructured.Unstructured) error,
) ([]*unstructured.Unstructured, error) {
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		return nil, err
	}
	var applied []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		objects, err := ReadManifests(content)
		if err != nil {
			return nil, err
		}
		for _, change := range changes {
			for _, obj := range objects {
				if err := change(obj); err != nil {
					return nil, err
				}
			}
		}
		if err := e.Apply(ctx, objects...); err != nil {
			return nil, err
		}
		applied = append(applied, objects...)
	}
	return applied, nil
}

// Apply applies objects, in their order. A field that the API does not know is an
// error.
func (e *Environment) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	strict := client.WithFieldValidation(e.Client, "Strict")
	for _, obj := range objects {
		err := strict.Apply(ctx, client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("tests"))
		if err != nil {
			return fmt.Errorf("applying %s %s: %w", obj.GetKind(), obj.GetName(), err)
		}
	}
	return nil
}

// ReadManifests returns the objects of a file in YAML.
func ReadManifests(content []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &obj.Object); err != nil {
			return nil, err
		}
		if len(obj.Object) > 0 {
			objects = append(objects, obj)
		}
	}
}

// configOf returns a configuration with no more rights than a user has, by default
// the operator.
func (e *Environment) configOf(user string) *rest.Config {
	if user == "" {
		user = operatorAccount
	}
	c := rest.CopyConfig(e.Config)
	c.Impersonate = rest.ImpersonationConfig{UserName: user}
	return c
}
