package components

import (
	"os/exec"

	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/pki"
)

// EdgeName is the name of the edge's program, which starts and ends nginx.
const EdgeName = "kubescim-edge"

// nginx is what the edge has for a child.
const nginx = "nginx"

// EdgeDir is the folder of the edge: its program is there, and all that nginx reads and writes.
func EdgeDir(dir layout.Dir) string { return dir.Path("edge") }

// Edge serves the cluster's Ingresses. It is an administrator, since it reads certificates in all namespaces.
func Edge(dir layout.Dir) *daemon.Daemon {
	path := dir.Path("edge", EdgeName)
	server, err := exec.LookPath(nginx)
	if err != nil {
		server = "/usr/sbin/" + nginx
	}
	return &daemon.Daemon{
		Name: EdgeName,
		Path: path,
		Args: []string{
			"--kubeconfig=" + dir.Kubeconfig(pki.Admin),
			"--nginx=" + server,
			"--directory=" + EdgeDir(dir),
			"--listen=" + layout.EdgeAddress,
			"--health=" + layout.EdgeHealthAddress,
		},
		Config:  path, // Another checkout may have another program.
		Listens: []string{layout.EdgeAddress, layout.EdgeHealthAddress},
		Ready:   answers("http://" + layout.EdgeHealthAddress + "/healthz"),
	}
}
