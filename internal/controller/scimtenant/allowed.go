package scimtenant

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
)

// refusals are what a tenant asks for and the operator's configuration does not
// allow, in words for its author.
type refusals struct {
	// endpoint keeps the Ingress from being written.
	endpoint []string
	// server keeps the Deployment from being written.
	server []string
}

func (r refusals) any() bool { return len(r.endpoint)+len(r.server) > 0 }

// String says what is refused and who can change that.
func (r refusals) String() string {
	return strings.Join(slices.Concat(r.endpoint, r.server), "; ") +
		": take it out of the spec, or ask whoever runs the operator to allow it in the operator's configuration"
}

// refuse compares what a tenant asks for with what is allowed.
func refuse(tenant *scimv1alpha1.ScimTenant, allow config.Allow) refusals {
	var r refusals
	endpoint := tenant.Spec.Endpoint
	if endpoint.Host != "" && !allow.Host(tenant.Namespace, endpoint.Host) {
		r.endpoint = append(r.endpoint, fmt.Sprintf("spec.endpoint.host %q is not allowed for namespace %q (allow.hosts)",
			endpoint.Host, tenant.Namespace))
	}
	for _, key := range slices.Sorted(maps.Keys(endpoint.Ingress.Annotations)) {
		if !allow.IngressAnnotation(key) {
			r.endpoint = append(r.endpoint, fmt.Sprintf("annotation %q in spec.endpoint.ingress.annotations is not allowed (allow.ingressAnnotations)", key))
		}
	}
	r.server = allow.RefusedOfServer("spec.server", tenant.Spec.Server)
	return r
}
