package contract

import (
	"strconv"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestEncodeUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		usage Usage
		want  string
	}{
		"nothing at all": {Usage{}, `{"users":0,"activeUsers":0,"groups":0}`},
		"to the minute": {
			Usage{Users: 3, ActiveUsers: 2, Groups: 1, LastRequestTime: noon.Add(59*time.Second + 999*time.Millisecond)},
			`{"users":3,"activeUsers":2,"groups":1,"lastRequestTime":"2026-05-01T12:00:00Z"}`,
		},
		"in another time zone": {
			Usage{LastRequestTime: noon.In(time.FixedZone("", 3600))},
			`{"users":0,"activeUsers":0,"groups":0,"lastRequestTime":"2026-05-01T12:00:00Z"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := EncodeUsage(tc.usage)
			if text != tc.want {
				t.Errorf("EncodeUsage = %s, want %s", text, tc.want)
			}
			back, err := DecodeUsage(text)
			if err != nil || EncodeUsage(back) != text {
				t.Errorf("DecodeUsage = %+v, %v", back, err)
			}
		})
	}
}

func TestDecodeUsageRefuses(t *testing.T) {
	for _, text := range []string{
		``, `3`, `{"users":-1}`, `{"activeUsers":-1}`, `{"groups":-1}`, `{"users":2147483648}`, `{"users":"3"}`, `{"lastRequestTime":"today"}`,
	} {
		if usage, err := DecodeUsage(text); err == nil {
			t.Errorf("DecodeUsage(%q) = %+v", text, usage)
		}
	}
}

func TestLatestUsage(t *testing.T) {
	lease := func(written int, text string) coordinationv1.Lease {
		return coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{ResourceVersion: strconv.Itoa(100 + written), Annotations: map[string]string{AnnotationUsage: text}},
			// Whose clock is most ahead says nothing.
			Spec: coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NewMicroTime(noon.Add(-time.Duration(written) * time.Hour)))},
		}
	}
	of := func(users int32, minute int) string {
		return EncodeUsage(Usage{Users: users, LastRequestTime: noon.Add(time.Duration(minute) * time.Minute)})
	}
	silent := lease(9, "")
	silent.Annotations = nil

	for name, tc := range map[string]struct {
		leases []coordinationv1.Lease
		want   string
	}{
		"no pod":                   {nil, ""},
		"a pod that says nothing":  {[]coordinationv1.Lease{silent}, ""},
		"a pod that says nonsense": {[]coordinationv1.Lease{lease(9, "{"), lease(1, of(1, 1))}, of(1, 1)},
		"the latest of several":    {[]coordinationv1.Lease{lease(1, of(1, 1)), lease(3, of(3, 3)), lease(2, of(2, 2))}, of(3, 3)},
		"the last request of any":  {[]coordinationv1.Lease{lease(1, of(1, 7)), lease(2, of(2, 5))}, of(2, 7)},
		"a pod without a request": {
			[]coordinationv1.Lease{lease(2, EncodeUsage(Usage{Users: 2})), lease(1, of(1, 1))}, of(2, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			usage, known := LatestUsage(tc.leases)
			if known != (tc.want != "") {
				t.Fatalf("the usage is known: %v", known)
			}
			if got := EncodeUsage(usage); known && got != tc.want {
				t.Errorf("LatestUsage = %s, want %s", got, tc.want)
			}
		})
	}
}
