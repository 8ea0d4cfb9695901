package operand

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func replica(version string, renewed time.Time) coordinationv1.Lease {
	return coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			Annotations: map[string]string{AnnotationVerifiersVersion: version},
		},
		Spec: coordinationv1.LeaseSpec{
			RenewTime:            ptr.To(metav1.NewMicroTime(renewed)),
			LeaseDurationSeconds: ptr.To[int32](30),
		},
	}
}

func TestAccepting(t *testing.T) {
	claim := replica("100", now)
	claim.Labels[scimv1alpha1.LabelLease] = scimv1alpha1.LeaseClaim
	neverRenewed := replica("100", now)
	neverRenewed.Spec.RenewTime = nil
	silent := replica("100", now)
	silent.Annotations = nil
	const wanted = "100"

	for name, tc := range map[string]struct {
		leases          []coordinationv1.Lease
		version         string
		accepting, live int
	}{
		"no replica":                           {nil, wanted, 0, 0},
		"the very version":                     {[]coordinationv1.Lease{replica("100", now)}, wanted, 1, 1},
		"a newer one":                          {[]coordinationv1.Lease{replica("1000", now)}, wanted, 1, 1},
		"an older one":                         {[]coordinationv1.Lease{replica("99", now)}, wanted, 0, 1},
		"one of two":                           {[]coordinationv1.Lease{replica("99", now), replica("101", now)}, wanted, 1, 2},
		"an almost dead one counts":            {[]coordinationv1.Lease{replica("99", now.Add(-29*time.Second))}, wanted, 0, 1},
		"a dead one does not":                  {[]coordinationv1.Lease{replica("99", now.Add(-30*time.Second))}, wanted, 0, 0},
		"one whose clock is ahead":             {[]coordinationv1.Lease{replica("100", now.Add(time.Minute))}, wanted, 1, 1},
		"a claim is no replica":                {[]coordinationv1.Lease{claim}, wanted, 0, 0},
		"one that was never renewed":           {[]coordinationv1.Lease{neverRenewed}, wanted, 0, 0},
		"one that says nothing":                {[]coordinationv1.Lease{silent}, wanted, 0, 1},
		"one that talks nonsense":              {[]coordinationv1.Lease{replica("latest", now)}, wanted, 0, 1},
		"one that knows no Secret":             {[]coordinationv1.Lease{replica(NoVerifiers, now)}, wanted, 0, 1},
		"no Secret, and one that knows it":     {[]coordinationv1.Lease{replica(NoVerifiers, now)}, NoVerifiers, 1, 1},
		"no Secret, and one that says nothing": {[]coordinationv1.Lease{silent}, NoVerifiers, 0, 1},
		"no Secret, and one that does not":     {[]coordinationv1.Lease{replica("100", now)}, NoVerifiers, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			accepting, live := Accepting(tc.leases, tc.version, now)
			if accepting != tc.accepting || live != tc.live {
				t.Errorf("%d of %d accept, want %d of %d", accepting, live, tc.accepting, tc.live)
			}
			if all := AllAccept(tc.leases, tc.version, now); all != (tc.accepting == tc.live) {
				t.Errorf("AllAccept = %v", all)
			}
		})
	}
}
