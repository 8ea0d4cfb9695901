package contract

import (
	"net/netip"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/ratelimit"
)

// GrantOf returns what the tokens of a key may be used for. A value that is not known, such
// as one of a later release, permits nothing.
func GrantOf(key *scimv1alpha1.ScimApiKey) apikey.Grant {
	spec := key.Spec
	grant := apikey.Grant{
		Suspended: spec.State != "" && spec.State != scimv1alpha1.APIKeyActive,
		ReadOnly:  key.Access() != scimv1alpha1.APIKeyReadWrite,
		Networks:  Networks(spec.AllowedCIDRs),
	}
	if limits := Limits(spec.RateLimit); limits != (ratelimit.Limits{}) {
		grant.Rate = ratelimit.Key{Name: key.Name, Limits: limits}
	}
	for _, resource := range spec.Resources {
		grant.Resources = append(grant.Resources, string(resource))
	}
	return grant
}

// Limits returns a rate as it is counted; no limit where none is said.
func Limits(rate scimv1alpha1.RateLimit) ratelimit.Limits {
	var limits ratelimit.Limits
	if rate.RequestsPerSecond > 0 {
		limits.Requests = ratelimit.Limit{PerSecond: rate.RequestsPerSecond, Burst: rate.RequestBurst()}
	}
	if rate.WritesPerSecond > 0 {
		limits.Writes = ratelimit.Limit{PerSecond: rate.WritesPerSecond, Burst: rate.WriteBurst()}
	}
	return limits
}

// Networks returns networks as they are compared with addresses; nil for no list. What
// cannot be read is left out, so that a list may be of no network.
func Networks[T ~string](cidrs []T) []netip.Prefix {
	if len(cidrs) == 0 {
		return nil
	}
	networks := make([]netip.Prefix, 0, len(cidrs))
	for _, cidr := range cidrs {
		if network, err := apikey.Network(string(cidr)); err == nil {
			networks = append(networks, network)
		}
	}
	return networks
}
