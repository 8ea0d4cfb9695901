package replica

import (
	"context"
	"log/slog"
	"testing"

	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
)

// single is a server of the tenant acme alone, and what it states.
type single struct {
	*hosted
	listed       *scimv1alpha1.ScimTenant // what a list brings, at its resourceVersion
	acme         *acme
	acknowledged string
	era          readindex.Era
}

func newSingle(t *testing.T) *single {
	t.Helper()
	s := &single{acme: &acme{}, era: readindex.Era{Epoch: 1}}
	lists := interceptor.NewClient(nil, interceptor.Funcs{
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
			into := list.(*unstructured.UnstructuredList)
			into.SetResourceVersion(s.listed.ResourceVersion)
			into.Items = append(into.Items, *encoded(s.listed))
			return nil
		},
	})
	registry, err := schema.NewRegistry()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	s.hosted = (&Replica{
		Client: lists, Tenants: s.acme, Members: s, Name: "acme", Log: slog.New(slog.DiscardHandler),
		plain: &shared{registry: registry, words: accesslog.WordsOf(registry)},
	}).newHosted()
	return s
}

// Accept implements Members.
func (*single) Accept(string, readindex.Era) {}

// AcceptTenants implements Members, as a driver.Replica in the era.
func (s *single) AcceptTenants(revision string, era readindex.Era, _ bool) {
	if era == s.era {
		s.acknowledged = revision
	}
}

// Era implements Members.
func (s *single) Era() (readindex.Era, <-chan struct{}) { return s.era, nil }

// acme is the runtime of the tenant.
type acme struct {
	mode  scimv1alpha1.HostingMode
	waits []func() // for the end of requests
}

func (r *acme) Open(string) Tenant                    { return r }
func (*acme) Close(string) (gone func())              { return func() {} }
func (*acme) Begin()                                  {}
func (r *acme) Configure(configuration Configuration) { r.mode = configuration.Mode }
func (r *acme) Outlast(ended func())                  { r.waits = append(r.waits, ended) }
func (*acme) Accept(_ auth.Keys, retired func())      { retired() }
func (*acme) Explain(map[string]apikey.Ended)         {}

// endRequests ends all that is under way.
func (r *acme) endRequests() {
	for _, ended := range r.waits {
		ended()
	}
	r.waits = nil
}

// acmeAt is the tenant at a resourceVersion, hosted by its own server in a mode, or by another one
// if that is empty.
func acmeAt(revision string, mode scimv1alpha1.HostingMode) *scimv1alpha1.ScimTenant {
	server := scimv1alpha1.TenantServer{Name: "acme-scim", Mode: mode}
	if mode == "" {
		server = scimv1alpha1.TenantServer{Name: "shared-scim-server", Mode: scimv1alpha1.HostingModeMemory}
	}
	return &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Name: "acme", ResourceVersion: revision},
		Status:     scimv1alpha1.ScimTenantStatus{Servers: []scimv1alpha1.TenantServer{server}},
	}
}

const (
	inMemory = scimv1alpha1.HostingModeMemory
	live     = scimv1alpha1.HostingModeLive
	off      = scimv1alpha1.HostingMode("")
)

func TestAModeIsAcknowledgedOnceWhatBeganInAnotherOneHasEnded(t *testing.T) {
	g, s := NewWithT(t), newSingle(t)
	s.listed = acmeAt("10", inMemory)
	g.Expect(s.list(t.Context(), s.era)).To(Equal("10"))
	g.Expect(s.acknowledged).To(Equal("10"), "nothing has begun")
	for _, step := range []struct {
		revision, before string
		mode             scimv1alpha1.HostingMode
	}{{"11", "10", live}, {"12", "11", off}, {"13", "12", live}, {"14", "13", inMemory}} {
		g.Expect(s.change(t.Context(), watch.Modified, acmeAt(step.revision, step.mode))).To(Succeed())
		g.Expect(s.acme.mode).To(Equal(step.mode))
		g.Expect(s.acknowledged).To(Equal(step.before))
		s.acme.endRequests()
		g.Expect(s.acknowledged).To(Equal(step.revision))
	}
	g.Expect(s.change(t.Context(), watch.Modified, acmeAt("15", inMemory))).To(Succeed())
	g.Expect(s.acknowledged).To(Equal("15"), "it goes on as it was")
}

// Whoever was cut off, and comes back to find that another server has the tenant, is no member, and so
// tells no client of what it did, before that has ended.
func TestInAnotherEraNothingIsAcknowledgedThatWasBegunBefore(t *testing.T) {
	g, s := NewWithT(t), newSingle(t)
	s.listed = acmeAt("10", inMemory)
	g.Expect(s.list(t.Context(), s.era)).To(Equal("10"))
	s.era, s.acknowledged = readindex.Era{Epoch: 2}, ""
	g.Expect(s.change(t.Context(), watch.Modified, acmeAt("11", inMemory))).To(Succeed())
	g.Expect(s.acknowledged).To(BeEmpty(), "the watch may be as old as the list that it goes on from")
	s.listed = acmeAt("20", off)
	g.Expect(s.list(t.Context(), s.era)).To(Equal("20"))
	g.Expect(s.acme.mode).To(Equal(off))
	g.Expect(s.acknowledged).To(BeEmpty())
	s.acme.endRequests()
	g.Expect(s.acknowledged).To(Equal("20"))
}

func TestATenantOfARewrittenHistoryIsAsItIsThere(t *testing.T) {
	g, s := NewWithT(t), newSingle(t)
	s.listed = acmeAt("2000", live)
	g.Expect(s.list(t.Context(), s.era)).To(Equal("2000"))
	s.era.History++
	s.listed = acmeAt("1000", off)
	g.Expect(s.list(t.Context(), s.era)).To(Equal("1000"))
	s.acme.endRequests()
	g.Expect(s.acme.mode).To(Equal(off))
	g.Expect(s.acknowledged).To(Equal("1000"))
}

// What a tenant without a host asks for in its path says nothing about the URL of its server, which
// is that of all its tenants.
func TestAPathAtTheOwnServiceIsNotTheServersURL(t *testing.T) {
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"}}
	for url, want := range map[string]Configuration{
		"https://scim.example.com/acme/scim/v2":           {AtServer: true, ServerURL: "https://scim.example.com"},
		"http://shared-scim-server.team.svc/acme/scim/v2": {AtServer: true},
		"http://acme-scim.team.svc/scim/v2":               {},
		"http://acme-scim.team.svc/acme/scim/v2":          {},
	} {
		tenant.Status.URL = url
		var c Configuration
		c.share(tenant, "")
		if c.AtServer != want.AtServer || c.ServerURL != want.ServerURL {
			t.Errorf("of %s, it is at its server: %t, at %q", url, c.AtServer, c.ServerURL)
		}
	}
}

// How many replicas share what may be written, the spec says of the tenant's own server alone.
func TestReplicasOfASharedServerAreThoseThatThereAre(t *testing.T) {
	tenant := acmeAt("1", inMemory)
	tenant.Spec.Server.Replicas = 3
	if own := newSingle(t).configuration(tenant).Settings.MostReplicas; own != 3 {
		t.Errorf("of its own server, there may be %d", own)
	}
	shared := (&Replica{Server: "shared", Members: newSingle(t), Log: slog.New(slog.DiscardHandler)}).newHosted()
	if most := shared.configuration(tenant).Settings.MostReplicas; most != 0 {
		t.Errorf("of a shared server, there may be %d", most)
	}
}
