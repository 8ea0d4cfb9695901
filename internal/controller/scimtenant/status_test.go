package scimtenant

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
)

// healthy returns what a reconciliation of a tenant with a host finds when all
// is well.
func healthy(change ...func(*scope)) *scope {
	s := (&Reconciler{}).newScope(&scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme", UID: "uid", Generation: 2},
		Spec: scimv1alpha1.ScimTenantSpec{
			IdentityProvider: scimv1alpha1.IdentityProviderEntra,
			Endpoint: scimv1alpha1.EndpointSpec{
				Host: "acme.example.com", TLS: scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere},
			},
		},
	})
	s.servers, s.target, s.listed = []server{s.own}, s.own, s.listedServers()
	s.next = s.listed
	s.endpoint.Ingress = ingressFor("acme.example.com")
	s.gathered, s.endpoint.IngressClass = true, true
	s.own.Deployment = &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme-scim", Generation: 5},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2},
	}
	for _, c := range change {
		c(s)
	}
	s.endpoint.Spec, s.own.Server.Server = s.tenant.Spec.Endpoint, operand.DedicatedServer(s.tenant)
	return s
}

// withFinding names a certificate of which something was found; nothing bad with "".
func withFinding(reason string) func(*scope) {
	return func(s *scope) {
		s.tenant.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{SecretName: "acme-tls"}
		s.endpoint.Certificate = &publishing.Finding{Reason: reason, Message: "a finding: " + cmp.Or(reason, "none")}
	}
}

func ingressFor(host string) *networkingv1.Ingress {
	address := networkingv1.IngressLoadBalancerStatus{Ingress: []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}}
	return &networkingv1.Ingress{Status: networkingv1.IngressStatus{LoadBalancer: address}, Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
		Host: host,
		IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
			Paths: []networkingv1.HTTPIngressPath{{Path: "/scim/v2"}},
		}},
	}}}}
}

func deployment(change func(*appsv1.DeploymentStatus)) func(*scope) {
	return func(s *scope) { change(&s.own.Deployment.Status) }
}

func complaint(conditionType appsv1.DeploymentConditionType, status corev1.ConditionStatus, message string) appsv1.DeploymentCondition {
	return appsv1.DeploymentCondition{Type: conditionType, Status: status, Message: message}
}

