package operand

import (
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

func TestFreePort(t *testing.T) {
	all := map[int32]bool{}
	for port := contract.FirstTenantPort; port <= contract.LastTenantPort; port++ {
		all[port] = true
	}
	allBut := func(port int32) map[int32]bool {
		some := map[int32]bool{}
		for used := range all {
			some[used] = used != port
		}
		return some
	}
	for name, tc := range map[string]struct {
		used map[int32]bool
		want int32 // 0 for none
	}{
		"none in use":           {nil, 10000},
		"the first ones in use": {map[int32]bool{10000: true, 10001: true}, 10002},
		"a gap":                 {map[int32]bool{10000: true, 10002: true}, 10001},
		"others in use":         {map[int32]bool{0: true, 8080: true, 15000: true}, 10000},
		"the last one is left":  {allBut(contract.LastTenantPort), 14999},
		"all in use":            {all, 0},
	} {
		t.Run(name, func(t *testing.T) {
			port, err := FreePort(tc.used)
			if port != tc.want || (err != nil) != (tc.want == 0) {
				t.Errorf("it is %d, %v, want %d", port, err, tc.want)
			}
		})
	}
}

func TestPortClaim(t *testing.T) {
	owner := TenantOwner(tenant())
	server := SharedServer(&scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: owner.Namespace, Name: "shared"}})
	claim := PortClaim(owner, server, 10007)
	if !owner.Controls(claim) || claim.Namespace != owner.Namespace || claim.Labels[scimv1alpha1.LabelLease] != "port" ||
		claim.Labels[scimv1alpha1.LabelTenant] != owner.Name || claim.Labels[scimv1alpha1.LabelServer] != "shared" || *claim.Spec.HolderIdentity != owner.Name {
		t.Errorf("it is %+v", claim)
	}
	other := PortClaim(Owner{Namespace: owner.Namespace, Name: "globex", Label: scimv1alpha1.LabelTenant}, server, 10007)
	if other.Name != claim.Name {
		t.Errorf("two tenants can have the port, by %s and %s", claim.Name, other.Name)
	}
	for server, want := range map[string]int32{"shared-scim-server": 10007, "other-scim-server": 0} {
		if port := ClaimedPort(claim, server); port != want {
			t.Errorf("it claims port %d at %s, want %d", port, server, want)
		}
	}
	for _, name := range []string{"shared-scim-server-port-", "shared-scim-server-port-x", "shared-scim-server-port-80", "shared-scim-server-port-99999999999", "shared-scim-server-7c9d8-x2x4z"} {
		if port := ClaimedPort(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}, "shared-scim-server"); port != 0 {
			t.Errorf("%s claims port %d", name, port)
		}
	}
}
