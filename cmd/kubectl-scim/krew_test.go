package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// plugin is what krew reads, without the fields that the manifest does not use.
type plugin struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Version          string     `json:"version"`
		Homepage         string     `json:"homepage"`
		ShortDescription string     `json:"shortDescription"`
		Description      string     `json:"description"`
		Caveats          string     `json:"caveats"`
		Platforms        []platform `json:"platforms"`
	} `json:"spec"`
}

type platform struct {
	URI      string `json:"uri"`
	SHA256   string `json:"sha256"`
	Bin      string `json:"bin"`
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
}

// render fills the template in as the bot of krew does for a release.
func render(t *testing.T, tag string) []byte {
	t.Helper()
	data := struct{ TagName string }{tag}
	content, err := os.ReadFile(filepath.Join("..", "..", ".krew.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	addURIAndSha := func(uri, tag string) string {
		return "uri: " + strings.ReplaceAll(uri, "{{ .TagName }}", tag) + "\n      sha256: " + strings.Repeat("0a", 32)
	}
	filled, err := template.New("krew").Funcs(template.FuncMap{"addURIAndSha": addURIAndSha}).Parse(string(content))
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	if err := filled.Execute(out, data); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTheManifestIsOneThatKrewReads(t *testing.T) {
	g := NewWithT(t)
	p := plugin{}
	g.Expect(yaml.UnmarshalStrict(render(t, "v0.1.0"), &p)).To(Succeed())
	g.Expect(p.APIVersion).To(Equal("krew.googlecontainertools.github.com/v1alpha2"))
	g.Expect(p.Kind).To(Equal("Plugin"))
	g.Expect(p.Metadata.Name).To(Equal("scim"), "kubectl scim")
	g.Expect(p.Spec.Version).To(Equal("v0.1.0"))
	g.Expect(p.Spec.Homepage).To(HavePrefix("https://"))
	g.Expect(len(p.Spec.ShortDescription)).To(BeNumerically("<=", 50))
	g.Expect(p.Spec.ShortDescription).NotTo(HaveSuffix("."))
	g.Expect(p.Spec.Description).NotTo(BeEmpty())

	seen := map[string]bool{}
	for _, one := range p.Spec.Platforms {
		os, arch := one.Selector.MatchLabels["os"], one.Selector.MatchLabels["arch"]
		g.Expect(one.URI).To(Equal("https://github.com/kubescim/kubescim/releases/download/v0.1.0/kubectl-scim_" + os + "_" + arch + ".tar.gz"))
		g.Expect(one.SHA256).To(MatchRegexp("^[0-9a-f]{64}$"))
		g.Expect(one.Bin).To(Equal("kubectl-scim"))
		g.Expect(seen).NotTo(HaveKey(os + "/" + arch))
		seen[os+"/"+arch] = true
	}
	g.Expect(seen).To(HaveLen(4))
}
