package contract

import (
	"slices"
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

func named(name string, renewed time.Time) coordinationv1.Lease {
	lease := replica("100", renewed)
	lease.Name, lease.Namespace, lease.UID = name, "acme", "1"
	return lease
}

func TestReplicaObserver(t *testing.T) {
	claim := named("claim", now)
	claim.Labels[scimv1alpha1.LabelLease] = scimv1alpha1.LeaseClaim
	neverRenewed := named("never", now)
	neverRenewed.Spec.RenewTime = nil
	another := named("a", now)
	another.UID = "2"
	type look struct {
		after  time.Duration // since the first look
		leases []coordinationv1.Lease
		live   []string
	}
	for name, looks := range map[string][]look{
		"no replica":                   {{0, nil, nil}},
		"a claim is no replica":        {{0, []coordinationv1.Lease{claim}, nil}},
		"one that was never renewed":   {{0, []coordinationv1.Lease{neverRenewed}, nil}},
		"one that is seen first":       {{0, []coordinationv1.Lease{named("a", now)}, []string{"a"}}},
		"one whose clock is far back":  {{0, []coordinationv1.Lease{named("a", now.Add(-time.Hour))}, []string{"a"}}},
		"one whose clock is far ahead": {{0, []coordinationv1.Lease{named("a", now.Add(time.Hour))}, []string{"a"}}, {30 * time.Second, []coordinationv1.Lease{named("a", now.Add(time.Hour))}, nil}},
		"one that is silent, and comes back": {
			{0, []coordinationv1.Lease{named("a", now), named("b", now)}, []string{"a", "b"}},
			{29 * time.Second, []coordinationv1.Lease{named("a", now), named("b", now.Add(time.Second))}, []string{"a", "b"}},
			{30 * time.Second, []coordinationv1.Lease{named("a", now), named("b", now.Add(time.Second))}, []string{"b"}},
			{40 * time.Second, []coordinationv1.Lease{named("a", now.Add(-time.Minute)), named("b", now.Add(time.Second))}, []string{"a", "b"}},
		},
		"another one of the same name": {
			{0, []coordinationv1.Lease{named("a", now)}, []string{"a"}},
			{30 * time.Second, []coordinationv1.Lease{another}, []string{"a"}},
		},
		"one that is dead for long stays dead": {
			{0, []coordinationv1.Lease{named("a", now)}, []string{"a"}},
			{59 * time.Minute, []coordinationv1.Lease{named("a", now)}, nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var observer ReplicaObserver
			for _, look := range looks {
				var live []string
				for _, lease := range observer.Live(look.leases, now.Add(look.after)) {
					live = append(live, lease.Name)
				}
				if !slices.Equal(live, look.live) {
					t.Errorf("after %s %q are alive, want %q", look.after, live, look.live)
				}
			}
		})
	}
}

func TestAccepting(t *testing.T) {
	silent := replica("100", now)
	silent.Annotations = nil
	const wanted = "100"

	for name, tc := range map[string]struct {
		live      []coordinationv1.Lease
		version   string
		accepting int
	}{
		"no replica":                           {nil, wanted, 0},
		"the very version":                     {[]coordinationv1.Lease{replica("100", now)}, wanted, 1},
		"a newer one":                          {[]coordinationv1.Lease{replica("1000", now)}, wanted, 1},
		"an older one":                         {[]coordinationv1.Lease{replica("99", now)}, wanted, 0},
		"one of two":                           {[]coordinationv1.Lease{replica("99", now), replica("101", now)}, wanted, 1},
		"one that says nothing":                {[]coordinationv1.Lease{silent}, wanted, 0},
		"one that talks nonsense":              {[]coordinationv1.Lease{replica("latest", now)}, wanted, 0},
		"one that knows no Secret":             {[]coordinationv1.Lease{replica(NoVerifiers, now)}, wanted, 0},
		"no Secret, and one that knows it":     {[]coordinationv1.Lease{replica(NoVerifiers, now)}, NoVerifiers, 1},
		"no Secret, and one that says nothing": {[]coordinationv1.Lease{silent}, NoVerifiers, 0},
		"no Secret, and one that does not":     {[]coordinationv1.Lease{replica("100", now)}, NoVerifiers, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if accepting := Accepting(tc.live, tc.version); accepting != tc.accepting {
				t.Errorf("%d accept, want %d", accepting, tc.accepting)
			}
			if all := AllAccept(tc.live, tc.version); all != (tc.accepting == len(tc.live)) {
				t.Errorf("AllAccept = %v", all)
			}
		})
	}
}
