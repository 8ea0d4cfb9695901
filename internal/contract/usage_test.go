package contract

import (
	"encoding/json"
	"fmt"
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
		"to the hour of each key": {
			Usage{LastUsedTimes: map[string]time.Time{
				"b": noon.Add(-time.Second), "a": noon.Add(time.Hour - time.Second).In(time.FixedZone("", 1800)),
			}},
			`{"users":0,"activeUsers":0,"groups":0,"lastUsedTimes":{"a":"2026-05-01T12:00:00Z","b":"2026-05-01T11:00:00Z"}}`,
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

func TestUsageIsOfTheKeysThatWereUsedLast(t *testing.T) {
	used := map[string]time.Time{}
	for i := range 3 * MostKeysUsed {
		used[fmt.Sprintf("key%03d", i)] = noon.Add(time.Duration(i) * time.Hour)
	}
	usage, err := DecodeUsage(EncodeUsage(Usage{LastUsedTimes: used}))
	if err != nil || len(usage.LastUsedTimes) != MostKeysUsed {
		t.Fatalf("%d keys are left, %v", len(usage.LastUsedTimes), err)
	}
	for i := range MostKeysUsed {
		if keyID := fmt.Sprintf("key%03d", 2*MostKeysUsed+i); !usage.LastUsedTimes[keyID].Equal(used[keyID]) {
			t.Errorf("%s was used at %v, and not %v", keyID, used[keyID], usage.LastUsedTimes[keyID])
		}
	}
	if len(used) != 3*MostKeysUsed {
		t.Error("what was to be encoded has changed")
	}
}

func TestDecodeUsageRefuses(t *testing.T) {
	for _, text := range []string{
		``, `3`, `{"users":-1}`, `{"activeUsers":-1}`, `{"groups":-1}`, `{"users":2147483648}`, `{"users":"3"}`, `{"lastRequestTime":"today"}`,
		`{"lastUsedTimes":{"a":"today"}}`, tooManyKeys(t),
	} {
		if usage, err := DecodeUsage(text); err == nil {
			t.Errorf("DecodeUsage(%q) = %+v", text, usage)
		}
	}
}

// tooManyKeys is what says of one key too many when it was used.
func tooManyKeys(t *testing.T) string {
	t.Helper()
	usage := Usage{LastUsedTimes: map[string]time.Time{}}
	for i := range MostKeysUsed + 1 {
		usage.LastUsedTimes[strconv.Itoa(i)] = noon
	}
	text, err := json.Marshal(usage)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
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
	used := func(hours map[string]int) string {
		times := map[string]time.Time{}
		for keyID, hour := range hours {
			times[keyID] = noon.Add(time.Duration(hour) * time.Hour)
		}
		return EncodeUsage(Usage{LastUsedTimes: times})
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
		"the last use of each key": {
			[]coordinationv1.Lease{lease(1, used(map[string]int{"a": 5, "b": 1})), lease(2, used(map[string]int{"b": 3, "c": 2})), lease(3, of(0, 0))},
			EncodeUsage(Usage{LastRequestTime: noon, LastUsedTimes: map[string]time.Time{
				"a": noon.Add(5 * time.Hour), "b": noon.Add(3 * time.Hour), "c": noon.Add(2 * time.Hour),
			}}),
		},
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
