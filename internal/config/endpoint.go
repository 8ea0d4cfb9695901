package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Endpoint is what a tenant gets whose spec names no host. It need not be allowed: whoever
// writes it decides that too.
type Endpoint struct {
	// HostTemplate is the host, in which placeholders stand for the tenant. Tenants
	// get none when it is empty.
	HostTemplate string `json:"hostTemplate"`
	// TLS says how the hosts are served over TLS. Its secretName may have placeholders, too.
	TLS scimv1alpha1.EndpointTLS `json:"tls"`
	// Ingress shapes the Ingresses.
	Ingress scimv1alpha1.EndpointIngress `json:"ingress"`
	// HTTPRoute has Gateways publish the hosts instead.
	HTTPRoute scimv1alpha1.EndpointHTTPRoute `json:"httpRoute"`
}

// Placeholders in templates.
const (
	placeholderTenant    = "{tenant}"
	placeholderNamespace = "{namespace}"
)

// fill puts the names of a tenant into a template.
func fill(template, namespace, tenant string) string {
	return strings.NewReplacer(placeholderTenant, tenant, placeholderNamespace, namespace).Replace(template)
}

// Host returns the host that the template gives a tenant; empty when there is no template. The
// error says why that is none.
func (e Endpoint) Host(namespace, tenant string) (string, error) {
	if e.HostTemplate == "" {
		return "", nil
	}
	host := fill(e.HostTemplate, namespace, tenant)
	return host, checkHost(host)
}

// Of returns the endpoint of a tenant: that of its spec, and what is said here for the host that
// it was given. What a tenant says of its endpoint beside the host has no other default here.
func (e Endpoint) Of(t *scimv1alpha1.ScimTenant) scimv1alpha1.EndpointSpec {
	endpoint := t.Spec.Endpoint
	if endpoint.Host == "" && t.Host() != "" {
		endpoint.Host, endpoint.TLS, endpoint.Ingress, endpoint.HTTPRoute = t.Host(), e.TLS, e.Ingress, e.HTTPRoute
		endpoint.TLS.SecretName = fill(e.TLS.SecretName, t.Namespace, t.Name)
	}
	return endpoint
}

// checkHost says what is wrong with a host, as the API server does of one in a spec.
func checkHost(host string) error {
	if len(host) > validation.DNS1123SubdomainMaxLength {
		return fmt.Errorf("it has %d characters, and may have %d", len(host), validation.DNS1123SubdomainMaxLength)
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > validation.DNS1123LabelMaxLength {
			return fmt.Errorf("%q in it has %d characters, and may have %d", label, len(label), validation.DNS1123LabelMaxLength)
		}
		if len(validation.IsDNS1123Label(label)) > 0 {
			return fmt.Errorf("%q in it must have lower-case letters, digits and '-' only, and begin and end with a letter or a digit", label)
		}
	}
	return nil
}

func (e Endpoint) validate() []error {
	var problems []error
	report := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("endpoint.%s: %w", field, err))
		}
	}
	if e.HostTemplate != "" {
		report("hostTemplate", checkTemplate(e.HostTemplate))
	}
	report("tls", e.checkTLS())
	report("httpRoute", e.checkRoute())
	if class := e.Ingress.ClassName; class != "" && len(validation.IsDNS1123Subdomain(class)) > 0 {
		report("ingress.className", fmt.Errorf("%q is no name of an IngressClass", class))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Ingress.Annotations)) {
		// Kubernetes does not look at the case of a prefix.
		if len(validation.IsQualifiedName(strings.ToLower(key))) > 0 {
			report("ingress.annotations", fmt.Errorf("%q is no key of an annotation", key))
		}
	}
	return problems
}

// checkTemplate fills a template with the shortest names that a tenant and its namespace may have.
func checkTemplate(template string) error {
	if !strings.Contains(template, placeholderTenant) {
		return fmt.Errorf("%q must have %s in it, where the name of the tenant goes: a host belongs to one tenant", template, placeholderTenant)
	}
	host := fill(template, "n", "t")
	if strings.ContainsAny(host, "{}") {
		return fmt.Errorf("%q may have the placeholders %s and %s, and no other ones", template, placeholderTenant, placeholderNamespace)
	}
	if err := checkHost(host); err != nil {
		return fmt.Errorf("%q gives no DNS name, such as %q: %w", template, host, err)
	}
	if !strings.Contains(host, ".") {
		return fmt.Errorf("%q gives a name without a domain: write, for example, %s.scim.example.com", template, placeholderTenant)
	}
	return nil
}

// isRouted reports whether Gateways publish the hosts.
func (e Endpoint) isRouted() bool { return len(e.HTTPRoute.ParentRefs) > 0 }

// mostGateways is how many Gateways a tenant may name, too.
const mostGateways = 4

func (e Endpoint) checkRoute() error {
	if e.isRouted() && (e.Ingress.ClassName != "" || len(e.Ingress.Annotations) > 0) {
		return errors.New("a host has an Ingress or an HTTPRoute: take out endpoint.ingress, or else this")
	}
	if len(e.HTTPRoute.ParentRefs) > mostGateways {
		return fmt.Errorf("has %d parentRefs, and may have %d", len(e.HTTPRoute.ParentRefs), mostGateways)
	}
	for i, gateway := range e.HTTPRoute.ParentRefs {
		switch {
		case len(validation.IsDNS1123Subdomain(gateway.Name)) > 0:
			return fmt.Errorf("parentRefs[%d].name: %q is no name of a Gateway", i, gateway.Name)
		case gateway.Namespace != "" && len(validation.IsDNS1123Label(gateway.Namespace)) > 0:
			return fmt.Errorf("parentRefs[%d].namespace: %q is no name of a namespace", i, gateway.Namespace)
		case gateway.SectionName != "" && len(validation.IsDNS1123Subdomain(gateway.SectionName)) > 0:
			return fmt.Errorf("parentRefs[%d].sectionName: %q is no name of a listener", i, gateway.SectionName)
		}
	}
	return nil
}

func (e Endpoint) checkTLS() error {
	name, termination := e.TLS.SecretName, e.TLS.Termination
	switch termination {
	case "", scimv1alpha1.TLSTerminationIngress, scimv1alpha1.TLSTerminationElsewhere:
	default:
		return fmt.Errorf("termination must be %s or %s, and not %q", scimv1alpha1.TLSTerminationIngress, scimv1alpha1.TLSTerminationElsewhere, termination)
	}
	switch elsewhere := termination == scimv1alpha1.TLSTerminationElsewhere; {
	case elsewhere && name != "":
		return fmt.Errorf("has a secretName, which the Ingresses would present, and termination %s: take out one of them", termination)
	case name != "" && e.isRouted():
		return errors.New("has a secretName, which an Ingress would present: with httpRoute, TLS ends at the Gateway, whose listener has the certificate")
	case e.isRouted():
		return nil
	case !elsewhere && name == "" && (e.HostTemplate != "" || termination != ""):
		return fmt.Errorf("tokens must not travel in the clear: set secretName to the Secret with the certificate, in the namespace of each tenant, "+
			"or termination to %s if the Ingress controller, or what is in front of it, has one", scimv1alpha1.TLSTerminationElsewhere)
	case name != "" && len(validation.IsDNS1123Subdomain(fill(name, "n", "t"))) > 0:
		return fmt.Errorf("secretName %q must be a name of a Secret, in which %s and %s may stand for those of the tenant", name, placeholderTenant, placeholderNamespace)
	}
	return nil
}
