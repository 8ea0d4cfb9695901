package controllertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/controller"
)

// holdOperator applies the policy about what the operator may write, for the image
// that the managers of tests give to servers.
func (e *Environment) holdOperator(ctx context.Context) error {
	root, err := projectRoot()
	if err != nil {
		return err
	}
	for _, name := range []string{"policy.yaml", "binding.yaml"} {
		content, err := os.ReadFile(filepath.Join(root, "config", "admission", name))
		if err != nil {
			return err
		}
		objects, err := ReadManifests(content)
		if err != nil {
			return err
		}
		for _, obj := range objects {
			if err := setServerImage(obj); err != nil {
				return err
			}
		}
		if err := e.Apply(ctx, objects...); err != nil {
			return fmt.Errorf("applying the policy about the operator: %w", err)
		}
	}
	return nil
}

// ReleaseOperator takes the policy about what the operator may write out of force.
func (e *Environment) ReleaseOperator(ctx context.Context) error {
	return e.Client.Delete(ctx, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "kubescim-operator"}})
}

// setServerImage does what config/default and the chart do.
func setServerImage(policy *unstructured.Unstructured) error {
	variables, found, err := unstructured.NestedSlice(policy.Object, "spec", "variables")
	if err != nil || !found {
		return err
	}
	for _, variable := range variables {
		if v, ok := variable.(map[string]any); ok && v["name"] == "serverImage" {
			v["expression"] = "'" + ServerImage + "'"
		}
	}
	return unstructured.SetNestedSlice(policy.Object, variables, "spec", "variables")
}

// ClientOfOperator returns a client with the operator's own rights.
func (e *Environment) ClientOfOperator() (client.Client, error) {
	return client.New(e.configOf(""), client.Options{Scheme: controller.NewScheme()})
}
