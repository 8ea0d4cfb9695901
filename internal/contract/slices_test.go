package contract

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestAllFenceMembers(t *testing.T) {
	pod := func(annotations map[string]string) coordinationv1.Lease {
		return coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}, Annotations: annotations},
			Spec:       coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NewMicroTime(time.Unix(0, 0))), LeaseDurationSeconds: ptr.To[int32](15)},
		}
	}
	anew := pod(map[string]string{AnnotationFencesMembers: "true", AnnotationPeerProtocols: "3,2,1"})
	old := pod(map[string]string{AnnotationPeerProtocols: "3,2,1"})
	for name, c := range map[string]struct {
		leases []coordinationv1.Lease
		want   bool
	}{
		"none":                      {nil, true},
		"of this release":           {[]coordinationv1.Lease{anew, anew}, true},
		"one of the release before": {[]coordinationv1.Lease{anew, old}, false},
		"one that is no pod's":      {[]coordinationv1.Lease{anew, {}}, true},
	} {
		t.Run(name, func(t *testing.T) { NewWithT(t).Expect(AllFenceMembers(c.leases)).To(Equal(c.want)) })
	}
}
