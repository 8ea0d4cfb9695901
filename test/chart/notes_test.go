package chart_test

import (
	"strings"
	"testing"
)

// The commands that are told after an installation make a tenant where the operator looks.
func TestNotesMakeATenantThatIsLookedAt(t *testing.T) {
	for name, tc := range map[string]struct {
		args     []string
		has, not string
	}{
		"no upgrade":              {nil, "kubectl wait -n acme", "helm rollback"},
		"all namespaces":          {nil, "kubectl create namespace acme\n  kubectl apply -n acme", "for example in"},
		"some namespaces":         {[]string{"--set", "watchNamespaces={globex,initech}"}, "kubectl apply -n globex", "kubectl create namespace"},
		"none named in the wait":  {[]string{"--set", "watchNamespaces={globex,initech}"}, "kubectl wait -n globex", "-n acme"},
		"a list that was cleared": {[]string{"--set-json", "watchNamespaces=[]"}, "kubectl create namespace acme", "for example in"},
	} {
		t.Run(name, func(t *testing.T) {
			out, complaint, err := helm(t, append([]string{
				"install", "kubescim", chartPath, "--namespace", "kubescim-system", "--dry-run=client",
			}, tc.args...)...)
			if err != nil {
				t.Fatalf("helm install: %v: %s", err, complaint)
			}
			_, notes, _ := strings.Cut(string(out), "\nNOTES:\n")
			if !strings.Contains(notes, tc.has) || strings.Contains(notes, tc.not) {
				t.Errorf("the notes are\n%s", notes)
			}
		})
	}
}
