package scimtenant

import (
	"context"
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/operand"
)

// Whoever calls the tenant's own Service may name any host: an IP address, or that of a proxy. So when
// it leads to the pods of a ScimServer, these know by the port whom a request is for. The tenant has
// the port by a claim at the API server, from before it stands in the status until all pods have
// acknowledged that the ScimServer does not serve the tenant any more.

// ownsService reports whether the tenant has a Service of its own, or gets one.
func (s *scope) ownsService() bool { return s.wantsOwn() || s.keepsService() }

// lacksPort reports whether the tenant's own Service is to lead to a ScimServer that has no port for it.
func (s *scope) lacksPort() bool {
	return s.ownsService() && slices.ContainsFunc(s.listed, func(one moving.Server) bool { return isShared(one) && one.Port == 0 })
}

// decide finds the next list of servers, with the ports of a tenant that has a Service of its own.
func (r *Reconciler) decide(ctx context.Context, s *scope, situation moving.Situation) (err error) {
	s.next = moving.Decide(situation)
	if s.ownsService() {
		if situation.Ports, err = r.gatherPorts(ctx, s, slices.Concat(s.listed, s.next)); err != nil {
			return err
		}
		s.next = moving.Decide(situation)
	}
	if ends := len(s.listed) > 0 && !slices.Equal(s.next, s.listed) && s.next[0].Mode == scimv1alpha1.HostingModeMemory; ends {
		return r.releasePorts(ctx, s, s.next[0].Name)
	}
	return nil
}

// gatherPorts returns the ports of the tenant at servers, by their names, and claims one where it has
// none.
func (r *Reconciler) gatherPorts(ctx context.Context, s *scope, servers []moving.Server) (map[string]int32, error) {
	ports := map[string]int32{}
	for _, one := range servers {
		if !isShared(one) || ports[one.Name] != 0 {
			continue
		}
		ports[one.Name] = one.Port
		if one.Port != 0 {
			continue
		}
		port, err := r.claimPort(ctx, s, one.Name)
		if err != nil {
			return nil, err
		}
		ports[one.Name] = port
	}
	return ports, nil
}

func isShared(one moving.Server) bool {
	_, shared := contract.SharedServerOf(one.Name)
	return shared
}

// claimPort returns the port that the tenant has claimed at a ScimServer, and claims one if it has not.
func (r *Reconciler) claimPort(ctx context.Context, s *scope, server string) (port int32, err error) {
	at := r.serverOf(s, server).operand()
	claims, err := r.portClaims(ctx, s, at.Owner)
	if err != nil {
		return 0, err
	}
	used, err := r.statedPorts(ctx, s, at)
	if err != nil {
		return 0, err
	}
	for i := range claims {
		claimed := operand.ClaimedPort(&claims[i], server)
		if claimed != 0 && s.own.Owner.Controls(&claims[i]) {
			return claimed, nil
		}
		used[claimed] = true
	}
	for { // It ends when all ports are used.
		if port, err = operand.FreePort(used); err != nil {
			return 0, fmt.Errorf("finding a port for the tenant's own Service at ScimServer %s: %w; choose another ScimServer", at.Owner.Name, err)
		}
		err = r.Live.Create(ctx, operand.PortClaim(s.own.Owner, at, port))
		switch {
		case err == nil:
			return port, nil
		case !apierrors.IsAlreadyExists(err):
			return 0, fmt.Errorf("claiming port %d at ScimServer %s: %w", port, at.Owner.Name, err)
		}
		used[port] = true // Another tenant was faster, or the Lease of that name is somebody else's.
	}
}

// statedPorts are the ports at a ScimServer that other tenants have by their status, whatever became of
// their claims.
func (r *Reconciler) statedPorts(ctx context.Context, s *scope, at operand.Server) (map[int32]bool, error) {
	tenants := &scimv1alpha1.ScimTenantList{}
	err := r.Client.List(ctx, tenants, client.InNamespace(s.tenant.Namespace), client.MatchingFields{IndexServer: at.Owner.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the tenants of ScimServer %s: %w", at.Owner.Name, err)
	}
	ports := map[int32]bool{}
	for i := range tenants.Items {
		if how, hosted := contract.Hosting(&tenants.Items[i], at.Name); hosted && tenants.Items[i].Name != s.tenant.Name {
			ports[how.Port] = true
		}
	}
	return ports, nil
}

// releasePorts deletes the tenant's claims of ports at all servers but the one that serves it now.
func (r *Reconciler) releasePorts(ctx context.Context, s *scope, server string) error {
	claims, err := r.portClaims(ctx, s, s.own.Owner)
	if err != nil {
		return err
	}
	for i := range claims {
		claim := &claims[i]
		if operand.ClaimedPort(claim, server) != 0 || !s.own.Owner.Controls(claim) {
			continue
		}
		if err := r.Live.Delete(ctx, claim, client.Preconditions{UID: &claim.UID}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("giving up the port of Lease %s: %w", claim.Name, err)
		}
	}
	return nil
}

// portClaims reads at the API server the claims of ports of a tenant, or at a ScimServer.
func (r *Reconciler) portClaims(ctx context.Context, s *scope, of operand.Owner) ([]coordinationv1.Lease, error) {
	claims := &coordinationv1.LeaseList{}
	err := r.Live.List(ctx, claims, client.InNamespace(s.tenant.Namespace), client.MatchingLabels(operand.PortClaimLabels()), client.MatchingLabels{of.Label: of.Name})
	if err != nil {
		return nil, fmt.Errorf("listing the claims of ports: %w", err)
	}
	return claims.Items, nil
}
