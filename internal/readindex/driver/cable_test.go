package driver_test

import (
	"context"
	"errors"
	"net"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
)

// cable is a TCP proxy between two replicas, for the connections of both.
type cable struct {
	mu     sync.Mutex
	cut    bool
	silent bool
	open   map[net.Conn]struct{}
}

// dialFunc is how a replica reaches the others.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// connect puts the cable between two replicas.
func (w *world) connect(one, other *replica) *cable {
	c := &cable{open: map[net.Conn]struct{}{}}
	for from, to := range map[*replica]*replica{one: other, other: one} {
		dial := dialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			lease := &coordinationv1.Lease{}
			err := admin.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: to.name}, lease)
			if err != nil || lease.Annotations[contract.AnnotationPeerAddress] != address {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			return c.dial(ctx, network, address)
		})
		from.dialer.Store(&dial)
	}
	return c
}

// dial dials an address by way of a proxy.
func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	proxy, err := (&net.ListenConfig{}).Listen(ctx, network, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = proxy.Close() }()
	near, err := (&net.Dialer{}).DialContext(ctx, network, proxy.Addr().String())
	if err != nil {
		return nil, err
	}
	back, err := proxy.Accept()
	if err != nil {
		return nil, errors.Join(err, near.Close())
	}
	far, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, errors.Join(err, near.Close(), back.Close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errors.Join(errors.New("the cable is cut"), near.Close(), back.Close(), far.Close())
	}
	c.open[back], c.open[far] = struct{}{}, struct{}{}
	go c.forward(back, far)
	go c.forward(far, back)
	return near, nil
}

func (c *cable) forward(from, to net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		c.mu.Lock()
		silent := c.silent
		c.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_ = from.Close()
			return
		}
	}
}

// set cuts the cable, makes it swallow everything, or mends it.
func (c *cable) set(cut, silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.silent = cut, silent
	if !cut {
		return
	}
	for conn := range c.open {
		_ = conn.Close()
		delete(c.open, conn)
	}
}
