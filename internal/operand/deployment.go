package operand

import (
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

const (
	// ContainerName is the name of the SCIM server's container.
	ContainerName = "scim-server"

	portNameSCIM   = "http"
	portNameTLS    = "https"
	portNameHealth = "health"
	portNamePeers  = "peers"

	// A pod that is going away waits until no proxy sends it new connections
	// (preStop), then answers for a while with `Connection: close`, and still
	// has time to end the requests that it has begun.
	preStopSeconds     = 5
	terminationSeconds = 45

	nonRoot = 65532
)

// Settings are what all SCIM servers have in common.
type Settings struct {
	// Image is the image of the SCIM server.
	Image string
	// ImagePullSecrets are names of Secrets in the servers' namespaces with
	// credentials for the image's registry.
	ImagePullSecrets []string
	// Absence is how long a user or group must have been absent before a server
	// removes what refers to it.
	Absence time.Duration
	// Issuers are those that a server may fetch the keys of.
	Issuers contract.Hosts
	// EventSinks are those that a server may send events to.
	EventSinks contract.Hosts
	// Defaults are for what the spec of a server leaves out.
	Defaults scimv1alpha1.ServerSpec
	// OpenTelemetry are variables of the environment, which say where traces go.
	OpenTelemetry map[string]string
	// AssignedIDs is true if the pods are to state no user and group to run as, since
	// whoever admits them chooses these.
	AssignedIDs bool
}

// Deployment returns the Deployment of a SCIM server. The server reads the specs of its
// tenants itself, so that only what shapes a pod is in the pod template: nothing else in
// them restarts a pod.
func Deployment(s Server, settings Settings) *appsv1ac.DeploymentApplyConfiguration {
	s.Spec = WithDefaults(s.Spec, settings.Defaults)
	return appsv1ac.Deployment(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(s.Spec.WantedReplicas()).
			WithRevisionHistoryLimit(3).
			WithMinReadySeconds(5).
			WithSelector(selector(s)).
			WithStrategy(appsv1ac.DeploymentStrategy().
				WithType("RollingUpdate").
				WithRollingUpdate(appsv1ac.RollingUpdateDeployment().
					WithMaxUnavailable(intstr.FromInt32(0)).
					WithMaxSurge(intstr.FromInt32(1)))).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(withOwn(s.Spec.Pod.Labels, s.Labels())).
				WithAnnotations(withOwn(s.Spec.Pod.Annotations, map[string]string{"kubectl.kubernetes.io/default-container": ContainerName})).
				WithSpec(podSpec(s, settings))))
}

func podSpec(s Server, settings Settings) *corev1ac.PodSpecApplyConfiguration {
	spec := corev1ac.PodSpec().
		WithServiceAccountName(s.Name).
		WithAutomountServiceAccountToken(true).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(terminationSeconds).
		WithSecurityContext(securityContext(settings.AssignedIDs)).
		WithTopologySpreadConstraints(
			spreadOver(s, corev1.LabelHostname),
			spreadOver(s, corev1.LabelTopologyZone)).
		WithContainers(container(s, settings)).
		WithVolumes(signingVolume(s)).
		WithVolumes(certificateVolumes(s)...).
		WithImagePullSecrets(imagePullSecrets(s, settings.ImagePullSecrets)...)
	schedule(spec, s.Spec.Scheduling)
	if affinity := affinityOf(s.Spec.Pod.Affinity); affinity != nil {
		spec.WithAffinity(affinity)
	}
	return spec
}

// imagePullSecrets are those of the operator's configuration and the server's own,
// each once.
func imagePullSecrets(s Server, common []string) []*corev1ac.LocalObjectReferenceApplyConfiguration {
	names := slices.Clone(common)
	for _, secret := range s.Spec.ImagePullSecrets {
		names = append(names, secret.Name)
	}
	var references []*corev1ac.LocalObjectReferenceApplyConfiguration
	for i, name := range names {
		if !slices.Contains(names[:i], name) {
			references = append(references, corev1ac.LocalObjectReference().WithName(name))
		}
	}
	return references
}

func container(s Server, settings Settings) *corev1ac.ContainerApplyConfiguration {
	resources := resourcesOf(s)
	return corev1ac.Container().
		WithName(ContainerName).
		WithImage(settings.Image).
		WithCommand("/scim-server").
		WithArgs(s.arguments(settings)...).
		WithArgs(settings.callable()...).
		WithEnv(
			envFromField(contract.EnvPodName, "metadata.name"),
			envFromField(contract.EnvPodNamespace, "metadata.namespace"),
			envFromField(contract.EnvPodUID, "metadata.uid"),
			envFromField(contract.EnvPodIP, "status.podIP")).
		WithEnv(memoryLimitEnv(resources)...).
		WithEnv(variables(settings.OpenTelemetry)...).
		WithPorts(
			port(portNameSCIM, contract.PortSCIM),
			port(portNameHealth, contract.PortHealth),
			port(portNamePeers, contract.PortPeers)).
		WithPorts(portsTLS(s)...).
		WithVolumeMounts(signingMount()).
		WithVolumeMounts(certificateMounts(s)...).
		WithResources(resources).
		WithStartupProbe(probe(contract.PathLive, 1, 60)).
		WithReadinessProbe(probe(contract.PathReady, 1, 6)).
		WithLivenessProbe(probe(contract.PathLive, 10, 3)).
		WithLifecycle(corev1ac.Lifecycle().WithPreStop(corev1ac.LifecycleHandler().
			WithSleep(corev1ac.SleepAction().WithSeconds(preStopSeconds)))).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
}

