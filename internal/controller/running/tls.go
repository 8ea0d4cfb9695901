package running

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/controller/certificates"
	"github.com/kubescim/kubescim/internal/operand"
)

// A pod that is to present a certificate does not start without it. So the pods of a server that runs
// get one only once there is one that can be read and has not expired, and keep what they have until
// then. A server that does not run yet waits for it: the tokens of its clients must not travel in the
// clear because of a mistake.

// tls is what is known of the certificate that the pods of a server are to present.
type tls struct {
	// asked is the Secret that the spec names, and present the one whose certificate the pods of the
	// Deployment were to present before this pass; empty for none.
	asked, present string
	// leading is what leads to the pods by TLS, where the spec asks for none any more.
	leading []string
	// found is what was found about the one in asked; nil when that could not be read, and failure is why.
	found   *certificates.Finding
	failure error
}

// GatherTLS looks at the certificate that the pods of a server are to present, and decides which one
// they do and whether the Service leads to where they do so. It comes before all that is applied: an
// Ingress goes by it.
func (k *Keeper) GatherTLS(ctx context.Context, s *Server) error {
	deployment, err := k.deployment(ctx, s)
	if err != nil {
		return err
	}
	return k.decideTLS(ctx, s, deployment)
}

// KeepTLS has the pods of a server go on with the certificate that they present, if any, where the spec
// says nothing of them any more.
func (k *Keeper) KeepTLS(ctx context.Context, s *Server) error {
	deployment, err := k.deployment(ctx, s)
	if err != nil {
		return err
	}
	s.Spec.TLS = scimv1alpha1.ServerTLS{}
	if deployment != nil {
		s.Spec.TLS.SecretName = operand.CertificateSecret(deployment)
	}
	return k.decideTLS(ctx, s, deployment)
}

// decideTLS decides by the Deployment that is there; nil when there is none.
func (k *Keeper) decideTLS(ctx context.Context, s *Server, deployment *appsv1.Deployment) error {
	service, err := k.service(ctx, s)
	if err != nil {
		return err
	}
	s.tls = tls{asked: s.Spec.TLS.SecretName}
	if deployment != nil {
		s.tls.present = operand.CertificateSecret(deployment)
	}
	if s.tls.asked != "" {
		about := certificates.About{Owner: s.Owner.UID, Namespace: s.Namespace(), Secret: s.tls.asked, Key: true}
		s.tls.found, s.tls.failure = k.Certificates.Find(ctx, about)
	}
	if s.tls.asked == "" && s.tls.present != "" {
		if s.tls.leading, err = k.leadingByTLS(ctx, s); err != nil {
			return err
		}
	}
	s.Spec.TLS.SecretName = s.tls.choose(deployment != nil)
	s.LeadsTLS = s.Spec.TLS.SecretName != "" || s.tls.present != "" || s.endsTLS(service, deployment)
	return nil
}

// leadingByTLS returns what leads to a server by TLS, its own or of its tenants, by kind and name.
func (k *Keeper) leadingByTLS(ctx context.Context, s *Server) (leading []string, err error) {
	ingresses, routes := &networkingv1.IngressList{}, &gatewayv1.HTTPRouteList{}
	if err := k.Client.List(ctx, ingresses, client.InNamespace(s.Namespace()), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Ingresses that lead to the server by TLS: %w", err)
	}
	cached, err := k.Routes(ctx)
	if err == nil && cached != nil {
		err = cached.List(ctx, routes, client.InNamespace(s.Namespace()), client.UnsafeDisableDeepCopy)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the HTTPRoutes that lead to the server by TLS: %w", err)
	}
	for i := range ingresses.Items {
		leading = addIfByTLS(leading, operand.ByIngress(&ingresses.Items[i]), s.Name)
	}
	for i := range routes.Items {
		leading = addIfByTLS(leading, operand.ByHTTPRoute(&routes.Items[i]), s.Name)
	}
	slices.Sort(leading)
	return leading, nil
}

