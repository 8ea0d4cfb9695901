package kubernetes

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

// metered is a client whose writes are told, for one of the tenants that share its connections.
type metered struct {
	client.Client
	written func(bytes int64)
}

// Create implements client.Client.
func (m metered) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	return m.Client.Create(transport.WithMeter(ctx, m.written), object, opts...)
}

// Update implements client.Client.
func (m metered) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	return m.Client.Update(transport.WithMeter(ctx, m.written), object, opts...)
}

// Patch implements client.Client.
func (m metered) Patch(ctx context.Context, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
	return m.Client.Patch(transport.WithMeter(ctx, m.written), object, patch, opts...)
}
