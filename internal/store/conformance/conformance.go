// Package conformance says in tests what every store.Store must do. A backend
// calls Run from a test suite of its own.
package conformance

import (
	"context"
	"errors"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// Backend gives access to one empty place to keep users and groups in.
type Backend interface {
	// Replica returns another Store over the tenant's data.
	Replica() store.Store
	// OtherTenant returns a Store over another tenant's data in the same place.
	OtherTenant() store.Store
}

// Run registers the suite for a backend. open is called before each case.
func Run(name string, registry *schema.Registry, open func() Backend) bool {
	return Context(name+" conforms to store.Store", func() {
		s := &suite{registry: registry}
		BeforeEach(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			DeferCleanup(cancel)
			s.backend = open()
			s.ctx = store.WithActor(ctx, store.Actor{KeyID: "testkey"})
			s.one, s.other = s.backend.Replica(), s.backend.Replica()
		})
		s.describeResources()
		s.describeNames()
		s.describeDeletion()
		s.describeGroups()
		Describe("members", s.describeMembers)
		s.describeLimits()
		s.describeDepartures()
		s.describeLists()
	})
}

// suite is what the cases share.
type suite struct {
	registry   *schema.Registry
	backend    Backend
	ctx        context.Context //nolint:containedctx // It lasts for one case.
	one, other store.Store
}

// user returns a new user resource.
func (s *suite) user(userName string) *scim.Resource {
	return scim.NewResource(s.registry.User(), scim.Complex{
		"userName": userName,
		"active":   true,
		"name":     scim.Complex{"givenName": "Barbara", "familyName": "Jensen"},
		"emails":   []any{scim.Complex{"value": userName, "type": "work", "primary": true}},
		schema.URNEnterpriseUser: scim.Complex{
			"employeeNumber": "701984",
			"manager":        scim.Complex{"value": "26118915", "$ref": "../Users/26118915"},
		},
	})
}

// group returns a new group resource.
func (s *suite) group(displayName string, memberIDs ...string) *scim.Resource {
	group := scim.NewResource(s.registry.Group(), scim.Complex{"displayName": displayName})
	members := scim.MakeMembers(len(memberIDs))
	for _, id := range memberIDs {
		members.Add(scim.Reference{Value: id})
	}
	group.SetMembers(members)
	return group
}

func (s *suite) create(resource *scim.Resource) *scim.Resource {
	GinkgoHelper()
	created, err := s.one.Create(s.ctx, resource, store.Policy{})
	Expect(err).NotTo(HaveOccurred())
	return created
}

func (s *suite) get(from store.Store, t *schema.ResourceType, id string) *scim.Resource {
	GinkgoHelper()
	found, err := from.Get(s.ctx, t, id, store.View{})
	Expect(err).NotTo(HaveOccurred())
	return found
}

func (s *suite) update(in store.Store, t *schema.ResourceType, id string, change store.Change) *scim.Resource {
	GinkgoHelper()
	updated, err := in.Update(s.ctx, t, id, change, store.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return updated
}

func (s *suite) delete(t *schema.ResourceType, id string, policy store.Policy) {
	GinkgoHelper()
	Expect(s.one.Delete(s.ctx, t, id, store.DeleteOptions{Policy: policy})).To(Succeed())
}

func (s *suite) list(from store.Store, t *schema.ResourceType, text string) *store.Page {
	GinkgoHelper()
	query := store.Query{StartIndex: 1, Count: 100}
	if text != "" {
		var err error
		query.Filter, err = filter.Parse(t, text, scim.Leniency{})
		Expect(err).NotTo(HaveOccurred())
	}
	page, err := from.List(s.ctx, t, query)
	Expect(err).NotTo(HaveOccurred())
	return page
}

// set returns a change that sets an attribute.
func set(attribute string, value any) store.Change {
	return func(current *scim.Resource) (*scim.Resource, error) {
		next := current.Clone()
		next.Attributes()[attribute] = value
		return next, nil
	}
}

// addMember returns a change that adds a member to a group.
func addMember(id string) store.Change {
	return func(current *scim.Resource) (*scim.Resource, error) {
		next := current.Clone()
		next.SetMembers(next.Members().And(scim.MembersOf([]scim.Reference{{Value: id}})))
		return next, nil
	}
}

// beSCIM matches an error that tells the client the status and the scimType.
func beSCIM(status int, scimType scim.ErrorType) OmegaMatcher {
	return WithTransform(func(err error) scim.Error {
		var protocol *scim.Error
		if !errors.As(err, &protocol) {
			return scim.Error{}
		}
		return scim.Error{Status: protocol.Status, Type: protocol.Type}
	}, Equal(scim.Error{Status: status, Type: scimType}))
}

// beForbidden matches an error for what is not permitted, by its reason.
func beForbidden(reason scim.Reason) OmegaMatcher { return beFor(http.StatusForbidden, reason) }

// beFor matches an error with the status, by its reason.
func beFor(status int, reason scim.Reason) OmegaMatcher {
	return WithTransform(func(err error) scim.Reason {
		var protocol *scim.Error
		if !errors.As(err, &protocol) || protocol.Status != status {
			return ""
		}
		return protocol.Reason
	}, Equal(reason))
}

func beNotFound() OmegaMatcher { return beSCIM(http.StatusNotFound, "") }

func beTaken() OmegaMatcher { return beSCIM(http.StatusConflict, scim.Uniqueness) }

func idsOf(page *store.Page) []string {
	ids := make([]string, len(page.Resources))
	for i, resource := range page.Resources {
		ids[i] = resource.ID()
	}
	return ids
}
