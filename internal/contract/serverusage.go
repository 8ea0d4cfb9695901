package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// PathUsage is where the operator asks a server pod, at PortHealth, how much the pod's tenants
// are used: the answer is a ServerUsage.
const PathUsage = "/usage"

const (
	// usageBytes and usageBytesOfTenant bound the answer of a pod, by how many tenants its namespace has:
	// each has MostKeysUsed keys at the most, and a message.
	usageBytes         = 16 << 10
	usageBytesOfTenant = 8 << 10
	// usageTenants is how many tenants a pod may say something of that are gone.
	usageTenants = 64
)

// ServerUsage is what one server pod has counted of each tenant that it hosts, by name.
type ServerUsage struct {
	Tenants map[string]TenantUsage `json:"tenants"`
	// VerifyingKeys are the ids of the server's own keys, with which the pod checks access tokens, and
	// TenantKeys those of keys of other servers with which it checks those of a tenant, whether it
	// hosts that or is about to.
	VerifyingKeys []string            `json:"verifyingKeys,omitempty"`
	TenantKeys    map[string][]string `json:"tenantKeys,omitempty"`
	// Refusals are how many requests with a known key the pod has refused since it hosts a tenant, by
	// the tenant and by requestlog.Advice.Reason. It is no part of Tenants, since what changes there
	// has the tenant reconciled.
	Refusals map[string]map[string]int64 `json:"refusals,omitempty"`
}

// TenantUsage is what one server pod has counted of one tenant.
type TenantUsage struct {
	// State is how the pod answers requests to the tenant.
	State TenantServing `json:"state"`
	// Message is why it answers none, in words for whoever looks after the ScimTenant; empty
	// when it does.
	Message string `json:"message,omitempty"`
	// Usage is nil while the pod has not read all users and groups, and so has not counted
	// them.
	Usage *Usage `json:"usage,omitempty"`
	// IdleSeconds is for how long the pod has had no request to the tenant with a good token, since
	// clients are to leave: 0 while one is under way. It is nil while they are not to (Draining).
	IdleSeconds *int64 `json:"idleSeconds,omitempty"`
	// LastKeyID is the id of the key with which the last request came, while clients are to leave; empty
	// when none has come since the pod started.
	LastKeyID string `json:"lastKeyID,omitempty"`
}

// IdleBeforeOff is for how long a server that clients are to leave must have had no request to
// the tenant before it answers none any more. Whoever leads traffic to pods has heard by then that
// it goes elsewhere: a Service's does within a second or two, an ingress controller's within some.
const IdleBeforeOff = 15 * time.Second

// Verifies reports whether the pod checks access tokens of a tenant with the key of that id.
func (u ServerUsage) Verifies(tenant, keyID string) bool {
	return slices.Contains(u.VerifyingKeys, keyID) || slices.Contains(u.TenantKeys[tenant], keyID)
}

// TenantServing is how a server pod answers requests to a tenant.
type TenantServing string

// How a pod answers requests to a tenant.
const (
	// ServingMemory: reads are answered from memory.
	ServingMemory TenantServing = "Memory"
	// ServingLive: every read is one at the API server, since memory is not complete, or another
	// server may answer requests, too.
	ServingLive TenantServing = "Live"
	// ServingNothing: no request is answered but with an error. TenantUsage.Message says why; if
	// it is empty, the tenant has just come, or is going.
	ServingNothing TenantServing = "Nothing"
)

// EncodeServerUsage returns the answer of PathUsage, with times as exact as UsageResolution and
// KeyUsageResolution.
func EncodeServerUsage(usage ServerUsage) []byte {
	rounded := usage
	rounded.Tenants = make(map[string]TenantUsage, len(usage.Tenants))
	for name, tenant := range usage.Tenants {
		if tenant.Usage != nil {
			less := tenant.Usage.rounded()
			tenant.Usage = &less
		}
		rounded.Tenants[name] = tenant
	}
	text, _ := json.Marshal(rounded) // Numbers, times and texts can always be marshalled.
	return text
}

// DecodeServerUsage reads the answer of PathUsage, of a pod in a namespace with so many tenants. It fails on
// what EncodeServerUsage cannot have written: whoever may run pods there can answer at will.
func DecodeServerUsage(from io.Reader, tenants int) (ServerUsage, error) {
	usage, err := decodeAnswer[ServerUsage](from, usageBytes+int64(tenants)*usageBytesOfTenant, "the usage of a server pod")
	if err != nil {
		return ServerUsage{}, err
	}
	for _, named := range []int{len(usage.Tenants), len(usage.TenantKeys), len(usage.Refusals)} {
		if named > tenants+usageTenants {
			return ServerUsage{}, fmt.Errorf("reading the usage of a server pod: it is about %d tenants, and its namespace has %d", named, tenants)
		}
	}
	for name, tenant := range usage.Tenants {
		if tenant.Usage == nil {
			continue
		}
		if err := tenant.Usage.check(); err != nil {
			return ServerUsage{}, fmt.Errorf("reading the usage of tenant %q: %w", name, err)
		}
	}
	return usage, nil
}

// UsageOf returns how much a tenant is used by what several pods of its server say at about
// the same time: the counts of the one to which the last request came, the last request that
// came to any of them, and the last with each token, and whether any has stopped a request by the guard. When the last request may have come to several,
// most requests are failing if they are at one of these. known is false when none has counted.
func UsageOf(tenant string, pods []ServerUsage) (usage Usage, known bool) {
	used, guarded := map[string]time.Time{}, false
	for _, pod := range pods {
		counted := pod.Tenants[tenant].Usage
		if counted == nil {
			continue
		}
		guarded = guarded || counted.Guarded
		for keyID, at := range counted.LastUsedTimes {
			if at.After(used[keyID]) {
				used[keyID] = at
			}
		}
		switch {
		case !known || counted.LastRequestTime.After(usage.LastRequestTime):
			usage, known = *counted, true
		case counted.LastRequestTime.Equal(usage.LastRequestTime):
			usage.MostlyFailing = eitherFails(usage.MostlyFailing, counted.MostlyFailing)
		}
	}
	usage.LastUsedTimes, usage.Guarded = used, guarded
	return usage, known
}

// eitherFails joins what two pods say of the requests that came to them.
func eitherFails(a, b *bool) *bool {
	if a == nil || b != nil && *b {
		return b
	}
	return a
}
