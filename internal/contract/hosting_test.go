package contract

import (
	"slices"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestHosting(t *testing.T) {
	const memory, live, off = scimv1alpha1.HostingModeMemory, scimv1alpha1.HostingModeLive, scimv1alpha1.HostingMode("")
	own, shared := scimv1alpha1.TenantServer{Name: "acme-scim"}, scimv1alpha1.TenantServer{Name: "shared-scim-server", Host: "acme.example.com"}
	in := func(server scimv1alpha1.TenantServer, mode scimv1alpha1.HostingMode) scimv1alpha1.TenantServer {
		server.Mode = mode
		return server
	}
	for name, tc := range map[string]struct {
		servers          []scimv1alpha1.TenantServer
		own, shared      scimv1alpha1.HostingMode
		ownDrains, drain bool // the shared one
	}{
		"a tenant that was never moved":    {nil, memory, off, false, false},
		"one of a shared server":           {[]scimv1alpha1.TenantServer{in(shared, memory)}, off, memory, false, false},
		"one whose server reads live":      {[]scimv1alpha1.TenantServer{in(own, live)}, live, off, false, false},
		"before the traffic is led away":   {[]scimv1alpha1.TenantServer{in(own, live), in(shared, live)}, live, live, false, true},
		"after the traffic was led away":   {[]scimv1alpha1.TenantServer{in(shared, live), in(own, live)}, live, live, true, false},
		"one that is back at its own":      {[]scimv1alpha1.TenantServer{in(own, memory)}, memory, off, false, false},
		"one that is served by others now": {[]scimv1alpha1.TenantServer{{Name: "other-scim-server", Mode: memory}}, off, off, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{
				ObjectMeta: metav1.ObjectMeta{Name: "acme"},
				// What the spec asks for is not what is.
				Spec: scimv1alpha1.ScimTenantSpec{
					ServerRef: scimv1alpha1.ServerReference{Name: "shared"}, Endpoint: scimv1alpha1.EndpointSpec{Host: "other.example.com"},
				},
				Status: scimv1alpha1.ScimTenantStatus{Servers: tc.servers},
			}
			for server, want := range map[string]scimv1alpha1.HostingMode{ServiceName("acme"): tc.own, SharedServiceName("shared"): tc.shared} {
				if how, hosted := Hosting(tenant, server); how.Mode != want || hosted != (want != off) {
					t.Errorf("%s hosts it in mode %q (%t), want %q", server, how.Mode, hosted, want)
				}
			}
			if how, hosted := Hosting(tenant, "shared-scim-server"); hosted && how.Host != "acme.example.com" {
				t.Errorf("the shared server has it at %q", how.Host)
			}
			if Moving(tenant) != (tc.own == live || tc.shared == live) {
				t.Errorf("it is moved: %t", Moving(tenant))
			}
			if Draining(tenant, "acme-scim") != tc.ownDrains || Draining(tenant, "shared-scim-server") != tc.drain {
				t.Errorf("draining: %t, %t", Draining(tenant, "acme-scim"), Draining(tenant, "shared-scim-server"))
			}
		})
	}
}

func TestHasReached(t *testing.T) {
	stating := func(revision string) (lease coordinationv1.Lease) {
		lease.Annotations = map[string]string{AnnotationTenantsRevision: revision}
		return lease
	}
	if StatesTenants(coordinationv1.Lease{}) || !StatesTenants(stating("9")) {
		t.Error("a pod states what it goes by if and only if its Lease has the annotation")
	}
	for revision, want := range map[string]bool{"": false, "9": false, "10": true, "11": true, "new": false} {
		if HasReached(stating(revision), "10") != want {
			t.Errorf("a pod that states %q has reached 10: %t", revision, !want)
		}
	}
}

func TestIsServiceHost(t *testing.T) {
	for host, want := range map[string]bool{
		"acme-scim": true, "acme-scim.team": true, "acme-scim.team.svc.cluster.local": true,
		"shared-scim-server": true, "shared-scim-server.team.svc": true, "SHARED-scim-server.team.svc": true,
		"ACME-scim.team.svc": true, "my-scim-scim": true, "acme-scim.example.com": false, "acme-scim.other": false, "acme-scim.svc": false,
		"shared-scim-server.other.svc": false, "acme.team.svc": false, "acme": false, "-scim": false, "team": false, "": false,
	} {
		if is := IsServiceHost(host, "team"); is != want {
			t.Errorf("%q is a host of a Service: %t, want %t", host, is, want)
		}
	}
}

func TestSharedServersOf(t *testing.T) {
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{ServerRef: scimv1alpha1.ServerReference{Name: "two"}},
		Status: scimv1alpha1.ScimTenantStatus{Servers: []scimv1alpha1.TenantServer{
			{Name: ServiceName("acme")}, {Name: SharedServiceName("one")}, {Name: SharedServiceName("two")},
		}},
	}
	if got := SharedServersOf(tenant); !slices.Equal(got, []string{"two", "one"}) {
		t.Errorf("the tenant is hosted by, or to be at, %v", got)
	}
	if got := SharedServersOf(&scimv1alpha1.ScimTenant{}); len(got) > 0 {
		t.Errorf("a tenant with a server of its own is at %v", got)
	}
}
