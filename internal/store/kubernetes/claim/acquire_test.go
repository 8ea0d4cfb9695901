package claim

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

const (
	babs = "a0b1c2d3-0000-4000-8000-000000000001"
	jim  = "a0b1c2d3-0000-4000-8000-000000000002"
)

var acme = client.ObjectKey{Namespace: "default", Name: "acme"}

func users(t *testing.T) *schema.ResourceType {
	t.Helper()
	registry, err := schema.NewRegistry()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return registry.User()
}

// people are holders that a test has made up.
type people struct {
	objects map[string]*scimv1alpha1.ScimUser
	// shown are those whom memory shows under any name.
	shown []string
	// unreadable are those whose objects cannot be read.
	unreadable map[string]bool
}

func (p people) Read(_ context.Context, t *schema.ResourceType, id string) (*codec.Record, error) {
	object := p.objects[id]
	switch {
	case p.unreadable[id]:
		return nil, fmt.Errorf("reading %s: %w", id, failure.ErrUnreadable)
	case object == nil:
		return nil, nil
	}
	return codec.Decode(acme.Name, t, object)
}

func (p people) Bearers(*schema.ResourceType, string) (known, kept []string) { return p.shown, nil }

// named is a user of the tenant; a deleted one is kept.
func named(id, userName string, deleted bool) *scimv1alpha1.ScimUser {
	user := &scimv1alpha1.ScimUser{}
	user.Namespace, user.Name = acme.Namespace, id
	user.Spec.TenantRef.Name, user.Spec.UserName = acme.Name, userName
	if deleted {
		user.Labels = map[string]string{scimv1alpha1.LabelDeleted: "true"}
	}
	return user
}

func newClaims(t *testing.T, holders Holders, objects ...client.Object) Claims {
	t.Helper()
	scheme := runtime.NewScheme()
	g := NewWithT(t)
	g.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	g.Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	return New(fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build(), acme, holders)
}

// Who asks for a name that nobody else has gets its claim; a name that somebody has is
// refused, and told of one who is kept.
func TestAcquire(t *testing.T) {
	const name = "babs@example.com"
	for subject, c := range map[string]struct {
		holder     string // of the claim; empty for none
		objects    []*scimv1alpha1.ScimUser
		shown      []string
		unreadable string
		status     int    // of the refusal; 0 for none
		shared     bool   // jim held it already
		kept       string // who is kept with the name
		holds      string // who holds the claim in the end
	}{
		"a name that nobody has":                    {holds: jim},
		"one that somebody has":                     {holder: babs, objects: []*scimv1alpha1.ScimUser{named(babs, "BABS@example.com", false)}, status: http.StatusConflict, holds: babs},
		"one that who asks holds":                   {holder: jim, shared: true, holds: jim},
		"one that a kept user has":                  {holder: babs, objects: []*scimv1alpha1.ScimUser{named(babs, name, true)}, kept: babs, holds: babs},
		"one whose holder cannot be read":           {holder: babs, unreadable: babs, status: http.StatusConflict, holds: babs},
		"one that somebody has who lost the claim":  {objects: []*scimv1alpha1.ScimUser{named(babs, name, false)}, shown: []string{babs}, status: http.StatusConflict, holds: babs},
		"one that memory shows at who has another":  {objects: []*scimv1alpha1.ScimUser{named(babs, "barbara@example.com", false)}, shown: []string{babs}, holds: jim},
		"one of a kept user who has lost the claim": {objects: []*scimv1alpha1.ScimUser{named(babs, name, true)}, shown: []string{babs}, kept: babs, holds: babs},
	} {
		t.Run(subject, func(t *testing.T) {
			g, users := NewWithT(t), users(t)
			holders := people{objects: map[string]*scimv1alpha1.ScimUser{}, shown: c.shown, unreadable: map[string]bool{c.unreadable: true}}
			for _, object := range c.objects {
				holders.objects[object.Name] = object
			}
			claims := newClaims(t, holders)
			if c.holder != "" {
				_, err := claims.Create(t.Context(), users, name, c.holder)
				g.Expect(err).NotTo(HaveOccurred())
			}
			found, err := claims.Acquire(t.Context(), users, name, jim)
			g.Expect(failure.Status(err)).To(Equal(c.status))
			if c.status == 0 {
				g.Expect(err).NotTo(HaveOccurred())
			}
			g.Expect(found.Shared).To(Equal(c.shared))
			kept := ""
			if found.Kept != nil {
				kept = found.Kept.Object.GetName()
			}
			g.Expect(kept).To(Equal(c.kept))
			lease, err := claims.Get(t.Context(), users, name)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(HolderOf(lease)).To(Equal(c.holds))
		})
	}
}

// A claim is that of a tenant, an attribute and a name, however it is written.
func TestKey(t *testing.T) {
	g, users := NewWithT(t), users(t)
	claims := newClaims(t, people{})
	key := claims.Key(users, "babs@example.com")
	g.Expect(key.Namespace).To(Equal(acme.Namespace))
	g.Expect(claims.Key(users, "BABS@example.com")).To(Equal(key))
	g.Expect(claims.Key(users, "jim@example.com")).NotTo(Equal(key))
	other := New(claims.client, client.ObjectKey{Namespace: acme.Namespace, Name: "globex"}, people{})
	g.Expect(other.Key(users, "babs@example.com")).NotTo(Equal(key))
	g.Expect(key.Name).To(HavePrefix("scim-claim-"))
	g.Expect(key.Name).NotTo(ContainSubstring("babs"), "names of Leases are read by more people than users are")
}
