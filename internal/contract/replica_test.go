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

func replica(revision string, renewed time.Time) coordinationv1.Lease {
	return coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			Annotations: map[string]string{AnnotationCredentialsRevision: revision},
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

func TestAcknowledging(t *testing.T) {
	states := func(annotations map[string]string) coordinationv1.Lease {
		lease := named("a", now)
		lease.Annotations = annotations
		return lease
	}
	revision := func(revision string) coordinationv1.Lease {
		return states(map[string]string{AnnotationCredentialsRevision: revision})
	}
	before := func(version string) coordinationv1.Lease {
		return states(map[string]string{AnnotationVerifiersVersion: version})
	}
	both := states(map[string]string{AnnotationCredentialsRevision: "100", AnnotationVerifiersVersion: "1"})
	silent := states(nil)
	const wanted, verifiers = "100", "50"

	for name, tc := range map[string]struct {
		live                   []coordinationv1.Lease
		credentials, verifiers string
		acknowledging          int
	}{
		"no replica":                          {nil, wanted, "", 0},
		"the very revision":                   {[]coordinationv1.Lease{revision("100")}, wanted, "", 1},
		"a newer one":                         {[]coordinationv1.Lease{revision("1000")}, wanted, "", 1},
		"an older one":                        {[]coordinationv1.Lease{revision("99")}, wanted, "", 0},
		"one of two":                          {[]coordinationv1.Lease{revision("99"), revision("101")}, wanted, "", 1},
		"one that says nothing":               {[]coordinationv1.Lease{silent}, wanted, "", 0},
		"one that talks nonsense":             {[]coordinationv1.Lease{revision("latest")}, wanted, "", 0},
		"nothing to see":                      {[]coordinationv1.Lease{revision("99"), silent}, "", "", 2},
		"an old one and no Secret of its own": {[]coordinationv1.Lease{before(NoVerifiers)}, wanted, "", 0},
		"an old one with the Secret":          {[]coordinationv1.Lease{before("50")}, wanted, verifiers, 1},
		"an old one with an older Secret":     {[]coordinationv1.Lease{before("49")}, wanted, verifiers, 0},
		"an old one without the Secret":       {[]coordinationv1.Lease{before(NoVerifiers)}, wanted, verifiers, 0},
		"an old one that knows of no Secret":  {[]coordinationv1.Lease{before(NoVerifiers)}, wanted, NoVerifiers, 1},
		"an old one that knows one still":     {[]coordinationv1.Lease{before("50")}, wanted, NoVerifiers, 0},
		"an old one, and nothing to see":      {[]coordinationv1.Lease{before("49")}, "", verifiers, 0},
		"a new one that says both":            {[]coordinationv1.Lease{both}, wanted, verifiers, 1},
		"an old one beside a new one":         {[]coordinationv1.Lease{before("50"), revision("100")}, wanted, verifiers, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Acknowledging(tc.live, tc.credentials, tc.verifiers); got != tc.acknowledging {
				t.Errorf("%d acknowledge, want %d", got, tc.acknowledging)
			}
		})
	}
}
