package scimtenant

import (
	"errors"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// scope is everything that one reconciliation of one tenant reads and finds.
type scope struct {
	// tenant is the tenant as the cache has it; its status is set last.
	tenant *scimv1alpha1.ScimTenant
	// owner is the tenant as the owner of objects, and server its dedicated server.
	owner  operand.Owner
	server operand.Server
	// pass writes the tenant.
	pass *reconcile.Pass[*scimv1alpha1.ScimTenant]

	// gathered is true once the fields that gather sets can be trusted.
	gathered bool
	// refused is what the spec asks for and is not allowed. Set by gather.
	refused refusals
	// ingress is the tenant's Ingress as it is; nil when there is none. Set by
	// gather, and by reconcileEndpoint when it writes it.
	ingress *networkingv1.Ingress
	// ingressClass is false when the host needs an Ingress and there is no
	// IngressClass for it. Set by gather.
	ingressClass bool

	// usage is what the server has counted, when that is to be written now, and
	// usageAfter is how soon to look again when it is to be written later. Set by
	// gatherUsage.
	usage      *contract.Usage
	usageAfter time.Duration

	// certificate is what was found about the certificate that the spec names; nil
	// when it names none. Set by gatherCertificate.
	certificate *finding
	// hostTaken says who holds the host that this tenant asks for; nil when no other
	// tenant does. Set by reconcileEndpoint.
	hostTaken *hosts.Taken
	// reservedFor is for how long a host that the tenant has given up is still reserved
	// for it; 0 when there is none. Set by reconcileEndpoint.
	reservedFor time.Duration

	// unreachable are the server's pods that cannot reach each other. Set by
	// gatherUsage.
	unreachable []contract.Unreachable

	// verifiers is the Secret by which pods of the release before know tokens; nil when
	// there is none. Set by gather.
	verifiers *corev1.Secret
	// migrationAfter is how soon to look again whether what only such pods need may go.
	// Set by endMigration.
	migrationAfter time.Duration

	// signingAfter is how soon to look again at the keys that access tokens are signed with.
	// signingProblem is why they are not written. Set by reconcileSigning.
	signingAfter   time.Duration
	signingProblem error

	// autoscaler is the server's HorizontalPodAutoscaler; nil when there is none. Set by
	// reconcileAutoscaler.
	autoscaler *autoscalingv2.HorizontalPodAutoscaler
	// deployment is the server's Deployment as it was after the apply; nil when
	// it could not be applied. Set by reconcileServer.
	deployment *appsv1.Deployment
	// rollout is how far the Deployment's newest template has come, while it has not
	// come to all pods. Set by gatherRollout.
	rollout rollout
	// serverProblem and endpointProblem are why an object was not written, when
	// that is nothing that a retry mends: a ConflictError, a ContestedError, an
	// InvalidError or a LeftoverError.
	// Set by reconcileServer and reconcileEndpoint.
	serverProblem, endpointProblem error

	// deletion says how far the deletion has come. Set by reconcileDeletion.
	deletion string

	// failure is the error that this reconciliation ends with. Set last.
	failure error
}

func newScope(frame reconcile.Frame, tenant *scimv1alpha1.ScimTenant) *scope {
	return &scope{
		pass: reconcile.Begin(frame, tenant), tenant: tenant,
		owner: operand.TenantOwner(tenant), server: operand.DedicatedServer(tenant),
	}
}

// requeueAfter is when to look again for what no watch tells about; 0 when there
// is no such thing.
func (s *scope) requeueAfter() time.Duration {
	var waits []time.Duration
	if s.usageAfter > 0 {
		waits = append(waits, s.usageAfter)
	}
	for _, problem := range []error{s.serverProblem, s.endpointProblem} {
		switch {
		case isLeftover(problem):
			waits = append(waits, pollInterval)
		case problem != nil:
			waits = append(waits, conflictInterval)
		}
	}
	if len(s.unreachable) > 0 { // a pod that has died since complains no longer
		waits = append(waits, contract.ReplicaLeaseDuration)
	}
	if s.deployment != nil && !rolledOut(s.deployment, s.tenant.Replicas()) {
		waits = append(waits, rolloutWait(s.deployment))
	}
	if s.migrationAfter > 0 {
		waits = append(waits, s.migrationAfter)
	}
	if s.signingAfter > 0 {
		waits = append(waits, s.signingAfter)
	}
	if s.hostTaken != nil {
		waits = append(waits, conflictInterval)
	}
	if s.reservedFor > 0 {
		waits = append(waits, s.reservedFor)
	}
	if s.certificate != nil {
		waits = append(waits, max(time.Until(s.certificate.until), time.Second))
	}
	if len(waits) == 0 {
		return 0
	}
	return slices.Min(waits)
}

// publishedHosts are the hosts that the tenant's Ingress is for.
func (s *scope) publishedHosts() []string {
	if s.ingress == nil {
		return nil
	}
	return operand.PublishedHosts(s.ingress)
}

// lacksTLS reports whether the spec does not say how the host is served over TLS.
func (s *scope) lacksTLS() bool {
	endpoint := s.tenant.Spec.Endpoint
	return endpoint.Host != "" && endpoint.TLS.SecretName == "" &&
		endpoint.TLS.Termination != scimv1alpha1.TLSTerminationElsewhere
}

// addServerProblem keeps the worst of the problems with the server's objects.
func (s *scope) addServerProblem(problem error) {
	if problem != nil && (s.serverProblem == nil || isLeftover(s.serverProblem)) {
		s.serverProblem = problem
	}
}

// problemOf sorts an error of an apply: what a retry may mend is returned as a
// failure, the rest as a problem.
func problemOf(err error) (problem, failure error) {
	var conflict *apply.ConflictError
	if errors.As(err, &conflict) || isLeftover(err) || isContested(err) || isInvalid(err) {
		return err, nil
	}
	return nil, err
}

// reasonOf returns the reason of the condition that tells about a problem.
func reasonOf(problem error) string {
	switch {
	case isLeftover(problem):
		return scimv1alpha1.ReasonProgressing
	case isContested(problem):
		return scimv1alpha1.ReasonObjectContested
	case isInvalid(problem):
		return scimv1alpha1.ReasonObjectInvalid
	default:
		return scimv1alpha1.ReasonObjectConflict
	}
}

func isContested(err error) bool {
	var contested *apply.ContestedError
	return errors.As(err, &contested)
}

func isInvalid(err error) bool {
	var invalid *apply.InvalidError
	return errors.As(err, &invalid)
}

func isLeftover(err error) bool {
	var leftover *apply.LeftoverError
	return errors.As(err, &leftover)
}
