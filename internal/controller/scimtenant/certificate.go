package scimtenant

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
	tenant       types.UID
	secret, host string
}

// findings remembers what was found about certificates, so that not every
// reconciliation reads a Secret.
type findings struct {
	mu    sync.Mutex
	found map[types.UID]finding
}

// finding is what is wrong with a certificate, if anything.
type finding struct {
	about  certificateOf
	reason string
	// message says what is wrong, or until when the certificate is valid.
	message string
	// until is when to look again.
	until time.Time
}

func (f *findings) get(about certificateOf, now time.Time) (finding, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.found[about.tenant]
	return last, ok && last.about == about && now.Before(last.until)
}

func (f *findings) set(found finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.found == nil {
		f.found = map[types.UID]finding{}
	}
	f.found[found.about.tenant] = found
}

func (f *findings) forget(tenant types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.found, tenant)
}

// gatherCertificate looks at the certificate that the Ingress is to present.
func (r *Reconciler) gatherCertificate(ctx context.Context, s *scope) error {
	endpoint, now := s.tenant.Spec.Endpoint, time.Now()
	if endpoint.TLS.SecretName == "" {
		return nil
	}
	about := certificateOf{tenant: s.tenant.UID, secret: endpoint.TLS.SecretName, host: endpoint.Host}
	found, known := r.certificates.get(about, now)
	if !known {
		chain, exists, err := r.readCertificate(ctx, s.tenant.Namespace, endpoint.TLS.SecretName)
		if err != nil {
			return err
		}
		found = judge(about, chain, exists, now)
		r.certificates.set(found)
	}
	s.certificate = &found
	return nil
}

// readCertificate reads the public part of a Secret of type kubernetes.io/tls. The
// rest of it, and so the private key, is dropped at once.
func (r *Reconciler) readCertificate(ctx context.Context, namespace, name string) (chain []byte, exists bool, err error) {
	secret := &corev1.Secret{}
	err = r.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading the certificate in Secret %s: %w", name, err)
	}
	return secret.Data[corev1.TLSCertKey], true, nil
}

// judge says what a certificate is worth for a host.
func judge(about certificateOf, chain []byte, exists bool, now time.Time) finding {
	bad := func(reason, message string) finding {
		return finding{about: about, reason: reason, message: message, until: now.Add(badCertificateInterval)}
	}
	if !exists {
		return bad(scimv1alpha1.ReasonCertificateNotFound, fmt.Sprintf("there is no Secret %q with the certificate for host %q: "+
			"create it, have cert-manager do so, or correct spec.endpoint.tls.secretName", about.secret, about.host))
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
	return finding{about: about, until: until, message: fmt.Sprintf("the certificate in Secret %q is for host %q and valid until %s",
		about.secret, about.host, certificate.Expires().UTC().Format(time.RFC3339))}
}

// certificateValid reports whether the certificate of the endpoint can be used. Who
// has signed it is up to the identity provider.
func certificateValid(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionCertificateValid
	switch {
	case s.tenant.Spec.Endpoint.Host == "":
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, "there is no host, and so no certificate")
	case s.certificate == nil && s.tenant.Spec.Endpoint.TLS.SecretName != "":
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed, "the certificate could not be read; this is retried")
	case s.lacksTLS():
		return conditions.False(conditionType, scimv1alpha1.ReasonTLSRequired, "the spec names no certificate")
	case s.certificate == nil:
		return conditions.True(conditionType, scimv1alpha1.ReasonTLSElsewhere,
			"TLS ends elsewhere than at the tenant's Ingress, where the operator sees no certificate")
	case s.certificate.reason != "":
		return conditions.False(conditionType, s.certificate.reason, s.certificate.message)
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, s.certificate.message)
	}
}

// expectsCertificate reports whether cert-manager has been asked for a certificate,
// so that nobody needs to act yet.
func expectsCertificate(s *scope) bool {
	for key := range s.tenant.Spec.Endpoint.Ingress.Annotations {
		if strings.HasPrefix(key, "cert-manager.io/") {
			return true
		}
	}
	return false
}

// endpointConfirmed reports whether an Ingress controller has taken the Ingress up.
func endpointConfirmed(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointConfirmed
	switch {
	case s.tenant.Spec.Endpoint.Host == "":
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, "there is no host, and so no Ingress")
	case s.ingress == nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed, "there is no Ingress yet")
	case len(s.ingress.Status.LoadBalancer.Ingress) == 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonEndpointUnconfirmed,
			"no Ingress controller has stated an address for the Ingress: see that one runs for its class. Some never state one")
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "the Ingress controller has stated an address for the Ingress")
	}
}