func TestStatus(t *testing.T) {
	const (
		yes = metav1.ConditionTrue
		no  = metav1.ConditionFalse
	)
	for name, tc := range map[string]struct {
		scope            *scope
		outcome          conditions.Outcome
		reason           string
		server, endpoint metav1.ConditionStatus
		message          string
	}{
		"all is well": {healthy(), conditions.Ready, "Succeeded", yes, yes, "https://acme.example.com/scim/v2"},
		"no host": {
			healthy(func(s *scope) { s.tenant.Spec.Endpoint.Host = "" }),
			conditions.Ready, "Succeeded", yes, yes, "http://acme-scim.team.svc/scim/v2",
		},
		"paused": {
			healthy(func(s *scope) { s.tenant.Spec.State = scimv1alpha1.TenantStatePaused }),
			conditions.Ready, "Paused", yes, yes, "spec.state",
		},
		"one replica is gone": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) { d.ReadyReplicas = 1 }), func(s *scope) { s.own.Rollout.Ready = 1 }),
			conditions.Reconciling, "RollingOut", yes, yes, "1 of 2",
		},
		"no replica": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) { d.ReadyReplicas = 0 })),
			conditions.Reconciling, "Unavailable", no, yes, "no server replica of 2 is ready; if that lasts, see the events of its pods: kubectl describe pods -n team -l app.kubernetes.io/instance=acme,app.kubernetes.io/name=kubescim-server",
		},
		"the Deployment controller has not looked yet": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) { d.ObservedGeneration = 4 })),
			conditions.Reconciling, "RollingOut", yes, yes, "",
		},
		"old replicas are left": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) { d.Replicas, d.UpdatedReplicas = 3, 2 })),
			conditions.Reconciling, "RollingOut", yes, yes, "",
		},
		"no progress": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) {
				d.ReadyReplicas = 0
				d.Conditions = []appsv1.DeploymentCondition{complaint(appsv1.DeploymentProgressing, corev1.ConditionFalse, "")}
			})),
			conditions.Stalled, "Unavailable", no, yes, "no progress",
		},
		"paused by hand": {
			healthy(func(s *scope) { s.own.Deployment.Spec.Paused, s.own.Deployment.Status.UpdatedReplicas = true, 1 }),
			conditions.Stalled, "RolloutPaused", yes, yes, "kubectl rollout resume deployment/acme-scim",
		},
		"paused by hand before any replica was ready": {
			healthy(func(s *scope) { s.own.Deployment.Spec.Paused, s.own.Deployment.Status.ReadyReplicas = true, 0 }),
			conditions.Stalled, "RolloutPaused", no, yes, "kubectl rollout resume deployment/acme-scim",
		},
		"paused by hand with nothing to do": {
			healthy(func(s *scope) { s.own.Deployment.Spec.Paused = true }),
			conditions.Ready, "Succeeded", yes, yes, "",
		},
		"somebody else writes the Deployment": {
			healthy(func(s *scope) { s.own.AddProblem(&apply.ContestedError{Kind: "Deployment", Name: "acme-scim"}) }),
			conditions.Stalled, "ObjectContested", yes, yes, "let only one of them watch",
		},
		"somebody else writes the Ingress": {
			healthy(func(s *scope) { s.endpoint.Problem = &apply.ContestedError{Kind: "Ingress", Name: "acme-scim"} }),
			conditions.Stalled, "ObjectContested", yes, no, `Ingress "acme-scim"`,
		},
		"pods are refused": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) {
				d.ReadyReplicas = 0
				d.Conditions = []appsv1.DeploymentCondition{complaint(appsv1.DeploymentReplicaFailure, corev1.ConditionTrue, "exceeded quota")}
			})),
			conditions.Reconciling, "Unavailable", no, yes, "exceeded quota",
		},
		"the host is taken": {
			healthy(func(s *scope) { s.endpoint.Taken, s.endpoint.Ingress = &hosts.Taken{}, nil }),
			conditions.Stalled, "HostConflict", yes, no, "another ScimTenant or ScimServer holds",
		},
		"the host is taken, and the former one still published": {
			healthy(func(s *scope) {
				s.endpoint.Taken, s.endpoint.Ingress = &hosts.Taken{}, ingressFor("former.example.com")
			}),
			conditions.Stalled, "HostConflict", yes, no, "stays as it is, for https://former.example.com/scim/v2",
		},
		"a host without TLS": {
			healthy(func(s *scope) { s.tenant.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{} }),
			conditions.Stalled, "TLSRequired", yes, no, "spec.endpoint.tls.secretName",
		},
		"a host by the configuration, and no TLS": {
			healthy(func(s *scope) { s.endpoint.Chosen, s.tenant.Spec.Endpoint.TLS = true, scimv1alpha1.EndpointTLS{} }),
			conditions.Stalled, "TLSRequired", yes, no, "set endpoint.tls.secretName in the operator's configuration to the Secret",
		},
		"a host by the configuration that is taken": {
			healthy(func(s *scope) { s.endpoint.Chosen, s.endpoint.Taken, s.endpoint.Ingress = true, &hosts.Taken{}, nil }),
			conditions.Stalled, "HostConflict", yes, no, "put {namespace} into endpoint.hostTemplate",
		},
		"a host by the configuration that is recorded next": {
			healthy(func(s *scope) { s.endpoint.Chosen, s.endpoint.Undecided, s.endpoint.Ingress = true, true, nil }),
			conditions.Reconciling, "Progressing", yes, no, "which is published next",
		},
		"a host by the configuration that is none": {
			healthy(func(s *scope) {
				s.endpoint.Unfit, s.endpoint.Ingress, s.tenant.Spec.Endpoint = "it has 65 characters", nil, scimv1alpha1.EndpointSpec{}
			}),
			conditions.Stalled, "HostInvalid", yes, no, "it has 65 characters",
		},
		"pods that cannot reach each other": {
			healthy(func(s *scope) { s.own.Unreachable = []contract.Unreachable{{From: "acme-scim-a", To: "acme-scim-b"}} }),
			conditions.Reconciling, "PeersUnreachable", yes, yes, "pod acme-scim-a cannot reach pod acme-scim-b at port 8082",
		},
		"no certificate": {
			healthy(withFinding("CertificateNotFound")), conditions.Stalled, "CertificateNotFound", yes, yes, "CertificateNotFound",
		},
		"no certificate yet": {
			healthy(withFinding("CertificateNotFound"), func(s *scope) {
				s.tenant.Spec.Endpoint.Ingress.Annotations = map[string]scimv1alpha1.IngressAnnotation{"cert-manager.io/issuer": "a"}
			}),
			conditions.Reconciling, "CertificateNotFound", yes, yes, "CertificateNotFound",
		},
		"a certificate that could not be read": {
			healthy(withFinding(""), func(s *scope) { s.endpoint.Certificate, s.failure = nil, errors.New("forbidden") }),
			conditions.Reconciling, "ReconcileFailed", yes, yes, "forbidden",
		},
		"a good certificate": {healthy(withFinding("")), conditions.Ready, "Succeeded", yes, yes, "https://acme.example.com/scim/v2"},
		"an Ingress without an address": {
			healthy(func(s *scope) { s.endpoint.Ingress.Status = networkingv1.IngressStatus{} }),
			conditions.Ready, "Succeeded", yes, yes, "no Ingress controller has confirmed",
		},
		"an endpoint that is not allowed": {
			healthy(func(s *scope) { s.endpoint.Refused = []string{"annotation"} }),
			conditions.Stalled, "NotAllowed", yes, no, "whoever runs the operator",
		},
		"a server that is not allowed, and one that runs": {
			healthy(func(s *scope) { s.own.Refused = []string{"priority"} }),
			conditions.Stalled, "NotAllowed", yes, yes, "whoever runs the operator",
		},
		"a server that is not allowed": {
			healthy(func(s *scope) { s.own.Refused, s.own.Deployment = []string{"priority"}, nil }),
			conditions.Stalled, "NotAllowed", no, yes, "priority",
		},
		"an Ingress that could not be written": {
			healthy(func(s *scope) { s.failure, s.endpoint.Ingress = errors.New("refused by a webhook"), nil }),
			conditions.Reconciling, "ReconcileFailed", yes, metav1.ConditionUnknown, "refused by a webhook",
		},
		"the host is taken, and the server is not there": {
			healthy(deployment(func(d *appsv1.DeploymentStatus) { d.ReadyReplicas = 0 }), func(s *scope) { s.endpoint.Taken = &hosts.Taken{} }),
			conditions.Stalled, "HostConflict", no, no, "set spec.endpoint.host",
		},
		"no IngressClass of that name": {
			healthy(func(s *scope) {
				s.endpoint.IngressClass = false
				s.tenant.Spec.Endpoint.Ingress = scimv1alpha1.EndpointIngress{ClassName: "nginx"}
			}),
			conditions.Stalled, "IngressClassNotFound", yes, no, `"nginx"`,
		},
		"no default IngressClass": {
			healthy(func(s *scope) { s.endpoint.IngressClass = false }),
			conditions.Stalled, "IngressClassNotFound", yes, no, "set spec.endpoint.ingress.className",
		},
		"somebody else's Service": {
			healthy(func(s *scope) {
				s.own.AddProblem(&apply.ConflictError{Kind: "Service", Name: "acme-scim", Owner: operand.Owner{Kind: "ScimTenant", Name: "acme"}})
			}),
			conditions.Stalled, "ObjectConflict", no, yes, `Service "acme-scim"`,
		},
		"a conflict comes before a leftover": {
			healthy(func(s *scope) {
				s.own.AddProblem(&apply.LeftoverError{Kind: "Role", Name: "acme-scim"})
				s.own.AddProblem(&apply.ConflictError{Kind: "Service", Name: "acme-scim"})
				s.own.AddProblem(&apply.LeftoverError{Kind: "Role", Name: "acme-scim"})
			}),
			conditions.Stalled, "ObjectConflict", no, yes, `Service "acme-scim"`,
		},
		"an earlier tenant's Service": {
			healthy(func(s *scope) { s.own.AddProblem(&apply.LeftoverError{Kind: "Service", Name: "acme-scim"}) }),
			conditions.Reconciling, "Progressing", no, yes, "waiting until",
		},
		"somebody else's Ingress": {
			healthy(func(s *scope) { s.endpoint.Problem = &apply.ConflictError{Kind: "Ingress", Name: "acme-scim"} }),
			conditions.Stalled, "ObjectConflict", yes, no, `Ingress "acme-scim"`,
		},
		"an earlier tenant's Ingress": {
			healthy(func(s *scope) { s.endpoint.Problem = &apply.LeftoverError{Kind: "Ingress", Name: "acme-scim"} }),
			conditions.Reconciling, "Progressing", yes, no, "waiting until",
		},
		"an extension that contradicts itself": {
			healthy(func(s *scope) {
				twice := scimv1alpha1.SchemaAttribute{AttributeCharacteristics: scimv1alpha1.AttributeCharacteristics{Name: "badge"}}
				upper := twice
				upper.Name = "BADGE"
				s.tenant.Spec.SchemaExtensions = []scimv1alpha1.SchemaExtension{{
					ID: "urn:example:badge", Attributes: []scimv1alpha1.SchemaAttribute{twice, upper},
				}}
			}),
			conditions.Stalled, "InvalidSchema", yes, yes, "spec.schemaExtensions",
		},
		"a failure": {
			healthy(func(s *scope) { s.failure = errors.New("timed out"); s.own.Deployment = nil }),
			conditions.Reconciling, "ReconcileFailed", metav1.ConditionUnknown, yes, "timed out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setStatus(tc.scope)
			all := map[string]metav1.Condition{}
			for _, c := range tc.scope.tenant.Status.Conditions {
				all[c.Type] = c
			}
			if wrong := conditionscheck.Check(tc.scope.tenant); len(wrong) > 0 {
				t.Errorf("the conditions are malformed: %v", wrong)
			}
			if c := all[string(tc.outcome)]; c.Status != yes || c.Reason != tc.reason || !strings.Contains(c.Message, tc.message) {
				t.Errorf("%s is %+v", tc.outcome, c)
			}
			if c := all[scimv1alpha1.ConditionServerAvailable]; c.Status != tc.server {
				t.Errorf("ServerAvailable is %+v", c)
			}
			if c := all[scimv1alpha1.ConditionEndpointAccepted]; c.Status != tc.endpoint {
				t.Errorf("EndpointAccepted is %+v", c)
			}
		})
	}
}

