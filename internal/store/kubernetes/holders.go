package kubernetes

import (
	"context"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

// holders are the users and groups of the tenant, as claims ask for them.
type holders struct {
	objects *objects.Reader
	cache   *cache.Cache
}

// Read implements claim.Holders.
func (h holders) Read(ctx context.Context, t *schema.ResourceType, id string) (*codec.Record, error) {
	return h.objects.Read(ctx, t, id)
}

// Bearers implements claim.Holders.
func (h holders) Bearers(t *schema.ResourceType, name string) (known, kept []string) {
	shown, left := h.cache.Index().Names().Bearers(t, name)
	return textsOf(shown), textsOf(left)
}

// textsOf returns ids as they are told.
func textsOf(ids []uuid.UUID) (texts []string) {
	for _, id := range ids {
		texts = append(texts, id.String())
	}
	return texts
}
