// Package traces finds and removes what a stopped cluster leaves on the machine besides its network: mounts, control
// groups, and files outside its folder.
package traces

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// Places that are compiled into containerd's shims, the CNI plugins and the kubelet, and that no option moves.
const (
	cniResultsDir     = "/var/lib/cni/results"
	containerLogLinks = "/var/log/containers"
	devicePluginDir   = "/var/lib/kubelet/device-plugins"
	shimSocketDir     = "/run/containerd/s"
)

// Outside are the files of a stopped cluster that are not below its folder.
func Outside(ctx context.Context, dir layout.Dir) ([]string, error) {
	files := []string{filepath.Join(devicePluginDir, "kubelet.sock")}
	for _, list := range []func(context.Context, layout.Dir) ([]string, error){deadShimSockets, cniResults, logLinks} {
		found, err := list(ctx, dir)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// deadShimSockets are the sockets in the folder of all shims that nobody listens on. Nobody can listen on such a
// socket again, so it is of no use even if the shim of another containerd left it.
func deadShimSockets(ctx context.Context, _ layout.Dir) ([]string, error) {
	sockets, err := filepath.Glob(filepath.Join(shimSocketDir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list the sockets of shims: %w", err)
	}
	var dead []string
	for _, socket := range sockets {
		connection, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if errors.Is(err, syscall.ECONNREFUSED) {
			dead = append(dead, socket)
		}
		if err == nil {
			_ = connection.Close()
		}
	}
	return dead, nil
}

// cniResults are what the CNI plugins remember of the pods in our network.
func cniResults(context.Context, layout.Dir) ([]string, error) { return cniResultsIn(cniResultsDir) }

// cniResultsIn finds them in a folder. The loopback plugin writes one for each pod too, under a name that only the id
// of the pod tells from others.
func cniResultsIn(folder string) ([]string, error) {
	prefix, suffix := filepath.Join(folder, layout.NetworkName+"-"), "-eth0"
	found, err := filepath.Glob(prefix + "*" + suffix)
	if err != nil {
		return nil, fmt.Errorf("list what the CNI plugins keep: %w", err)
	}
	for _, result := range found {
		id := strings.TrimSuffix(strings.TrimPrefix(result, prefix), suffix)
		found = append(found, filepath.Join(folder, "cni-loopback-"+id+"-lo"))
	}
	return found, nil
}

// logLinks are the kubelet's links to the logs of containers.
func logLinks(_ context.Context, dir layout.Dir) ([]string, error) {
	links, err := filepath.Glob(filepath.Join(containerLogLinks, "*"))
	if err != nil {
		return nil, fmt.Errorf("list links to logs: %w", err)
	}
	var ours []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, string(dir)+"/") {
			ours = append(ours, link)
		}
	}
	return ours, nil
}

// RemoveFiles removes files that may be gone already.
func RemoveFiles(paths []string) error {
	var failed []error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, fmt.Errorf("remove what the cluster left: %w", err))
		}
	}
	return errors.Join(failed...)
}

// RemoveEmptyFolders removes the folders around those files, unless somebody else has something there, or keeps
// them on a disk of their own.
func RemoveEmptyFolders() error {
	var failed error
	for _, dir := range []string{cniResultsDir, containerLogLinks, devicePluginDir, shimSocketDir,
		filepath.Dir(cniResultsDir), filepath.Dir(devicePluginDir), filepath.Dir(shimSocketDir)} {
		err := os.Remove(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EBUSY) {
			continue
		}
		failed = errors.Join(failed, err)
	}
	return failed
}
