package ratelimit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// dueParts is into how many parts a burst is divided: once one of them is used, a report is
// due. All replicas together keep less than one to themselves.
const dueParts = 16

// Key is an API key that has limits of its own. The zero Key has none.
type Key struct {
	// Name is that of the ScimApiKey. All of its tokens count together.
	Name   string
	Limits Limits
}

// Name is that of a limit.
type Name string

// Names of the limits.
const (
	TenantRequests Name = "TenantRequests"
	TenantWrites   Name = "TenantWrites"
	KeyRequests    Name = "KeyRequests"
	KeyWrites      Name = "KeyWrites"
)

// Refusal says that a request must not be answered now. The zero Refusal says that it may.
type Refusal struct {
	// Limit is that which is reached; of several, the one that lasts longest.
	Limit Name
	// PerSecond is how many it lets through in a second.
	PerSecond int32
	// Wait is how long it takes until a request is let through if no other comes before, in
	// whole seconds, and at least one.
	Wait time.Duration
}

// Buckets are those of one tenant and its keys, on one replica. They are safe for concurrent
// use.
type Buckets struct {
	*ledger
	name   string // of one of several tenants
	tenant *account
	keys   map[string]*account // by name
}

// ledger has the accounts of all tenants of a process, which reports are about.
type ledger struct {
	due chan struct{}

	mu sync.Mutex
	// replicas is how many there are, this one included.
	replicas int
	counted  map[accountID]*account
}

// account is what one tenant, or one key, has sent and may send.
type account struct {
	id               accountID
	requests, writes bucket
	used             used
	// due is how many requests, or writes, there were when a report became due.
	due used
}

// used is how many requests and writes this replica has let through.
type used struct{ requests, writes uint64 }

// accountID tells the accounts of a tenant apart in reports.
type accountID uint64

// tenantID is that of the tenant itself.
const tenantID accountID = 0

// New returns the buckets of a tenant that has no limits and no keys yet.
func New() *Buckets {
	tenant := &account{id: tenantID}
	return &Buckets{
		ledger: &ledger{due: make(chan struct{}, 1), replicas: 1, counted: map[accountID]*account{tenantID: tenant}},
		tenant: tenant, keys: map[string]*account{},
	}
}

// For returns the buckets of one of several tenants, by its name, whose accounts are reported
// together with these. It must be closed when the tenant goes.
func (b *Buckets) For(tenant string) *Buckets {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := &account{id: idOf(tenant)}
	b.counted[own.id] = own
	return &Buckets{ledger: b.ledger, name: tenant, tenant: own, keys: map[string]*account{}}
}

// Close takes the accounts of a tenant out of those that are reported.
func (b *Buckets) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(b.tenant)
	for name, key := range b.keys {
		delete(b.keys, name)
		b.drop(key)
	}
}

// drop takes an account out, unless another one has its place already. The mutex is held.
func (b *Buckets) drop(one *account) {
	if b.counted[one.id] == one {
		delete(b.counted, one.id)
	}
}

// Due receives when peers should hear at once of what was used.
func (b *Buckets) Due() <-chan struct{} { return b.due }

// Resize gives the tenant limits.
func (b *Buckets) Resize(limits Limits, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tenant.resize(limits, b.replicas, now)
}

// Among says how many replicas there are, this one included.
func (b *Buckets) Among(replicas int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replicas = max(replicas, 1)
}

// Replicas returns how many replicas there are, this one included.
func (b *Buckets) Replicas() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.replicas
}

// Keep makes the keys those that have limits of their own, and forgets all others.
func (b *Buckets) Keep(keys []Key, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := make(map[string]struct{}, len(keys))
	for _, key := range keys {
		b.keep(key, now)
		kept[key.Name] = struct{}{}
	}
	for name, found := range b.keys {
		if _, is := kept[name]; !is {
			delete(b.keys, name)
			b.drop(found)
		}
	}
}

// Admit counts a request with the key, or says why it must not be answered now; then it
// counts nothing. The limits of the key are those of the last Keep: a request that has been
// under way for long knows what they were.
func (b *Buckets) Admit(key Key, writes bool, now time.Time) Refusal {
	cost := used{requests: 1}
	if writes {
		cost.writes = 1
	}
	return b.admit(key, cost, 1, now)
}

