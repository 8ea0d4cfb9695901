package publishing

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/operand"
)

// How soon to look again at a certificate: one that is good may be replaced, and
// one that is not is likely to be. No watch tells, since to watch Secrets is to
// get them all.
const (
	goodCertificateInterval = 10 * time.Minute
	badCertificateInterval  = 10 * time.Second
)

// certificateOf is which certificate a finding is about.
type certificateOf struct {
	owner        types.UID
	secret, host string
}

// findings remembers what was found about certificates, so that not every
// reconciliation reads a Secret.
type findings struct {
	mu    sync.Mutex
	found map[types.UID]Finding
}

// Finding is what is wrong with a certificate, if anything.
type Finding struct {
	about certificateOf
	// Reason is that of the condition; empty when nothing is wrong.
	Reason string
	// ExpiringSoon is true of a certificate with which nothing is wrong yet.
	ExpiringSoon bool
	// Message says what is wrong, or until when the certificate is valid.
	Message string
	// until is when to look again.
	until time.Time
}

func (f *findings) get(about certificateOf, now time.Time) (Finding, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.found[about.owner]
	return last, ok && last.about == about && now.Before(last.until)
}

func (f *findings) set(found Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.found == nil {
		f.found = map[types.UID]Finding{}
	}
	f.found[found.about.owner] = found
}

func (f *findings) forget(owner types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.found, owner)
}

// GatherCertificate looks at the certificate that the Ingress is to present.
func (p *Publisher) GatherCertificate(ctx context.Context, e *Endpoint) error {
	endpoint, now := e.Spec, time.Now()
	if endpoint.TLS.SecretName == "" {
		return nil
	}
	about := certificateOf{owner: e.Owner.UID, secret: endpoint.TLS.SecretName, host: endpoint.Host}
	found, known := p.certificates.get(about, now)
	if !known {
		chain, exists, err := p.readCertificate(ctx, e.Owner.Namespace, endpoint.TLS.SecretName)
		if err != nil {
			return err
		}
		found = judge(about, e.field("tls.secretName"), chain, exists, now)
		p.certificates.set(found)
	}
	e.Certificate = &found
	return nil
}

// readCertificate reads the public part of a Secret of type kubernetes.io/tls. The
// rest of it, and so the private key, is dropped at once.
func (p *Publisher) readCertificate(ctx context.Context, namespace, name string) (chain []byte, exists bool, err error) {
	secret := &corev1.Secret{}
	err = p.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading the certificate in Secret %s: %w", name, err)
	}
	return secret.Data[corev1.TLSCertKey], true, nil
}

// judge says what a certificate is worth for a host.
func judge(about certificateOf, field string, chain []byte, exists bool, now time.Time) Finding {
	bad := func(reason, message string) Finding {
		return Finding{about: about, Reason: reason, Message: message, until: now.Add(badCertificateInterval)}
	}
	if !exists {
		return bad(scimv1alpha1.ReasonCertificateNotFound, fmt.Sprintf("there is no Secret %q with the certificate for host %q: "+
			"create it, have cert-manager do so, or correct %s", about.secret, about.host, field))
	}
	certificate, err := operand.ReadCertificate(chain)
	switch {
	case err != nil:
		return bad(scimv1alpha1.ReasonCertificateInvalid, fmt.Sprintf("Secret %q has no certificate that can be read: "+
			"make it one of type kubernetes.io/tls", about.secret))
	case now.After(certificate.Expires()):
		return bad(scimv1alpha1.ReasonCertificateExpired, fmt.Sprintf("the certificate in Secret %q expired at %s: renew it",
			about.secret, certificate.Expires().UTC().Format(time.RFC3339)))
	case now.Before(certificate.Begins()):
		return bad(scimv1alpha1.ReasonCertificateExpired, fmt.Sprintf("the certificate in Secret %q is not valid before %s: "+
			"wait, or put another one there", about.secret, certificate.Begins().UTC().Format(time.RFC3339)))
	case !certificate.IsFor(about.host):
		return bad(scimv1alpha1.ReasonCertificateNotForHost, fmt.Sprintf("the certificate in Secret %q is not for host %q: "+
			"put one for that host there", about.secret, about.host))
	}
	until := now.Add(goodCertificateInterval)
	if certificate.Expires().Before(until) {
		until = certificate.Expires()
	}
	good := Finding{about: about, until: until, Message: fmt.Sprintf("the certificate in Secret %q is for host %q and valid until %s",
		about.secret, about.host, certificate.Expires().UTC().Format(time.RFC3339))}
	if !now.Before(conditions.Notice(certificate.Begins(), certificate.Expires())) {
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

// Confirmed reports whether an Ingress controller has taken the Ingress up.
func (e *Endpoint) Confirmed() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointConfirmed
	switch {
	case e.Spec.Host == "":
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, "there is no host, and so no Ingress")
	case e.Ingress == nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed, "there is no Ingress yet")
	case len(e.Ingress.Status.LoadBalancer.Ingress) == 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed,
			"no Ingress controller has stated an address for the Ingress: see that one runs for its class. Some never state one")
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "the Ingress controller has stated an address for the Ingress")
	}
}
