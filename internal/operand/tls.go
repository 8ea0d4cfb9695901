package operand

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/kubescim/kubescim/internal/contract"
)

// volumeCertificate is the volume of a pod with the certificate that it presents.
const volumeCertificate = "server-certificate"

// servesTLS reports whether the pods of a server are to serve TLS.
func (s Server) servesTLS() bool { return s.Spec.TLS.SecretName != "" }

// CertificateSecret returns the name of the Secret with the certificate that the pods of a Deployment
// present; empty if they serve no TLS.
func CertificateSecret(deployment *appsv1.Deployment) string {
	for i := range deployment.Spec.Template.Spec.Volumes {
		if volume := &deployment.Spec.Template.Spec.Volumes[i]; volume.Name == volumeCertificate && volume.Secret != nil {
			return volume.Secret.SecretName
		}
	}
	return ""
}

// HasTLSPort reports whether a Service has the port for TLS.
func HasTLSPort(service *corev1.Service) bool {
	for i := range service.Spec.Ports {
		if service.Spec.Ports[i].Name == portNameTLS {
			return true
		}
	}
	return false
}

// certificateVolumes are of the certificate and its key alone, whatever else is in the Secret: a pod
// gets nothing that it does not present. It waits for the Secret.
func certificateVolumes(s Server) []*corev1ac.VolumeApplyConfiguration {
	if !s.servesTLS() {
		return nil
	}
	item := func(key string) *corev1ac.KeyToPathApplyConfiguration {
		return corev1ac.KeyToPath().WithKey(key).WithPath(key)
	}
	return []*corev1ac.VolumeApplyConfiguration{
		corev1ac.Volume().WithName(volumeCertificate).WithSecret(corev1ac.SecretVolumeSource().
			WithSecretName(s.Spec.TLS.SecretName).
			WithItems(item(corev1.TLSCertKey), item(corev1.TLSPrivateKeyKey)).
			WithDefaultMode(0o440)),
	}
}

func certificateMounts(s Server) []*corev1ac.VolumeMountApplyConfiguration {
	if !s.servesTLS() {
		return nil
	}
	return []*corev1ac.VolumeMountApplyConfiguration{
		corev1ac.VolumeMount().WithName(volumeCertificate).WithMountPath(contract.PathServerCertificate).WithReadOnly(true),
	}
}

func portsTLS(s Server) []*corev1ac.ContainerPortApplyConfiguration {
	if !s.servesTLS() {
		return nil
	}
	return []*corev1ac.ContainerPortApplyConfiguration{port(portNameTLS, contract.PortSCIMTLS)}
}

// servicePortsTLS lead, by the name of the port, to those pods only that serve TLS. They lead nowhere
// else: a ScimServer has no TLS at the ports that are for one tenant each.
//
// What is between the Service and a pod speaks TLS if it goes by the name, the number or the
// appProtocol of the port, as the standards for each of them have it.
func servicePortsTLS(s Server) []*corev1ac.ServicePortApplyConfiguration {
	if !s.LeadsTLS || s.Traffic != nil {
		return nil
	}
	return []*corev1ac.ServicePortApplyConfiguration{
		corev1ac.ServicePort().
			WithName(portNameTLS).
			WithProtocol(corev1.ProtocolTCP).
			WithAppProtocol(portNameTLS).
			WithPort(contract.PortServiceTLS).
			WithTargetPort(intstr.FromString(portNameTLS)),
	}
}
