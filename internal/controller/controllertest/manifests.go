package controllertest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operatorAccount is the user as which the operator runs.
const operatorAccount = "system:serviceaccount:kubescim-system:kubescim-manager"

// ApplyManifests applies the YAML files that match a pattern, relative to the
// project's root, in their order. A field that the API does not know is an error.
func (e *Environment) ApplyManifests(ctx context.Context, pattern string) ([]*unstructured.Unstructured, error) {
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
		objects, err := readManifests(file)
		if err != nil {
			return nil, err
		}
		for _, obj := range objects {
			strict := client.WithFieldValidation(e.Client, "Strict")
			err := strict.Apply(ctx, client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("tests"))
			if err != nil {
				return nil, err
			}
		}
		applied = append(applied, objects...)
	}
	return applied, nil
}

func readManifests(file string) ([]*unstructured.Unstructured, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var objects []*unstructured.Unstructured
	documents := yaml.NewYAMLReader(bufio.NewReader(f))
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

// operatorConfig returns a configuration with no more rights than the operator
// has in a cluster.
func (e *Environment) operatorConfig() *rest.Config {
	c := rest.CopyConfig(e.Config)
	c.Impersonate = rest.ImpersonationConfig{UserName: operatorAccount}
	return c
}
