package replica

import (
	"encoding/json"
	"fmt"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/accesslog"
)

// registries are those of the tenants. Tenants with the same schema extensions have the same
// one, and it stays the same while they do, since what is kept in memory is of its types.
type registries struct {
	known map[string]*shared // by the extensions
	of    map[string]string  // the extensions of each tenant
}

// shared is a registry, and what follows from it.
type shared struct {
	registry *schema.Registry
	words    accesslog.Words
	tenants  int
}

func newRegistries() *registries {
	return &registries{known: map[string]*shared{}, of: map[string]string{}}
}

// acquire returns the registry of a tenant, which has it from now on. When its schemas are wrong,
// it has the one that it had before.
func (r *registries) acquire(tenant *scimv1alpha1.ScimTenant) (*shared, error) {
	text, err := json.Marshal(tenant.Spec.SchemaExtensions)
	if err != nil {
		return nil, fmt.Errorf("spec.schemaExtensions: %w", err)
	}
	extensions := string(text)
	found, known := r.known[extensions]
	if !known {
		registry, err := contract.Registry(tenant)
		if err != nil {
			return nil, err
		}
		found = &shared{registry: registry, words: accesslog.WordsOf(registry)}
		r.known[extensions] = found
	}
	found.tenants++
	r.release(tenant.Name)
	r.of[tenant.Name] = extensions
	return found, nil
}

// release notes that a tenant has its registry no more.
func (r *registries) release(tenant string) {
	extensions, has := r.of[tenant]
	if !has {
		return
	}
	delete(r.of, tenant)
	former := r.known[extensions]
	if former.tenants--; former.tenants == 0 {
		delete(r.known, extensions)
	}
}
