package driver

import (
	"time"

	"github.com/kubescim/kubescim/internal/contract"
)

// Timing has every duration that a replica goes by. One that is zero has its
// default.
type Timing struct {
	// Lease is how long the others wait for a replica that is not heard of, in
	// whole seconds: contract.ReplicaLeaseDuration. The Lease is renewed after a
	// third of it, and its holder counts on it for two thirds.
	Lease time.Duration
	// Round bounds one round, and the answer to a leave: 500 ms.
	Round time.Duration
	// Promise is for how long a replica counts on what another one has promised: 250 ms. That
	// one keeps it for twice as long, by its own Timing: another duration takes another version
	// of the protocol.
	Promise time.Duration
	// Connect bounds the making of a connection, for which the other side may
	// have to read a Lease: 2 s.
	Connect time.Duration
	// Probe is how often a replica that does not answer is tried: every 250 ms.
	Probe time.Duration
	// Look is how often its Lease is looked at meanwhile: every second.
	Look time.Duration
	// Beat is how often the peers are asked while no reader wants it: every 5 s. A
	// connection that is silent for three times as long is closed.
	Beat time.Duration
	// Report is how often peers hear what was let through, while anything is: every 200 ms,
	// and at once where ratelimit.Buckets say so.
	Report time.Duration
	// Call bounds one call to the API server: 3 s.
	Call time.Duration
}

func (t Timing) withDefaults() Timing {
	for _, one := range []struct {
		duration *time.Duration
		fallback time.Duration
	}{
		{&t.Lease, contract.ReplicaLeaseDuration},
		{&t.Round, 500 * time.Millisecond},
		{&t.Promise, 250 * time.Millisecond},
		{&t.Connect, 2 * time.Second},
		{&t.Probe, 250 * time.Millisecond},
		{&t.Look, time.Second},
		{&t.Beat, 5 * time.Second},
		{&t.Report, 200 * time.Millisecond},
		{&t.Call, 3 * time.Second},
	} {
		if *one.duration == 0 {
			*one.duration = one.fallback
		}
	}
	return t
}
