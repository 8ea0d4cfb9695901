package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/kubescim/kubescim/internal/apikey"
)

// AnnotationUsage has, on the Lease of a server pod, what the pod has counted, as
// EncodeUsage writes it. That is how the operator knows how many users a tenant
// has, without listing them.
const AnnotationUsage = "scim.kubescim.dev/usage"

const (
	// UsageResolution is how exact Usage.LastRequestTime is.
	UsageResolution = time.Minute
	// KeyUsageResolution is how exact the times in Usage.LastUsedTimes are.
	KeyUsageResolution = time.Hour
	// MostKeysUsed is of how many keys Usage.LastUsedTimes says something: of those that
	// were used last.
	MostKeysUsed = 64
)

// Usage is how much a tenant is used.
type Usage struct {
	// Users is how many users SCIM shows: without those that were deleted and
	// are kept.
	Users int32 `json:"users"`
	// ActiveUsers is how many of them are not inactive.
	ActiveUsers int32 `json:"activeUsers"`
	// Groups is how many groups there are.
	Groups int32 `json:"groups"`
	// LastRequestTime is when the last request with a good token came, to the
	// minute; zero when none has come since the pod started.
	LastRequestTime time.Time `json:"lastRequestTime,omitzero"`
	// LastUsedTimes are when a request with each token last came, by its key id, to the
	// hour. A token that is not among them may have been used before the pod started, or
	// before MostKeysUsed others.
	LastUsedTimes map[string]time.Time `json:"lastUsedTimes,omitempty"`
	// MostlyFailing is whether most of the last requests with a good token were refused or failed;
	// nil while there were too few since the pod started.
	MostlyFailing *bool `json:"mostlyFailing,omitempty"`
	// Guarded is whether the pod has stopped a request by the guard of the tenant, within the window of that and
	// since it was open last.
	Guarded bool `json:"guarded,omitempty"`
	// Selectors says whether label and field selectors find the users; nil while that is not known.
	Selectors *SelectorUsage `json:"selectors,omitempty"`
}

// SelectorUsage says how many users selectors find by what these should have.
type SelectorUsage struct {
	// Labels is the digest of the labels that the pod goes by.
	Labels string `json:"labels,omitempty"`
	// Left is how many users have these labels, or spec.lookup, still to get.
	Left int32 `json:"left"`
}

// EncodeUsage returns the value of AnnotationUsage. It is the same for the same
// usage, and the times in it are cut to the minute and the hour: a Lease that is renewed
// says nothing new unless something happened.
func EncodeUsage(usage Usage) string {
	// Numbers and a time can always be marshalled.
	text, _ := json.Marshal(usage.rounded())
	return string(text)
}

// rounded is the usage with times that are as exact as they are told.
func (u Usage) rounded() Usage {
	u.LastRequestTime = u.LastRequestTime.UTC().Truncate(UsageResolution)
	u.LastUsedTimes = lastUsed(u.LastUsedTimes)
	return u
}

// lastUsed returns the times of those keys that were used last, cut to the hour.
func lastUsed(times map[string]time.Time) map[string]time.Time {
	latest := make(map[string]time.Time, len(times))
	for keyID, at := range times {
		latest[keyID] = at.UTC().Truncate(KeyUsageResolution)
	}
	apikey.KeepLatest(latest, MostKeysUsed)
	return latest
}

// DecodeUsage reads the value of AnnotationUsage. It fails on what EncodeUsage
// cannot have written.
func DecodeUsage(text string) (Usage, error) {
	var usage Usage
	if err := json.Unmarshal([]byte(text), &usage); err != nil {
		return Usage{}, fmt.Errorf("reading annotation %s: %w", AnnotationUsage, err)
	}
	if err := usage.check(); err != nil {
		return Usage{}, fmt.Errorf("reading annotation %s: %w", AnnotationUsage, err)
	}
	return usage, nil
}

// check returns what no pod can have counted.
func (u Usage) check() error {
	if u.Users < 0 || u.ActiveUsers < 0 || u.Groups < 0 {
		return errors.New("a number is negative")
	}
	if u.Selectors != nil && u.Selectors.Left < 0 {
		return errors.New("a number is negative")
	}
	if len(u.LastUsedTimes) > MostKeysUsed {
		return fmt.Errorf("it is about %d keys, and of %d at the most", len(u.LastUsedTimes), MostKeysUsed)
	}
	return nil
}

// LatestUsage returns what the server pod says that has renewed its Lease last,
// with the last request that came to any pod, and the last with each token. Leases that say
// nothing, or nothing that can be read, count as absent; known is false when no other is left.
func LatestUsage(leases []coordinationv1.Lease) (latest Usage, known bool) {
	var requested time.Time
	var written string
	used := map[string]time.Time{}
	for _, lease := range leases {
		text, reported := lease.Annotations[AnnotationUsage]
		if !reported {
			continue
		}
		usage, err := DecodeUsage(text)
		if err != nil {
			continue
		}
		if usage.LastRequestTime.After(requested) {
			requested = usage.LastRequestTime
		}
		for keyID, at := range usage.LastUsedTimes {
			if at.After(used[keyID]) {
				used[keyID] = at
			}
		}
		// The clocks of pods may differ; the order in which they wrote does not.
		order, err := resourceversion.CompareResourceVersion(lease.ResourceVersion, written)
		if !known || err == nil && order > 0 {
			latest, known, written = usage, true, lease.ResourceVersion
		}
	}
	latest.LastRequestTime, latest.LastUsedTimes = requested, used
	return latest, known
}
