package operand

import (
	"maps"
	"path"

	"k8s.io/apimachinery/pkg/util/intstr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// Server is a SCIM server, whosever it is: what its Deployment, Service, ServiceAccount,
// Role, RoleBinding, PodDisruptionBudget and Secret with signing keys are made from.
type Server struct {
	// Owner is what the server is for.
	Owner Owner
	// Name is that of its objects, but for the Secret.
	Name string
	// Selector chooses its pods. A Deployment's selector cannot be changed: neither can
	// this.
	Selector map[string]string
	// Traffic is where its Service leads to while that is another server; nil for its own pods.
	Traffic *Traffic
	// LeadsTLS is true if the Service has the port for TLS, which leads to those of the pods that
	// serve it. It outlasts the last of these, so that nobody who is still led to them is refused.
	LeadsTLS bool
	// Spec shapes its pods.
	Spec scimv1alpha1.ServerSpec
	// Tenant is the name of the only ScimTenant that it may read; empty if it may read
	// all of its namespace.
	Tenant string
	// Arguments say to its program what to serve.
	Arguments []string
}

// Traffic is where the Service of a tenant leads to that is hosted by a ScimServer.
type Traffic struct {
	// Selector chooses the pods, and Port is the one of theirs that is for the tenant.
	Selector map[string]string
	Port     int32
}

// DedicatedServer returns the server of a tenant that has one of its own.
func DedicatedServer(t *scimv1alpha1.ScimTenant) Server {
	return Server{
		Owner: TenantOwner(t), Name: Name(t.Name), Selector: SelectorLabels(t.Name), Spec: t.Spec.Server, Tenant: t.Name,
		Arguments: []string{"--" + contract.FlagTenant + "=" + t.Name},
	}
}

// SharedServer returns the server that a ScimServer stands for. Its pods have another name
// label than those of dedicated ones, of which one may be for a tenant of the same name.
func SharedServer(s *scimv1alpha1.ScimServer) Server {
	return Server{
		Owner: ServerOwner(s), Name: contract.SharedServiceName(s.Name), Spec: s.Spec.ServerSpec,
		Selector:  SharedSelectorLabels(s.Name),
		Arguments: []string{"--" + contract.FlagServer + "=" + s.Name},
	}
}

// Namespace is that of all objects of the server.
func (s Server) Namespace() string { return s.Owner.Namespace }

// endpoints are the pods that the server's Service leads to, and their port.
func (s Server) endpoints() (selector map[string]string, port intstr.IntOrString) {
	if s.Traffic != nil {
		return s.Traffic.Selector, intstr.FromInt32(s.Traffic.Port)
	}
	return s.Selector, intstr.FromString(portNameSCIM)
}

// Labels are on every object of the server.
func (s Server) Labels() map[string]string { return labelsOf(s.Selector, s.Owner.Label, s.Owner.Name) }

// ReplicaLabels choose the Leases of the server's pods.
func (s Server) ReplicaLabels() map[string]string {
	return map[string]string{s.Owner.Label: s.Owner.Name, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}
}

// SigningSecretName returns the name of the Secret with the keys that the access tokens
// of the server's tenants are signed with.
func (s Server) SigningSecretName() string { return contract.SigningName(s.Name) }

// arguments are all of those of the server's program.
func (s Server) arguments(settings Settings) []string {
	arguments := append(append([]string{}, s.Arguments...),
		"--"+contract.FlagAbsence+"="+settings.Absence.String(),
		"--"+contract.FlagSigningKeys+"="+path.Join(contract.PathSigning, contract.SigningKeysFile))
	if s.servesTLS() {
		arguments = append(arguments, "--"+contract.FlagServerCertificate+"="+contract.PathServerCertificate)
	}
	return arguments
}

func labelsOf(selector map[string]string, ownerLabel, owner string) map[string]string {
	labels := maps.Clone(selector)
	labels[LabelComponent] = ComponentServer
	labels[LabelManagedBy] = ManagedBy
	labels[LabelPartOf] = ManagedBy
	labels[ownerLabel] = owner
	return labels
}
