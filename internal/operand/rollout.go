package operand

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/rollout"
)

// ReleaseOf returns the fingerprint of what the operator gives to the pods of all servers:
// it is that of the pods of a tenant and of a ScimServer that ask for nothing.
func ReleaseOf(settings Settings) (string, error) {
	nobody := metav1.ObjectMeta{Namespace: "namespace", Name: "name"}
	dedicated := DedicatedServer(&scimv1alpha1.ScimTenant{ObjectMeta: nobody})
	shared := SharedServer(&scimv1alpha1.ScimServer{ObjectMeta: nobody})
	return rollout.Fingerprint(Deployment(dedicated, settings).Spec.Template, Deployment(shared, settings).Spec.Template)
}

// RecordOf returns what is to be noted on the Deployment of a server under a release.
func RecordOf(s Server, settings Settings, release string) (rollout.Record, error) {
	asked := s.Spec
	// How many pods there are restarts none.
	asked.Replicas, asked.Autoscaling = 0, scimv1alpha1.ServerAutoscaling{}
	shape, err := rollout.Fingerprint(asked)
	if err != nil {
		return rollout.Record{}, err
	}
	template, err := rollout.Fingerprint(Deployment(s, settings).Spec.Template)
	return rollout.Record{Release: release, Shape: shape, Template: template}, err
}

// RecordedDeployment is Deployment, with a record noted on it.
func RecordedDeployment(s Server, settings Settings, record rollout.Record) *appsv1ac.DeploymentApplyConfiguration {
	return Deployment(s, settings).WithAnnotations(map[string]string{rollout.Annotation: record.String()})
}
