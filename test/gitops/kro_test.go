package gitops_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// graph is what the test knows of a ResourceGraphDefinition.
type graph struct {
	Spec struct {
		Schema struct {
			Spec   map[string]string `json:"spec"`
			Status map[string]string `json:"status"`
		} `json:"schema"`
		Resources []struct {
			ID       string         `json:"id"`
			Template map[string]any `json:"template"`
		} `json:"resources"`
	} `json:"spec"`
}

// expression is what kro computes, where it is all of a value.
var expression = regexp.MustCompile(`^\$\{(.*)\}$`)

// filled returns a template with the values of expressions. Those that are not known are errors of
// the test: kro itself does not run here.
func filled(t *testing.T, value any, known map[string]any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, entry := range v {
			v[key] = filled(t, entry, known)
		}
	case string:
		if found := expression.FindStringSubmatch(v); found != nil {
			computed, ok := known[found[1]]
			if !ok {
				t.Errorf("no value is known of %s", found[1])
			}
			return computed
		}
	}
	return value
}

// TestTheExampleForKro lets the API server check what the example makes of a customer, and that the statuses that it reads have these fields.
func TestTheExampleForKro(t *testing.T) {
	g := NewWithT(t)
	env, err := controllertest.Start()
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	var example graph
	load(t, "../../config/kro/customer.yaml", &example)
	known := map[string]any{
		"schema.metadata.name": "initech", "schema.metadata.namespace": metav1.NamespaceDefault, "tenant.metadata.name": "initech",
		`schema.spec.displayName != "" ? schema.spec.displayName : schema.metadata.name`: "Initech", "schema.spec.identityProvider": "Okta",
	}
	for name, declared := range example.Spec.Schema.Spec {
		_, standard, found := strings.Cut(declared, "default=")
		if _, ok := known["schema.spec."+name]; !found || ok {
			continue
		}
		known["schema.spec."+name] = strings.Trim(standard, `"`)
		var number int64
		if strings.HasPrefix(declared, "integer") {
			_, err := fmt.Sscan(standard, &number)
			g.Expect(err).NotTo(HaveOccurred())
			known["schema.spec."+name] = number
		}
	}
	made := map[string]*unstructured.Unstructured{}
	for _, resource := range example.Spec.Resources {
		made[resource.ID] = &unstructured.Unstructured{Object: filled(t, resource.Template, known).(map[string]any)}
		g.Expect(env.Client.Create(t.Context(), made[resource.ID], client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))).To(Succeed(), resource.ID)
	}
	g.Expect(made).To(And(HaveKey("tenant"), HaveKey("key")))
	for _, read := range example.Spec.Schema.Status {
		id, path, _ := strings.Cut(expression.FindStringSubmatch(read)[1], ".")
		g.Expect(path).To(HavePrefix("status."))
		field := strings.TrimPrefix(path, "status.")
		g.Expect(hasStatus(t, env.Client, made[id].GetKind(), field)).To(BeTrue(), "%s has no %s", id, path)
	}
}

// hasStatus reports whether the status of a kind has a field.
func hasStatus(t *testing.T, c client.Client, kind, field string) bool {
	t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	if err := c.Get(t.Context(), client.ObjectKey{Name: strings.ToLower(kind) + "s.scim.kubescim.dev"}, crd); err != nil {
		t.Fatal(err)
	}
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}
	_, found, err := unstructured.NestedMap(versions[0].(map[string]any),
		"schema", "openAPIV3Schema", "properties", "status", "properties", field)
	return err == nil && found
}
