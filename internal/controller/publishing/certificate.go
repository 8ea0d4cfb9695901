package publishing

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/controller/certificates"
)

// Finding is what is wrong with a certificate, if anything.
type Finding struct {
	// Reason is that of the condition; empty when nothing is wrong.
	Reason string
	// ExpiringSoon is true of a certificate with which nothing is wrong yet.
	ExpiringSoon bool
	// Message says what is wrong, or until when the certificate is valid.
	Message string
	// again is how soon to look again.
	again time.Duration
}

// GatherCertificate looks at the certificate that the Ingress is to present.
func (p *Publisher) GatherCertificate(ctx context.Context, e *Endpoint) error {
	if e.Spec.TLS.SecretName == "" {
		return nil
	}
	about := certificates.About{
		Owner: e.Owner.UID, Namespace: e.Owner.Namespace, Secret: e.Spec.TLS.SecretName, Host: e.Spec.Host,
	}
	found, err := p.Certificates.Find(ctx, about)
	if err != nil {
		return err
	}
	judged := judge(about, e.field("tls.secretName"), found)
	e.Certificate = &judged
	return nil
}

// judge says what a certificate is worth for a host.
func judge(about certificates.About, field string, found *certificates.Finding) Finding {
	bad := func(reason, message string) Finding {
		return Finding{Reason: reason, Message: message, again: found.Again()}
	}
	switch found.State {
	case certificates.NotFound:
		return bad(scimv1alpha1.ReasonCertificateNotFound, fmt.Sprintf("there is no Secret %q with the certificate for host %q: "+
			"create it, have cert-manager do so, or correct %s", about.Secret, about.Host, field))
	case certificates.Invalid:
		return bad(scimv1alpha1.ReasonCertificateInvalid, fmt.Sprintf("Secret %q has no certificate that can be read: "+
			"make it one of type kubernetes.io/tls", about.Secret))
	case certificates.Expired:
		return bad(scimv1alpha1.ReasonCertificateExpired, fmt.Sprintf("the certificate in Secret %q expired at %s: renew it",
			about.Secret, found.Expires.UTC().Format(time.RFC3339)))
	case certificates.NotYet:
		return bad(scimv1alpha1.ReasonCertificateExpired, fmt.Sprintf("the certificate in Secret %q is not valid before %s: "+
			"wait, or put another one there", about.Secret, found.Begins.UTC().Format(time.RFC3339)))
	case certificates.NotForHost:
		return bad(scimv1alpha1.ReasonCertificateNotForHost, fmt.Sprintf("the certificate in Secret %q is not for host %q: "+
			"put one for that host there", about.Secret, about.Host))
	}
	good := Finding{again: found.Again(), Message: fmt.Sprintf("the certificate in Secret %q is for host %q and valid until %s",
		about.Secret, about.Host, found.Expires.UTC().Format(time.RFC3339))}
	if found.State == certificates.ExpiringSoon {
		good.ExpiringSoon = true
		good.Message += ": renew it, or see why whatever renews it has not done so"
	}
	return good
}

// CertificateValid reports whether the certificate of the endpoint can be used. Who
// has signed it is up to the identity provider.
func (e *Endpoint) CertificateValid() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionCertificateValid
	switch {
	case e.Spec.Host == "":
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, "there is no host, and so no certificate")
	case e.Certificate == nil && e.Spec.TLS.SecretName != "":
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed, "the certificate could not be read; this is retried")
	case e.LacksTLS():
		return conditions.False(conditionType, scimv1alpha1.ReasonTLSRequired, "nothing says which certificate the host has")
	case e.AsksForRoute():
		return conditions.True(conditionType, scimv1alpha1.ReasonTLSElsewhere,
			"TLS ends at the Gateway, whose certificate the operator does not see")
	case e.Certificate == nil:
		return conditions.True(conditionType, scimv1alpha1.ReasonTLSElsewhere,
			"TLS ends elsewhere than at its Ingress, where the operator sees no certificate")
	case e.Certificate.Reason != "":
		return conditions.False(conditionType, e.Certificate.Reason, e.Certificate.Message)
	case e.Certificate.ExpiringSoon:
		return conditions.True(conditionType, scimv1alpha1.ReasonCertificateExpiringSoon, e.Certificate.Message)
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, e.Certificate.Message)
	}
}

// ExpectsCertificate reports whether cert-manager has been asked for a certificate,
// so that nobody needs to act yet.
func (e *Endpoint) ExpectsCertificate() bool {
	for key := range e.Spec.Ingress.Annotations {
		if strings.HasPrefix(key, "cert-manager.io/") {
			return true
		}
	}
	return false
}

// Confirmed reports whether an Ingress controller has taken the Ingress up, or Gateways the HTTPRoute.
func (e *Endpoint) Confirmed() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointConfirmed
	switch {
	case e.Spec.Host == "":
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, "there is no host, and so no Ingress")
	case e.AsksForRoute():
		return e.confirmedByGateways()
	case e.Ingress == nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed, "there is no Ingress yet")
	case len(e.Ingress.Status.LoadBalancer.Ingress) == 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed,
			"no Ingress controller has stated an address for the Ingress: see that one runs for its class. Some never state one"+e.untilConfirmed())
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "the Ingress controller has stated an address for the Ingress")
	}
}

// untilConfirmed says what becomes of an HTTPRoute from before.
func (e *Endpoint) untilConfirmed() string {
	if e.HTTPRoute == nil {
		return ""
	}
	return fmt.Sprintf("; HTTPRoute %q stays until then: delete it if the Ingress is served all the same", e.HTTPRoute.Name)
}

func (e *Endpoint) confirmedByGateways() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointConfirmed
	if e.HTTPRoute == nil {
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed, "there is no HTTPRoute yet")
	}
	if acceptance := acceptanceOf(e.HTTPRoute); acceptance.reason != "" {
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed, acceptance.message)
	}
	return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "all Gateways have accepted the HTTPRoute")
}