// A failure to find out who has a host must not make a tenant publish it.
func TestStatusBeforeAnythingWasGathered(t *testing.T) {
	s := healthy(func(s *scope) {
		s.gathered, s.endpoint.IngressClass, s.failure = false, false, errors.New("timed out")
		s.tenant.Status.URL = "https://old.example.com/scim/v2"
		s.tenant.Status.ObservedGeneration = 1
	})
	setStatus(s)
	status := s.tenant.Status
	if status.URL != "https://old.example.com/scim/v2" || status.ObservedGeneration != 1 {
		t.Errorf("the status is %+v", status)
	}
	if len(status.Conditions) != 2 || len(conditionscheck.Check(s.tenant)) > 0 {
		t.Errorf("the conditions are %+v", status.Conditions)
	}
}

// Tokens go to the URL in the status: it is what is published, whatever is asked for.
func TestURL(t *testing.T) {
	for name, tc := range map[string]struct {
		ingress *networkingv1.Ingress
		want    string
	}{
		"nothing published": {nil, ""},
		"published":         {ingressFor("acme.example.com"), "https://acme.example.com/scim/v2"},
		"another host":      {ingressFor("former.example.com"), "https://former.example.com/scim/v2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := healthy(func(s *scope) {
				s.tenant.Status.URL = "https://acme.example.com/scim/v2"
				s.endpoint.Ingress = tc.ingress
			})
			setStatus(s)
			if s.tenant.Status.URL != tc.want {
				t.Errorf("the URL is %q", s.tenant.Status.URL)
			}
		})
	}
}
