package scimtenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
)

// A tenant whose spec names no host gets one by the operator's configuration, if that has a template.
// The host is recorded in the status before it is published: from then on it is the tenant's,
// whatever becomes of the configuration, since an identity provider calls it. For the same reason, a
// tenant that is served without a host of its own gets none: it keeps its URL, and is not led to from
// outside the cluster because somebody has configured the operator.

// gatherHost finds the host that the operator's configuration gives the tenant, and what it adds to
// the endpoint by that.
func (r *Reconciler) gatherHost(ctx context.Context, s *scope) error {
	recorded, err := r.Publisher.Hosts.Chosen(ctx, s.endpoint.Owner.Holder())
	if err != nil {
		return err
	}
	host, err := chooseHost(s.tenant, s.mayGetHost(), r.Publisher.Defaults, recorded)
	if err != nil {
		s.endpoint.Unfit = err.Error()
	}
	if host != "" && host != s.tenant.Status.Host {
		s.endpoint.Undecided = true
		s.pass.Lock() // It is right for the spec that was read.
	}
	s.tenant.Status.Host = host
	s.endpoint.Spec, s.endpoint.Chosen = r.Publisher.Defaults.Of(s.tenant), host != ""
	if namesNoHost(s.tenant) && isServedWithoutHost(s.tenant) {
		s.endpoint.Offered, _ = templateHost(s.tenant, r.Publisher.Defaults) // One that is none is not offered.
	}
	return nil
}

// mayGetHost reports whether the server that the tenant is to have leaves it to the tenant to have a
// host. One on a ScimServer with a host is found there.
func (s *scope) mayGetHost() bool {
	shared, is := s.target.(*sharedServer)
	return !is || shared.found != nil && shared.found.Spec.Endpoint.Host == ""
}

// chooseHost returns the host that the operator's configuration gives a tenant; empty when it gives
// none. serverAllows is what mayGetHost says, and recorded are the hosts that it has given the tenant before. The
// error says, to the tenant's author, why the host that it would give is none.
func chooseHost(t *scimv1alpha1.ScimTenant, serverAllows bool, defaults config.Endpoint, recorded []string) (host string, err error) {
	given := t.Status.Host
	switch {
	case !namesNoHost(t):
		return "", nil
	case given != "" && (strings.HasPrefix(t.Status.URL, "https://"+given+"/") || slices.Contains(recorded, given)):
		return given, nil
	case isServedWithoutHost(t), !serverAllows:
		return "", nil
	case t.Status.ObservedGeneration < 0 && len(recorded) > 0: // The status was lost, as in a restored backup.
		return recorded[0], nil
	default:
		return templateHost(t, defaults)
	}
}

// namesNoHost reports whether the spec leaves it to the operator's configuration to give a host.
func namesNoHost(t *scimv1alpha1.ScimTenant) bool {
	return t.Spec.Endpoint.Host == "" && t.Spec.Endpoint.HostPolicy != scimv1alpha1.HostPolicyNone
}

// isServedWithoutHost reports whether the URL of the tenant is that of its Service, or one of its
// ScimServer.
func isServedWithoutHost(t *scimv1alpha1.ScimTenant) bool {
	return strings.HasPrefix(t.Status.URL, "http://") || strings.HasSuffix(t.Status.URL, contract.SharedPath(t.Name))
}

// templateHost returns the host that the template gives a tenant now; empty when there is no template.
func templateHost(t *scimv1alpha1.ScimTenant, defaults config.Endpoint) (string, error) {
	host, err := defaults.Host(t.Namespace, t.Name)
	if err == nil && host != "" && contract.IsServiceHost(host, t.Namespace) {
		err = errors.New("it is that of a SCIM server's Service inside the cluster, at which clients find its tenants")
	}
	if err != nil {
		return "", fmt.Errorf("the operator's configuration (endpoint.hostTemplate) would give the tenant host %q, which cannot be published: %w. "+
			"Set spec.endpoint.host, or give the tenant a name that fits", host, err)
	}
	return host, nil
}
