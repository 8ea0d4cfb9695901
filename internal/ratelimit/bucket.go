package ratelimit

import (
	"math"
	"time"
)

// Limit is how many of something there may be.
type Limit struct {
	// PerSecond is how many in a second; 0 for any number.
	PerSecond int32
	// Burst is how many at once, after a time with none.
	Burst int32
}

// Limits bound what is sent.
type Limits struct{ Requests, Writes Limit }

const (
	// mostOperations is how many requests are charged at once at the most: those of a bulk
	// request (limit.Limits).
	mostOperations = 500
	// mostReplicas is how many replicas a tenant may have.
	mostReplicas = 20
	// shareTime is how long it takes until the share of a burst has come again, in seconds:
	// longer than peers take to hear of what was used.
	shareTime = 0.05
)

// bucket is a token bucket. It is full at first.
type bucket struct {
	limit  Limit
	tokens float64
	// share is how many of the tokens may be used before the peers have heard of what was
	// used last.
	share float64
	at    time.Time // when there were so many
}

// resize makes the bucket one of another limit. Who has waited for a higher one waits no
// more, and who has used up more than a lower one lets through does not wait for that.
func (b *bucket) resize(limit Limit, replicas int, now time.Time) {
	if limit == b.limit {
		return
	}
	b.fill(replicas, now)
	raised := max(0, float64(limit.Burst-b.limit.Burst))
	if b.limit.PerSecond == 0 {
		b.tokens, b.share, raised = float64(limit.Burst), float64(limit.Burst), 0
	}
	b.tokens, b.share, b.limit = b.tokens+raised, b.share+raised, limit
	b.cut(replicas)
}

// fill adds the tokens that have come by now. Requests that come at the same time may be
// looked at in another order.
func (b *bucket) fill(replicas int, now time.Time) {
	if now.After(b.at) {
		seconds, rate := now.Sub(b.at).Seconds(), float64(b.limit.PerSecond)
		b.tokens += seconds * rate
		b.share += seconds * max(rate, b.shareOf(replicas)/shareTime)
		b.at = now
	}
	b.cut(replicas)
}

// cut takes out what the bucket has no room for.
func (b *bucket) cut(replicas int) {
	b.tokens = min(b.tokens, float64(b.limit.Burst))
	b.share = min(b.share, b.shareOf(replicas))
}

// shareOf is the part of a burst that each of the replicas may use at once.
func (b *bucket) shareOf(replicas int) float64 {
	return max(float64(b.limit.Burst)/float64(replicas), 1)
}

// wait returns how long it takes until a request is let through, in whole seconds and at
// least one; 0 when it is now, since there are as many tokens as it needs. The bucket must
// be filled.
func (b *bucket) wait(needs float64) time.Duration {
	if b.limit.PerSecond == 0 || b.tokens >= needs && b.share >= needs {
		return 0
	}
	seconds := math.Ceil((1 - min(b.tokens, 1)) / float64(b.limit.PerSecond))
	return time.Duration(max(seconds, 1)) * time.Second
}

// charge takes out what this replica lets through, whether there is as much or not.
func (b *bucket) charge(tokens float64) {
	if b.limit.PerSecond > 0 {
		b.tokens -= tokens
		b.share -= tokens
	}
}

// chargeReported takes out what a peer has used, as far as that may be true.
func (b *bucket) chargeReported(tokens float64) {
	least := -mostReplicas * float64(b.limit.Burst+mostOperations)
	b.tokens = min(b.tokens, max(b.tokens-tokens, least))
}
