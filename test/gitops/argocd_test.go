package gitops_test

import (
	"os"
	"testing"

	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// argoHealthOf runs the script for a resource that is given to Argo CD, as that
// runs it: with the resource in the variable obj.
func argoHealthOf(t *testing.T, obj *unstructured.Unstructured) (status, message string) {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	state.SetContext(t.Context())
	lua.OpenBase(state)
	state.SetGlobal("obj", toLua(state, obj.Object))
	if err := state.DoString(script(t, obj.GetKind())); err != nil {
		t.Fatal(err)
	}
	health, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns %s", state.Get(-1))
	}
	return health.RawGetString("status").String(), health.RawGetString("message").String()
}

// script returns the health check of a kind.
func script(t *testing.T, kind string) string {
	t.Helper()
	content, err := os.ReadFile("../../config/argocd/argocd-cm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var configMap corev1.ConfigMap
	if err := yaml.UnmarshalStrict(content, &configMap); err != nil {
		t.Fatal(err)
	}
	code, ok := configMap.Data["resource.customizations.health.scim.kubescim.dev_"+kind]
	if !ok {
		t.Fatalf("there is no health check for %s", kind)
	}
	return code
}

// toLua converts the content of a resource.
func toLua(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, entry := range v {
			table.RawSetString(key, toLua(state, entry))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, entry := range v {
			table.Append(toLua(state, entry))
		}
		return table
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	default:
		return lua.LNil
	}
}
