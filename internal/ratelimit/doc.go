// Package ratelimit bounds how many requests and writes a tenant, and each of its keys, may
// send in a second, whichever of the tenant's replicas they come to. It has no clock, no
// goroutine and no I/O.
//
// # How replicas count together
//
// Each replica has a token bucket of the whole rate for each limit. A request that is
// answered costs a token, and is refused when there is none. What a replica has counted, it
// reports to its peers soon after, and they charge it to their own buckets of the same name,
// which may have less than nothing after that. So all buckets go down by all that is used,
// and up by one rate: over some seconds the replicas let through together what one would,
// whether all requests come to one of them or each has its share. What is too much until the
// others hear of it is made up for, since they wait for it.
//
// A burst is shared out: until the peers can have heard of it, each replica lets no more of it
// through than its part, and a report is due at once (Buckets.Due) when a good part of one was
// used. So bursts that come to all replicas at the same moment are not as many times as large,
// and nobody waits long for them to be made up for. Who sends all to one replica gets the whole
// burst within some hundredths of a second for each replica.
//
// What is less than a small part of a burst is kept for a later report: a thousand tenants that
// are each sent some requests a second come nowhere near their limits, and need no report for
// that. What all replicas keep so is less than a sixteenth of the burst.
//
// A report has what was used since the last one that the peer has confirmed. One that is not
// confirmed is sent again as it was, with its number, so that what is lost is made up for, and
// what was charged though its confirmation is lost is not charged twice. What was used while a peer could not be reached for
// longer than patience is never charged there: when the network is whole again, nobody waits
// for what was used long ago. Until then, each side has the whole rate for itself.
//
// # Trust
//
// Who is a peer, and what that takes, is for package readindex. A peer that reports more than
// it has used makes the others refuse requests. They do not believe that it is more than as
// many replicas as a tenant may have could have used at once, so that this ends soon after
// the peer does.
package ratelimit
