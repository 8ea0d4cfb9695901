package api

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// consumer is a program of somebody who wants the API's types and nothing else.
const consumer = `package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func main() {
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		panic(err)
	}
	fmt.Println(scheme.Recognizes(scimv1alpha1.GroupVersion.WithKind("ScimUser")))
}
`

// Who imports the API gets its types, Kubernetes' own and apimachinery, and not the
// libraries of operators.
func TestAConsumerGetsTheTypesAlone(t *testing.T) {
	g := NewWithT(t)
	module, err := filepath.Abs("../../api")
	g.Expect(err).NotTo(HaveOccurred())
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	g.Expect(err).NotTo(HaveOccurred())
	folder := t.TempDir()
	for name, content := range map[string]string{
		"main.go": consumer,
		"go.sum":  string(sums),
		"go.mod": "module example.com/consumer\n\ngo 1.26.0\n\nrequire github.com/kubescim/kubescim/api v0.0.0\n\n" +
			"replace github.com/kubescim/kubescim/api => " + module + "\n",
	} {
		g.Expect(os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)).To(Succeed())
	}
	run := func(args ...string) string {
		command := exec.CommandContext(t.Context(), "go", args...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
		output, err := command.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(output))
		return string(output)
	}
	g.Expect(run("run", ".")).To(HaveSuffix("true\n"))
	modules := strings.Fields(run("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))
	g.Expect(modules).To(ContainElements("k8s.io/apimachinery", "github.com/kubescim/kubescim/api"))
	g.Expect(modules).NotTo(ContainElement(BeElementOf("sigs.k8s.io/controller-runtime", "k8s.io/client-go", "github.com/kubescim/kubescim")))
}
