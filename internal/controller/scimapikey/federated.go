package scimapikey

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/oauth"
)

// A federated key has no token: there is nothing to make, to hand over and to rotate. What
// decides about it is in its spec, its tenant's and the operator's configuration.

// decideFederated says what keeps a federated key from working.
func decideFederated(s *scope) decision {
	federation := federationOf(s)
	if !issuerAllowed(s.issuers, federation) {
		return decision{problem: issuerNotAllowed(federation)}
	}
	if err := checkCABundle(federation.CABundle); err != nil {
		return decision{problem: &problem{
			reason:  scimv1alpha1.ReasonInvalidCABundle,
			message: fmt.Sprintf("spec.federated.caBundle cannot be used: %v", err),
		}}
	}
	return decision{}
}

// federationOf returns which assertions stand for a federated key. While there is no tenant,
// it is as for one that says nothing.
func federationOf(s *scope) *apikey.Federation {
	tenant := s.tenant
	if tenant == nil {
		tenant = &scimv1alpha1.ScimTenant{}
	}
	return contract.FederationOf(tenant, s.key)
}

// issuerAllowed reports whether the servers may fetch the keys of the issuer: those of the
// cluster always, and those of others from one of the places where they are.
func issuerAllowed(issuers contract.Hosts, federation *apikey.Federation) bool {
	if len(federation.KeysURLs) > 0 {
		return slices.ContainsFunc(federation.KeysURLs, issuers.AllowsURL)
	}
	return federation.Cluster || issuers.AllowsURL(federation.Issuer)
}

// issuerNotAllowed is the problem of an issuer that the operator's configuration does not
// have.
func issuerNotAllowed(federation *apikey.Federation) *problem {
	host := federation.Issuer
	if u, err := url.Parse(federation.Issuer); err == nil {
		host = u.Host
	}
	return &problem{
		reason: scimv1alpha1.ReasonNotAllowed,
		message: fmt.Sprintf("tokens of %s are not accepted, since issuers of host %q are not allowed (allow.issuers.hosts): "+
			"ask whoever runs the operator to allow it in the operator's configuration, or delete the key", federation.Issuer, host),
	}
}

// checkCABundle says what is wrong with certificates in PEM; nothing when there are none.
func checkCABundle(bundle string) error {
	block, rest := pem.Decode([]byte(bundle))
	for ; block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("it has a %s beside certificates: take it out", block.Type)
		}
		if len(block.Headers) > 0 { // The servers pass over such a one.
			return errors.New("one of its certificates has headers of PEM, and cannot be read: take them out")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("one of its certificates cannot be read (%w): write it anew", err)
		}
	}
	if len(strings.TrimSpace(string(rest))) > 0 {
		return errors.New("it has something that is no certificate in PEM: take it out, or write the certificate anew")
	}
	return nil
}

// setFederated writes into the status of a federated key how it is used.
func setFederated(s *scope, uses map[string]time.Time) {
	status, federation := &s.key.Status, federationOf(s)
	before, keyID := status.KeyID, ""
	if s.tenant != nil {
		keyID = contract.FederatedKeyID(s.key, federation)
	}
	var used metav1.Time
	if keyID == before {
		used = status.Federated.LastUsedTime
	}
	if keyID != "" {
		used = later(used, uses[keyID])
	}
	status.KeyID = keyID
	status.Federated = scimv1alpha1.FederationStatus{ClientID: contract.ClientID(s.key), TokenURL: oauth.TokenURL(s.url()), LastUsedTime: used}
	if s.tenant != nil {
		for _, audience := range federation.Audiences {
			status.Federated.Audiences = append(status.Federated.Audiences, scimv1alpha1.Audience(audience))
		}
	}
}

// acceptedFederated reports what is known of whether tokens of its issuer are accepted for a
// federated key: the servers find that out when one comes.
func acceptedFederated(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionCredentialsAccepted
	stated := stating(s.replicas)
	before := s.tenantNotBefore()
	switch {
	case s.expired():
		return conditions.False(conditionType, scimv1alpha1.ReasonExpired, expiry(s))
	case s.decision.problem != nil:
		return conditions.False(conditionType, s.decision.problem.reason, s.decision.problem.message)
	case s.now.Before(before.Time):
		return conditions.False(conditionType, scimv1alpha1.ReasonEarly,
			fmt.Sprintf("ScimTenant %q refuses tokens that were issued before %s", s.key.Spec.TenantRef.Name, before.UTC().Format(time.RFC3339)))
	case len(stated) == 0, serverNotFound(s.tenant) != nil:
		return acceptedByNobody(s)
	case slices.ContainsFunc(stated, contract.GoesByVerifiers):
		return conditions.False(conditionType, scimv1alpha1.ReasonWaitingForServer,
			"waiting until no server replica of the release before runs, which knows no federated keys")
	case s.key.Status.Federated.LastUsedTime.IsZero():
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonNotUsed,
			"no token of the issuer has been accepted so far; why one is refused is in the log of the server")
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonUsed, fmt.Sprintf("the key was last used in the hour from %s on",
			s.key.Status.Federated.LastUsedTime.UTC().Format(time.RFC3339)))
	}
}

// howFederated says how a federated key is used, or that it cannot be.
func howFederated(s *scope) string {
	if s.key.State() == scimv1alpha1.APIKeySuspended {
		return "every request with the key is refused, as spec.state says"
	}
	federation := federationOf(s)
	issuer := federation.Issuer
	if federation.Cluster {
		issuer = "the cluster"
	}
	endpoint := s.key.Status.Federated.TokenURL
	if endpoint == "" {
		endpoint = "the token endpoint, once the tenant has a URL"
	}
	return fmt.Sprintf("tokens of %s with sub %q are exchanged for access tokens at %s", issuer, federation.Claims["sub"], endpoint)
}
