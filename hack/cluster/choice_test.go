package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

func TestDecide(t *testing.T) {
	tests := map[string]struct {
		given   circumstances
		docker  bool
		want    kind
		wantErr bool
	}{
		"nothing is there":                         {want: kindLocal},
		"kind and Docker are there":                {docker: true, want: kindKind},
		"a kubeconfig of somebody's own":           {given: circumstances{foreignKubeconfig: true}, docker: true, want: kindCurrent},
		"CLUSTER beats the kubeconfig":             {given: circumstances{cluster: "local", foreignKubeconfig: true}, want: kindLocal},
		"CLUSTER=current needs no KUBECONFIG":      {given: circumstances{cluster: "current"}, want: kindCurrent},
		"CLUSTER=kind does not ask for Docker":     {given: circumstances{cluster: "kind"}, want: kindKind},
		"the local cluster was started before":     {given: circumstances{ownContext: layout.ContextName}, docker: true, want: kindLocal},
		"the kind cluster was started before":      {given: circumstances{ownContext: kindContext}, want: kindKind},
		"a kubeconfig beats what was made earlier": {given: circumstances{foreignKubeconfig: true, ownContext: kindContext}, want: kindCurrent},
		"CLUSTER is misspelt":                      {given: circumstances{cluster: "kindd"}, wantErr: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.given.kindWorks = func() bool { return test.docker }
			got, err := decide(test.given)
			if (err != nil) != test.wantErr {
				t.Fatalf("decide: error %v, want one: %t", err, test.wantErr)
			}
			if got != test.want {
				t.Errorf("decide = %q, want %q", got, test.want)
			}
		})
	}
}

func TestIsForeign(t *testing.T) {
	dir := t.TempDir()
	write := func(name, context string) string {
		path := filepath.Join(dir, name)
		content := "apiVersion: v1\nkind: Config\ncurrent-context: " + context + "\n"
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := write("own", layout.ContextName)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		kubeconfig string
		want       bool
	}{
		"unset":                            {"", false},
		"the checkout's own":               {own, false},
		"a link to the checkout's own":     {link, false},
		"another checkout's":               {write("other", layout.ContextName), false},
		"of another cluster":               {write("foreign", "production"), true},
		"missing":                          {filepath.Join(dir, "missing"), true},
		"a list of several, first our own": {own + ":" + link, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := isForeign(test.kubeconfig, own); got != test.want {
				t.Errorf("isForeign(%q) = %t, want %t", test.kubeconfig, got, test.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		args    []string
		wantErr bool
	}{
		"up":              {[]string{"up"}, false},
		"load with image": {[]string{"load", "image.tar"}, false},
		"load without":    {[]string{"load"}, true},
		"too much":        {[]string{"down", "now"}, true},
		"unknown":         {[]string{"restart"}, true},
		"none":            {nil, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, _, err := parse(test.args); (err != nil) != test.wantErr {
				t.Errorf("parse(%q): error %v, want one: %t", test.args, err, test.wantErr)
			}
		})
	}
}

func TestHasAssets(t *testing.T) {
	whole, half := t.TempDir(), t.TempDir()
	for _, path := range []string{
		filepath.Join(whole, "etcd"), filepath.Join(whole, "kube-apiserver"), filepath.Join(half, "etcd"),
	} {
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]bool{whole: true, half: false, "": false} {
		if got := hasAssets(dir); got != want {
			t.Errorf("hasAssets(%q) = %t, want %t", dir, got, want)
		}
	}
}

func TestEnvLines(t *testing.T) {
	root := checkout{root: t.TempDir()}
	path := "export PATH='" + root.bin() + "':\"$PATH\"\n"
	with := func(kubeconfig string) string { return "export KUBECONFIG='" + kubeconfig + "'\n" + path }
	for name, test := range map[string]struct{ kubeconfig, want string }{
		"whatever kubectl talks to": {"", path},
		"a cluster of somebody's":   {"/home/me/config:/home/me/other", with("/home/me/config:/home/me/other")},
	} {
		if got, err := envLines(root, test.kubeconfig); got != test.want || err != nil {
			t.Errorf("%s: envLines = %q, %v, want %q", name, got, err, test.want)
		}
	}
	if got, err := envLines(root, root.kubeconfig()); got != "" || err == nil || !strings.Contains(err.Error(), "run `make cluster`") {
		t.Errorf("before there is a cluster, envLines = %q, %v", got, err)
	}
	if err := root.writeKubeconfig(nil); err != nil {
		t.Fatal(err)
	}
	if got, err := envLines(root, root.kubeconfig()); got != with(root.kubeconfig()) || err != nil {
		t.Errorf("with a cluster, envLines = %q, %v", got, err)
	}
}

func TestShellQuote(t *testing.T) {
	for word, want := range map[string]string{
		"/plain/path": "'/plain/path'",
		"it's $HOME":  `'it'\''s $HOME'`,
	} {
		if got := shellQuote(word); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", word, got, want)
		}
	}
}
