// Command caller is what the pods run from and to which the suite beside it makes connections. Without arguments it
// accepts connections. With addresses it says of each, in a line of its own, whether something accepts them there.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// ports are where it accepts connections: one that an application may have, and one that the API server may have.
var ports = []string{"8080", "6443"}

// patience is how long a connection may take to be made: packets may be dropped without a word.
const patience = 2 * time.Second

func main() {
	if len(os.Args) > 1 {
		report(os.Args[1:])
		return
	}
	for _, port := range ports {
		if err := accept(port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	<-ended
}

// accept accepts connections, and closes them at once.
func accept(port string) error {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return fmt.Errorf("listening at port %s: %w", port, err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close() // Nothing was to be sent.
		}
	}()
	return nil
}

// report says which of the addresses accept connections.
func report(addresses []string) {
	found := make([]string, len(addresses))
	var dials sync.WaitGroup
	for i, address := range addresses {
		dials.Go(func() {
			connection, err := net.DialTimeout("tcp", address, patience)
			if err != nil {
				found[i] = "refused"
				return
			}
			found[i] = "reached"
			_ = connection.Close() // Nothing was to be sent.
		})
	}
	dials.Wait()
	for i, address := range addresses {
		fmt.Println(found[i], address)
	}
}
