package servertest

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// The members of messages that say what they are.
const (
	UserSchema  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	GroupSchema = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
	PatchSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
)

// Babs is the body of a user.
const Babs = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen@example.com","name":{"givenName":"Barbara"}}`

// UserNamed is the body of a user with a number in its name.
func UserNamed(number int) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com"}`, number)
}

// CreateBabs creates Babs.
func (h *Harness) CreateBabs() (id string) {
	r := h.Do(http.MethodPost, "/Users", Babs)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.Text)
	return r.Doc["id"].(string)
}

// BulkBody is the body of a bulk request.
func BulkBody(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// BulkDo sends operations and returns the results.
func (h *Harness) BulkDo(operations ...string) []map[string]any {
	r := h.Do(http.MethodPost, "/Bulk", BulkBody(operations...))
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
	h.Expect(r.Doc["schemas"]).To(Equal([]any{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"}))
	var results []map[string]any
	for _, result := range r.Doc["Operations"].([]any) {
		results = append(results, result.(map[string]any))
	}
	return results
}

// Statuses are those of the results of operations.
func Statuses(results []map[string]any) (all []string) {
	for _, result := range results {
		all = append(all, result["status"].(string))
	}
	return all
}

// FirstCreate is a store that does something before the first creation.
type FirstCreate struct {
	store.Store
	Before func()
}

// Create implements store.Store.
func (s *FirstCreate) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	if before := s.Before; before != nil {
		s.Before = nil
		before()
	}
	return s.Store.Create(ctx, resource, policy)
}

// Gate is a store whose creates wait until it is opened or their request ends.
type Gate struct {
	store.Store
	Opened chan struct{}
}

// Create implements store.Store.
func (g Gate) Create(ctx context.Context, r *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	select {
	case <-g.Opened:
		return g.Store.Create(ctx, r, policy)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
