package daemon

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
)

// awaitPorts waits until the daemon can listen: the kernel and a daemon that ends take a while to let go.
func (d *Daemon) awaitPorts(ctx context.Context) error {
	for _, address := range d.Listens {
		if err := Poll(ctx, PortLimit, func() bool { return PortFree(ctx, address) }); err != nil {
			return fmt.Errorf("%s cannot listen on %s, another program does; stop it and run up again, or use "+
				"that cluster by KUBECONFIG:\n%s", d.Name, address, Listeners(ctx, address))
		}
	}
	return nil
}

// PortFree reports whether nothing listens on the address.
func PortFree(ctx context.Context, address string) bool {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// Listeners describes who listens on the port of an address, for an error message.
func Listeners(ctx context.Context, address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err.Error()
	}
	output, err := exec.CommandContext(ctx, "ss", "-Hltnp", "sport = :"+port).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("(ss cannot tell which: %v)", err)
	}
	return strings.TrimSpace(string(output))
}