// AdmitOperations counts the operations of a bulk request, which was admitted for the first
// of them as one that writes. Each is a request and writes. There may be more of them than
// there are tokens, for which others wait then; but not when that is so already.
func (b *Buckets) AdmitOperations(key Key, operations int, now time.Time) Refusal {
	if operations <= 1 {
		return Refusal{}
	}
	more := uint64(operations - 1)
	return b.admit(key, used{requests: more, writes: more}, 0, now)
}

// admit counts the cost if all buckets that it is charged to have as many tokens as it needs.
func (b *Buckets) admit(key Key, cost used, needs float64, now time.Time) Refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	accounts := [2]*account{b.tenant, b.keys[key.Name]}
	for _, counted := range accounts {
		counted.fill(b.replicas, now)
	}
	refusal := latest(
		accounts[0].refusal(TenantRequests, TenantWrites, cost, needs),
		accounts[1].refusal(KeyRequests, KeyWrites, cost, needs))
	if refusal.Wait > 0 {
		return refusal
	}
	due := false
	for _, counted := range accounts {
		due = counted.charge(cost) || due
	}
	if due {
		select {
		case b.due <- struct{}{}:
		default: // It is due already.
		}
	}
	return Refusal{}
}

// keep gives a key limits.
func (b *Buckets) keep(key Key, now time.Time) {
	found, known := b.keys[key.Name]
	if !known {
		found = &account{id: b.idOfKey(key.Name)}
		b.keys[key.Name], b.counted[found.id] = found, found
	}
	found.resize(key.Limits, b.replicas, now)
}

// idOfKey is the id of a key's account.
func (b *Buckets) idOfKey(name string) accountID {
	if b.name == "" {
		return idOf(name)
	}
	return idOf(b.name + "/" + name)
}

// idOf is the id of an account.
func idOf(name string) accountID {
	sum := sha256.Sum256([]byte(name))
	return accountID(binary.BigEndian.Uint64(sum[:]))
}

func (a *account) resize(limits Limits, replicas int, now time.Time) {
	a.requests.resize(limits.Requests, replicas, now)
	a.writes.resize(limits.Writes, replicas, now)
}

func (a *account) fill(replicas int, now time.Time) {
	if a != nil {
		a.requests.fill(replicas, now)
		a.writes.fill(replicas, now)
	}
}

// refusal says why the account does not let a cost through, with the names of its limits.
func (a *account) refusal(requests, writes Name, cost used, needs float64) Refusal {
	if a == nil {
		return Refusal{}
	}
	refusal := Refusal{Limit: requests, PerSecond: a.requests.limit.PerSecond, Wait: a.requests.wait(needs)}
	if cost.writes > 0 {
		refusal = latest(refusal, Refusal{Limit: writes, PerSecond: a.writes.limit.PerSecond, Wait: a.writes.wait(needs)})
	}
	return refusal
}

// latest returns the refusal that lasts longest.
func latest(refusals ...Refusal) Refusal {
	return slices.MaxFunc(refusals, func(a, b Refusal) int { return cmp.Compare(a.Wait, b.Wait) })
}

// charge counts a cost, and reports whether a report has become due by that.
func (a *account) charge(cost used) (due bool) {
	if a == nil {
		return false
	}
	a.requests.charge(float64(cost.requests))
	a.writes.charge(float64(cost.writes))
	a.used.requests += cost.requests
	a.used.writes += cost.writes
	due = a.usedPart(a.due, dueParts)
	if due {
		a.due = a.used
	}
	return due
}

// usedPart reports whether one of so many parts of a burst has been used since there was so much.
func (a *account) usedPart(before used, parts int) bool {
	return a.requests.isPart(a.used.requests-before.requests, parts) || a.writes.isPart(a.used.writes-before.writes, parts)
}

// isPart reports whether so many tokens are at least one of so many parts of a burst.
func (b *bucket) isPart(count uint64, parts int) bool {
	return b.limit.PerSecond > 0 && count >= max(uint64(b.limit.Burst)/uint64(parts), 1)
}
