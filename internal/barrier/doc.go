// Package barrier is the read barrier between the replicas of a tenant's SCIM
// server, after Raft's ReadIndex: it lets every replica answer from memory, at the
// price of one small question to each of the others for all readers that wait, and
// no reader ever misses what any replica has told a client before.
//
// # What a replica does
//
// A Mark says how far everything goes that a replica has told clients. A replica
// that answers a client keeps to three rules:
//
//  1. It reads from memory after Await, once its store has reached the Mark that
//     Await returned. If Await fails, or the store does not get there in time, it
//     reads at the API server, consistently.
//  2. Before the answer goes out, Log.Mark covers all that the answer depends on:
//     what was written, and what was read, wherever it was read.
//  3. Member is true at some moment after that has been written and read. If not,
//     the client is told to try again, and nothing else.
//
// # Membership
//
// A replica registers by writing its Lease; then it lists the Leases of the others;
// each of those must confirm that it knows the newcomer, or be gone; then it gets
// Log.Latest; then it is a member. One that has been unreachable for the duration of a
// Lease, although it renews its own, is asked for its confirmation by way of its Lease,
// and gives it there (see introduce.go); such a confirmation names the epoch, so that it
// is none for a later one. It counts on its Lease for two thirds of the
// duration, from before the call that renewed it. If it could not renew it by then,
// it is no member, and must begin anew when it can.
//
// A replica is a peer of those that know it until it leaves, or is given up. It
// leaves after its last answer, by telling each peer its last Mark, which that one
// raises in its own Log; then it deletes its Lease. It is given up by a peer that
// cannot reach it when its Lease is gone, or has been seen not to be renewed for the
// whole duration, or was taken over by the next process in its pod. From then until
// Log.Latest has been got and raised, Await fails at that peer. What a peer hands over as
// it leaves counts at once, and until Log.Latest has been got after that: as much of it as
// is true is covered then, and the rest was made up.
//
// # Why no reader misses anything
//
// Let X tell something, and let a reader come to Y after that. The reader's round
// begins at a moment when Y is a member, and after the reader came; call it now. X
// was a member at some moment after what it told was committed (rule 3); call it
// then. To show: the Mark that the reader gets covers what X told, or Await fails.
//
//   - Whoever is given up is no member any more. X's peer has seen the same renewTime
//     in X's Lease from one look to another that began a whole duration later; X gives
//     no two renewals the same. Any
//     renewal that the second look did not see comes after it; the last one that X
//     got was before the first look ended, and X has counted on it for two thirds of
//     the duration. So one clock may go half as fast again as another; how they are
//     set does not matter. To be a member again, X must be confirmed anew, and a
//     look that began before that does not count. A Lease is deleted by X itself
//     after its last answer, or after it ran out. The next process in a pod begins
//     when the last one is dead; one in another pod of the same name waits until the
//     Lease has run out.
//   - Members know each other. Let both X and Y be members at one moment. The one
//     whose Lease was written first, since it was last no member, was listed by the
//     other, which was then confirmed by it: it cannot have been given up instead,
//     being a member. From then on they ask each other, and where that cannot be done,
//     Await fails. It makes no difference whether the confirmation came by a connection or
//     by a Lease: the peer made the other one part of what it asks before.
//   - If Y has X for a peer now, X is asked, and answers with a Mark that it reads
//     after the question came, so after it told (rule 2).
//   - If Y had X for a peer and has no more, X has left, and its last Mark is in Y's
//     own, which Y reads after it has looked who its peers are; or Y gave X up, which
//     was after then, so that what X told was committed before Y got Log.Latest.
//   - If Y never had X for a peer since Y was last no member, X was not in Y's list,
//     and it did not become a member afterwards, since Y would have confirmed it. So
//     X's Lease was gone when Y listed, which was after then, and Y got Log.Latest
//     after that.
//
// A reader that reads at the API server instead, consistently, misses nothing that
// is committed. What a member does after the moment that rule 3 asks for takes no
// part in the argument, so that it does not matter how long it takes to send the
// answer.
//
// # Cases
//
//   - A slow watch: the store does not reach the Mark in time, and the reader reads
//     at the API server (rule 1). When a watch begins anew, what the store has
//     reached may lie before the Mark for a while, with the same result.
//   - Replicas that cannot reach each other, while both reach the API server: Await
//     fails at those that cannot ask. Both stay members, since both renew their
//     Leases. A newcomer that one of them cannot hear is confirmed by Lease, after a Lease's
//     duration, and so is a replica that comes back after a crash. Their Leases state whom
//     they cannot reach (contract.AnnotationUnreachablePeers).
//   - A replica that cannot reach the API server: it is no member any more after two
//     thirds of the Lease's duration. Until then it answers from memory.
//   - A pod that is killed between the write and the answer: nothing was told; the
//     write may be seen or not, as for every write that was not answered. A pod
//     killed after the answer: Await fails at its peers until its Lease has run out,
//     or the next process in the pod has come, and then Log.Latest covers the write.
//   - A newcomer: it answers nothing before all members ask it in every round.
//   - A Lease that runs out while its holder is stopped: when it goes on, its clock
//     has gone on too. (A machine whose clock stands still while the world goes on,
//     for longer than a third of the duration, would break this.)
//   - The API server is away: nothing is written, nobody comes, nobody is given up,
//     and all that was owed stays owed. Members go on until their Leases run out.
//   - The ScimTenant is deleted while its pods are still ending, and applied again:
//     the Leases go with it, and the new pods do not wait for the old ones. An old one
//     is no member any more once it finds its Lease or its ServiceAccount gone, at the
//     next renewal.
//   - A replica of an older release, whose Lease has no peer address, always reads
//     at the API server, so it need not confirm anything. What it tells is not
//     known: Await fails while its Lease lasts.
//   - A replica of the last release or of the next: TLS agrees on the newest version of the
//     protocol that both speak (protocol.go). Where there is none they cannot ask each
//     other, and are as replicas that cannot reach each other.
//
// # When history is rewritten
//
// All of this rests on that a resourceVersion is given out once. When etcd is restored to
// an older state and goes on from there, the numbers between are given out again: memory
// that has reached one of them may be of the history that is no more, and a Mark of that
// one says nothing. A replica finds out when its Lease, the latest resourceVersion of a
// kind, or something that it has written itself is at a lower one than the API server
// has shown before. It counts that, begins its store anew, and Await fails until
// Log.Latest has been got after that, which covers what it may have told of the new
// history by then. The count goes with each question and each Mark, read after the Mark:
// so whoever is asked learns of it before it answers, whoever asks does before it believes
// a Mark, and a Mark of one history is never compared with memory of another.
//
// So nothing is missed that was told by a replica which had found out. Until it has, a
// replica may show what is no more. It finds out before it tells of its next own write,
// and at the next renewal of its Lease at the latest, or before it is a member again, if
// the API server was away for two thirds of the duration: its renewal conflicts with the
// Lease as it was. There are two exceptions. If the backup was made after the last
// renewal, so that it is less than a third of a duration older than the end of the
// history, nothing conflicts; and if the new history has passed the old one's numbers
// before the replica looks, no number is lower. Where both hold for all replicas, nobody
// finds out. An etcd that is restored with its revision raised and what was before marked
// as compacted has neither: no number is given out twice, and watches are told to begin
// anew (docs/backup.md). A replica of the last release does not know of any of this.
//
// Somebody who deletes the Lease of a running replica breaks the second point of
// the argument, until that replica has noticed when it renews it.
//
// # Trust
//
// A peer is whoever may write Leases in the tenant's namespace: the Lease has the
// fingerprint of the certificate that the process made at its start, both sides of
// a connection prove by TLS 1.3 that they have the key of the one in the other's
// Lease, and there is no Secret that anybody could read. A peer that lies, or is silent,
// makes the others read at the API server while its Lease lasts, and no longer. Whoever is
// no peer can open connections: the oldest of the address with the most of them give way.
package barrier
