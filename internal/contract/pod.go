package contract

// Ports of a server pod, and of the Service in front of it.
const (
	// PortService is the port of the SCIM API at the Service: that of URL.
	PortService int32 = 80
	// PortServiceTLS is the port of the SCIM API over TLS at the Service, where its pods serve that.
	PortServiceTLS int32 = 443
	// PortSCIM is the port of the SCIM API.
	PortSCIM int32 = 8080
	// PortSCIMTLS is the port of the SCIM API over TLS.
	PortSCIMTLS int32 = 8443
	// PortHealth is the port of the probes and the metrics.
	PortHealth int32 = 8081
	// PortPeers is the port that the pods of a tenant's server call each other at.
	PortPeers int32 = 8082
	// FirstTenantPort and LastTenantPort are the first and the last of the ports of a ScimServer's
	// pods that are for one tenant alone each: TenantServer.Port. Connections that a pod opens get
	// none of these, nor do service meshes listen at them.
	FirstTenantPort int32 = 10000
	LastTenantPort  int32 = 14999
)

// Paths of the probes, at PortHealth.
const (
	// PathLive answers as long as the process runs, whatever the API server does.
	PathLive = "/livez"
	// PathReady answers once the server may get requests.
	PathReady = "/readyz"
)

// Flags of the SCIM server that its Deployment sets; the others have their defaults.
const (
	// FlagTenant has the name of the ScimTenant, which is in the pod's namespace.
	FlagTenant = "tenant"
	// FlagServer has the name of the ScimServer, which is in the pod's namespace, instead of
	// FlagTenant.
	FlagServer = "server"
	// FlagAbsence has how long a user or group must have been absent before a server
	// removes what refers to it, as a duration of Go.
	FlagAbsence = "absence"
	// FlagServerCertificate has the folder with the certificate of PortSCIMTLS and its key, by the names
	// that they have in a Secret of type kubernetes.io/tls. Without it, that port is closed.
	FlagServerCertificate = "server-certificate"
)

// PathServerCertificate is where that folder is, of a pod that serves TLS.
const PathServerCertificate = "/etc/kubescim/server-certificate"

// Variables of OpenTelemetry in the environment of a server pod; if one of them is set, it sends traces there, by OTLP over HTTP.
//
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
const (
	EnvOTLPEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	EnvOTLPTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// Environment variables in which a server pod finds out who it is.
const (
	EnvPodName      = "POD_NAME"
	EnvPodNamespace = "POD_NAMESPACE"
	EnvPodUID       = "POD_UID"
	EnvPodIP        = "POD_IP"
)
