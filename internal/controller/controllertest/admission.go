package controllertest

import (
	"context"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/controller"
)

const (
	// BreakGlassGroup is the group whose members may write users, groups and claims.
	BreakGlassGroup = "scim.kubescim.dev:break-glass"
	// administrators is the group that has all rights.
	administrators = "system:masters"
)

// ReleaseOperator takes the policy about what the operator may write out of force.
func (e *Environment) ReleaseOperator(ctx context.Context) error {
	return e.Client.Delete(ctx, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "kubescim-operator"}})
}

// setServerImage does what the chart does for an image.
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

// ClientOf returns a client of somebody who has all rights besides.
func (e *Environment) ClientOf(who rest.ImpersonationConfig) (client.Client, error) {
	c := rest.CopyConfig(e.Config)
	c.Impersonate = who
	c.Impersonate.Groups = append([]string{administrators}, who.Groups...)
	return client.New(c, client.Options{Scheme: controller.NewScheme()})
}
