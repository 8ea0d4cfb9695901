package controllertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gatewayDefinitions are the files, below the folder of its module, with those definitions of the Gateway API that
// publishing needs.
var gatewayDefinitions = []string{"gatewayclasses", "gateways", "httproutes"}

// GatewayDefinitions returns the files with the definitions of the Gateway API, in its standard channel.
func GatewayDefinitions() ([]string, error) {
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	command := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	command.Dir, command.Stderr = root, os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("finding the module of the Gateway API: %w", err)
	}
	var files []string
	for _, definition := range gatewayDefinitions {
		files = append(files, filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard", "gateway.networking.k8s.io_"+definition+".yaml"))
	}
	return files, nil
}

// InstallGatewayAPI installs the definitions of the Gateway API, and RemoveGatewayAPI removes them, with all
// HTTPRoutes.
func (e *Environment) InstallGatewayAPI() error {
	files, err := GatewayDefinitions()
	if err != nil {
		return err
	}
	_, err = envtest.InstallCRDs(e.Config, envtest.CRDInstallOptions{Paths: files, ErrorIfPathMissing: true})
	return err
}

// RemoveGatewayAPI undoes InstallGatewayAPI.
func (e *Environment) RemoveGatewayAPI() error {
	files, err := GatewayDefinitions()
	if err != nil {
		return err
	}
	return envtest.UninstallCRDs(e.Config, envtest.CRDInstallOptions{Paths: files, ErrorIfPathMissing: true})
}

// AnswerRoute does as if the controller of all its Gateways had said something of an HTTPRoute as it is.
func (e *Environment) AnswerRoute(ctx context.Context, route client.ObjectKey, said ...metav1.Condition) error {
	found := &gatewayv1.HTTPRoute{}
	if err := e.Client.Get(ctx, route, found); err != nil {
		return err
	}
	found.Status.Parents = nil
	for _, parent := range found.Spec.ParentRefs {
		status := gatewayv1.RouteParentStatus{ParentRef: parent, ControllerName: "example.com/gateway"}
		for _, condition := range said {
			condition.ObservedGeneration, condition.LastTransitionTime = found.Generation, metav1.Now()
			status.Conditions = append(status.Conditions, condition)
		}
		found.Status.Parents = append(found.Status.Parents, status)
	}
	return e.Client.Status().Update(ctx, found)
}

// AcceptRoute does as if all its Gateways had accepted an HTTPRoute as it is.
func (e *Environment) AcceptRoute(ctx context.Context, route client.ObjectKey) error {
	return e.AnswerRoute(ctx, route,
		metav1.Condition{Type: string(gatewayv1.RouteConditionAccepted), Status: metav1.ConditionTrue, Reason: string(gatewayv1.RouteReasonAccepted)},
		metav1.Condition{Type: string(gatewayv1.RouteConditionResolvedRefs), Status: metav1.ConditionTrue, Reason: string(gatewayv1.RouteReasonResolvedRefs)})
}
