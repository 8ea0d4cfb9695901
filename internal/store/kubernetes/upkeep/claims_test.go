package upkeep

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// The case table of claims.go.
func TestFindings(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	claim := func(holder string, age time.Duration) coordinationv1.Lease {
		return coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: "c"},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, AcquireTime: ptr.To(metav1.NewMicroTime(now.Add(-age)))},
		}
	}
	one, two := named{id: "h", name: "n"}, named{id: "x", name: "n"}
	for name, c := range map[string]struct {
		holders []named
		leases  []coordinationv1.Lease
		want    []string // repair and holder
	}{
		"agreement":                        {[]named{one}, []coordinationv1.Lease{claim("h", time.Hour)}, nil},
		"missing":                          {[]named{one}, nil, []string{"Missing h"}},
		"wrong holder":                     {[]named{two}, []coordinationv1.Lease{claim("h", 0)}, []string{"WrongHolder x"}},
		"orphan":                           {nil, []coordinationv1.Lease{claim("h", 11*time.Minute)}, []string{"Orphan "}},
		"a write that may be under way":    {nil, []coordinationv1.Lease{claim("h", 9*time.Minute)}, nil},
		"duplicate":                        {[]named{one, two}, []coordinationv1.Lease{claim("x", 0)}, []string{"Duplicate h"}},
		"duplicate with a foreign holder":  {[]named{one, two}, []coordinationv1.Lease{claim("y", 0)}, []string{"WrongHolder h", "Duplicate h", "Duplicate x"}},
		"a claim that names nobody, young": {nil, []coordinationv1.Lease{claim("", 0)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			expected := map[string][]named{}
			if len(c.holders) > 0 {
				expected["c"] = c.holders
			}
			var got []string
			for _, f := range findings(expected, c.leases, now, orphanAge) {
				got = append(got, f.repair+" "+f.holder.id)
			}
			g.Expect(got).To(Equal(c.want))
		})
	}
}