func addIfByTLS(leading []string, one operand.Publication, service string) []string {
	if !one.UsesTLS(service) {
		return leading
	}
	return append(leading, one.Kind+" "+one.GetName())
}

// choose returns the Secret whose certificate the pods are to present; empty for none. Pods to which an
// Ingress or an HTTPRoute leads by TLS go on with it: one that cannot be written would lead to nobody.
func (t *tls) choose(runs bool) string {
	switch {
	case len(t.leading) > 0:
		return t.present
	case t.asked == "" || t.asked == t.present || !runs || t.usable():
		return t.asked
	default:
		return t.present
	}
}

// usable reports whether pods may start with the certificate that the spec names.
func (t *tls) usable() bool { return t.found != nil && t.problem() == "" }

// endsTLS reports whether the Service leads to pods which serve TLS for the last time.
func (s *Server) endsTLS(service *corev1.Service, deployment *appsv1.Deployment) bool {
	return service != nil && operand.HasTLSPort(service) && deployment != nil && !s.rolledOut(deployment)
}

// problem is the reason why the certificate is of no use; empty when it is, or is not known.
func (t *tls) problem() (reason string) {
	if t.found == nil {
		return ""
	}
	switch t.found.State {
	case certificates.NotFound:
		return scimv1alpha1.ReasonServerCertificateNotFound
	case certificates.Expired, certificates.NotYet:
		return scimv1alpha1.ReasonServerCertificateExpired
	case certificates.Good, certificates.ExpiringSoon:
		if t.found.Type == corev1.SecretTypeTLS {
			return ""
		}
	}
	return scimv1alpha1.ReasonServerCertificateInvalid
}

// again is how soon to look again; 0 when there is nothing to look at. No watch tells a ScimServer about
// what publishes its tenants.
func (t *tls) again() time.Duration {
	if len(t.leading) > 0 {
		return pollInterval
	}
	if t.found == nil {
		return 0
	}
	return t.found.Again()
}

// TLSAsked reports whether the pods are to serve TLS.
func (s *Server) TLSAsked() bool { return s.tls.asked != "" }

// TLSServedByAll reports whether all pods serve TLS, as they are to. That they are replaced or scaled for
// another reason does not change it.
func (s *Server) TLSServedByAll() bool {
	return s.TLSAsked() && s.Deployment != nil && operand.CertificateSecret(s.Deployment) == s.tls.asked &&
		(s.RolledOut() || s.ServedTLS && s.tls.present == s.tls.asked)
}

// TLSServed says how far the server has come to serve TLS, or what keeps it from doing so no more; nil when it
// is not to, and does not.
func (s *Server) TLSServed() *metav1.Condition {
	if !s.TLSAsked() && len(s.tls.leading) == 0 {
		return nil
	}
	condition := s.tlsServed()
	return &condition
}

// LacksCertificate reports, by what TLSServed says, whether the certificate is what keeps a server from
// serving TLS, or its new pods from starting; nil says nothing.
func LacksCertificate(tlsServed *metav1.Condition) bool {
	return tlsServed != nil && (tlsServed.Reason == scimv1alpha1.ReasonServerCertificateNotFound || needsAnother(tlsServed.Reason))
}

// NeedsCertificate reports, of a server that LacksCertificate, whether somebody has to act. Whoever makes
// certificates may be about to make one that is not there.
func NeedsCertificate(tlsServed *metav1.Condition) bool {
	return LacksCertificate(tlsServed) && needsAnother(tlsServed.Reason)
}

func needsAnother(reason string) bool {
	return reason == scimv1alpha1.ReasonServerCertificateInvalid || reason == scimv1alpha1.ReasonServerCertificateExpired
}