// callable are the arguments that say which hosts a server may call. Those of receivers of events are there only
// where there may be any, so that others need no other pods.
func (s Settings) callable() []string {
	arguments := s.Issuers.Args(contract.FlagIssuerHosts, contract.FlagIssuerNetworks)
	if len(s.EventSinks.Names) > 0 {
		arguments = append(arguments, s.EventSinks.Args(contract.FlagEventSinkHosts, contract.FlagEventSinkNetworks)...)
	}
	return arguments
}

func probe(path string, period, failures int32) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(portNameHealth))).
		WithPeriodSeconds(period).
		WithTimeoutSeconds(3).
		WithFailureThreshold(failures)
}

func port(name string, number int32) *corev1ac.ContainerPortApplyConfiguration {
	return corev1ac.ContainerPort().WithName(name).WithContainerPort(number).WithProtocol(corev1.ProtocolTCP)
}

func envFromField(name, path string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithFieldRef(corev1ac.ObjectFieldSelector().WithFieldPath(path)))
}

func variables(of map[string]string) []*corev1ac.EnvVarApplyConfiguration {
	var all []*corev1ac.EnvVarApplyConfiguration
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, corev1ac.EnvVar().WithName(name).WithValue(of[name]))
	}
	return all
}

// memoryLimitEnv tells the Go runtime to keep below four fifths of the container's
// memory limit, if there is one. It may overshoot for a moment, and the program itself
// counts too.
func memoryLimitEnv(resources *corev1ac.ResourceRequirementsApplyConfiguration) []*corev1ac.EnvVarApplyConfiguration {
	if resources.Limits == nil {
		return nil
	}
	limit, ok := (*resources.Limits)[corev1.ResourceMemory]
	if !ok {
		return nil
	}
	value := strconv.FormatInt(limit.Value()/5*4, 10)
	return []*corev1ac.EnvVarApplyConfiguration{corev1ac.EnvVar().WithName("GOMEMLIMIT").WithValue(value)}
}

func resourcesOf(s Server) *corev1ac.ResourceRequirementsApplyConfiguration {
	r := s.Spec.Resources
	if r == nil {
		return corev1ac.ResourceRequirements().
			WithRequests(corev1.ResourceList{
				corev1.ResourceCPU:    resource.MustParse("50m"),
				corev1.ResourceMemory: resource.MustParse("64Mi"),
			}).
			WithLimits(corev1.ResourceList{
				corev1.ResourceMemory: resource.MustParse("256Mi"),
			})
	}
	ac := corev1ac.ResourceRequirements()
	if len(r.Requests) > 0 {
		ac.WithRequests(r.Requests)
	}
	if len(r.Limits) > 0 {
		ac.WithLimits(r.Limits)
	}
	for _, claim := range r.Claims {
		c := corev1ac.ResourceClaim().WithName(claim.Name)
		if claim.Request != "" {
			c.WithRequest(claim.Request)
		}
		ac.WithClaims(c)
	}
	return ac
}

// schedule copies what a spec says about nodes.
func schedule(spec *corev1ac.PodSpecApplyConfiguration, s scimv1alpha1.ServerScheduling) {
	for key, value := range s.NodeSelector {
		spec.WithNodeSelector(map[string]string{key: string(value)})
	}
	for _, toleration := range s.Tolerations {
		spec.WithTolerations(tolerationOf(toleration))
	}
	if s.PriorityClassName != "" {
		spec.WithPriorityClassName(s.PriorityClassName)
	}
}

func tolerationOf(t corev1.Toleration) *corev1ac.TolerationApplyConfiguration {
	ac := corev1ac.Toleration()
	if t.Key != "" {
		ac.WithKey(t.Key)
	}
	if t.Operator != "" {
		ac.WithOperator(t.Operator)
	}
	if t.Value != "" {
		ac.WithValue(t.Value)
	}
	if t.Effect != "" {
		ac.WithEffect(t.Effect)
	}
	if t.TolerationSeconds != nil {
		ac.WithTolerationSeconds(*t.TolerationSeconds)
	}
	return ac
}

// spreadOver keeps a server's pods apart where that is possible, and lets them
// run together where it is not.
func spreadOver(s Server, topology string) *corev1ac.TopologySpreadConstraintApplyConfiguration {
	return corev1ac.TopologySpreadConstraint().
		WithMaxSkew(1).
		WithTopologyKey(topology).
		WithWhenUnsatisfiable(corev1.ScheduleAnyway).
		WithLabelSelector(selector(s)).
		WithMatchLabelKeys("pod-template-hash")
}

func selector(s Server) *metav1ac.LabelSelectorApplyConfiguration {
	return metav1ac.LabelSelector().WithMatchLabels(s.Selector)
}
