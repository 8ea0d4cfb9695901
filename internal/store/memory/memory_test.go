package memory_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/conformance"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestMemory(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Memory store")
}

// backend has two tenants; every replica of a tenant is the same store.
type backend struct{ tenant, other *memory.Store }

func (b backend) Replica() store.Store     { return b.tenant }
func (b backend) OtherTenant() store.Store { return b.other }

var registry = func() *schema.Registry {
	registry, err := schema.NewRegistry()
	if err != nil {
		panic(err)
	}
	return registry
}()

var _ = conformance.Run("memory", registry, func() conformance.Backend {
	return backend{tenant: memory.New(), other: memory.New()}
})