func (s *Server) tlsServed() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionTLSServed
	reason := s.tls.problem()
	switch {
	case len(s.tls.leading) > 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonServerRollingOut, fmt.Sprintf("the pods go on with TLS until nothing leads to "+
			"them by it any more, and %d still do, for example %s: if that lasts, see EndpointAccepted of whose it is", len(s.tls.leading), s.tls.leading[0]))
	case s.tls.found == nil:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed, "the certificate of the server's pods could not be read; this is retried")
	case reason != "":
		return conditions.False(conditionType, reason, s.tls.complaint(reason)+"; "+s.meanwhile())
	case !s.TLSServedByAll():
		return conditions.False(conditionType, scimv1alpha1.ReasonServerRollingOut, "not all pods serve TLS yet: see ServerAvailable")
	}
	message := fmt.Sprintf("all pods serve TLS with the certificate in Secret %q, which is valid until %s",
		s.tls.asked, s.tls.found.Expires.UTC().Format(time.RFC3339))
	if s.tls.found.State == certificates.ExpiringSoon {
		return conditions.True(conditionType, scimv1alpha1.ReasonCertificateExpiringSoon,
			message+": renew it, or see why whatever renews it has not done so")
	}
	return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, message)
}

// complaint says what is wrong with the certificate, and how to mend it.
func (t *tls) complaint(reason string) string {
	switch {
	case reason == scimv1alpha1.ReasonServerCertificateNotFound:
		return fmt.Sprintf("there is no Secret %q with the certificate of the server's pods: create it, have cert-manager do so, or correct tls.secretName", t.asked)
	case t.found.State == certificates.KeyOfAnother:
		return fmt.Sprintf("the private key in Secret %q is not the one of its certificate, or cannot be read: put both there as they were made for each other", t.asked)
	case reason == scimv1alpha1.ReasonServerCertificateInvalid:
		return fmt.Sprintf("Secret %q is not of type kubernetes.io/tls, or has no certificate that can be read: put one for the server's pods there", t.asked)
	case t.found.State == certificates.NotYet:
		return fmt.Sprintf("the certificate of the server's pods in Secret %q is not valid before %s: wait, or put another one there",
			t.asked, t.found.Begins.UTC().Format(time.RFC3339))
	default:
		return fmt.Sprintf("the certificate of the server's pods in Secret %q expired at %s: renew it",
			t.asked, t.found.Expires.UTC().Format(time.RFC3339))
	}
}

// meanwhile says what the pods do while the certificate is of no use.
func (s *Server) meanwhile() string {
	switch {
	case s.Deployment == nil || s.Deployment.Status.ReadyReplicas == 0 && s.Spec.TLS.SecretName == s.tls.asked:
		return "the server's pods wait for it"
	case s.Spec.TLS.SecretName == "":
		return "the server goes on without TLS until then"
	case s.Spec.TLS.SecretName != s.tls.asked:
		return fmt.Sprintf("the server goes on with that in Secret %q until then", s.Spec.TLS.SecretName)
	case s.tls.found.State == certificates.Expired || s.tls.found.State == certificates.NotYet:
		return "the pods present it all the same, and whoever looks at it refuses it"
	default:
		return "pods that run go on with what they have read last, and no new one starts until then"
	}
}

// Lead says where an Ingress or an HTTPRoute is to lead to, at the Service of a server: by TLS, if that is asked for
// and all pods serve it. Until they do, what publishes the server already is held as it is, so that it leads to
// nowhere where nobody answers; what is new leads by TLS at once, so that no token comes in the clear.
// held is why it waits; empty when it does not.
func Lead(published []operand.Publication, service string, asked, served bool) (to operand.Backend, held string) {
	to = operand.Backend{Service: service, TLS: asked}
	switch {
	case !asked:
		return to, ""
	case served, !slices.ContainsFunc(published, func(one operand.Publication) bool { return !one.LeadsByTLS(service) }):
		return to, ""
	default:
		to.TLS = false
		return to, fmt.Sprintf("waiting until all pods of the server serve TLS, which the %s is to lead to: see its TLSServed", published[0].Kind)
	}
}
