package measure

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// coldStarts is how many server pods are deleted at each size, one after the other.
const coldStarts = 3

// weigh measures what the servers and Kubernetes need after users were created.
func (b *bench) weigh(ctx context.Context, f *result.Footprint) error {
	var err error
	if f.Servers, err = b.tenant.Memory(ctx); err != nil {
		return err
	}
	if f.APIServer, f.Database, err = b.cluster.APIServer(ctx); err != nil {
		return err
	}
	if b.EtcdMetrics != "" {
		if f.Etcd, err = cluster.Etcd(ctx, b.EtcdMetrics); err != nil {
			b.Log("going on without the memory of etcd: %v", err)
		}
	}
	b.Log("%s users: server pods %s, API server %s, etcd %s with a database of %s", result.Thousands(f.Users),
		megabytes(f.Servers...), megabytes(f.APIServer), megabytes(f.Etcd), megabytes(f.Database))
	return nil
}

// restart measures the memory of the servers again, after they have worked, and how long it takes to replace one.
func (b *bench) restart(ctx context.Context, f *result.Footprint) error {
	var err error
	if f.ServersLater, err = b.tenant.Memory(ctx); err != nil {
		return err
	}
	for range coldStarts {
		took, err := b.tenant.ColdStart(ctx)
		if err != nil {
			return err
		}
		f.ColdStarts = append(f.ColdStarts, took.Seconds())
	}
	b.Log("%s users: server pods %s after all reads; replaced in %.1f s", result.Thousands(f.Users),
		megabytes(f.ServersLater...), f.ColdStarts)
	return nil
}

// megabytes writes sizes in bytes.
func megabytes(sizes ...float64) string {
	parts := make([]string, len(sizes))
	for i, size := range sizes {
		parts[i] = fmt.Sprintf("%.0f", size/1e6)
	}
	return strings.Join(parts, ", ") + " MB"
}
