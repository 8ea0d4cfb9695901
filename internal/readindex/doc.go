// Package readindex lets every replica of a SCIM server answer reads from memory, after Raft's
// ReadIndex: for one small question to each of the others, asked for all readers that wait, no
// reader ever misses what any replica has acknowledged before. While nothing is written, most
// readers need not even that: the others have promised to let this replica know first, as in
// Paxos Quorum Leases (Moraru, Andersen and Kaminsky, 2014).
//
// Its Core is what one replica knows and decides, as Raft's RawNode: events in, effects out.
// It has no clock, no goroutine and no I/O. Package driver has those.
//
// # What a replica does
//
// Revisions are how far all that goes which a replica has acknowledged to clients: what it
// has written for them, and what it has shown them. Its Marks have them for each tenant. A
// replica that answers a client of a tenant keeps to four rules:
//
//  1. It reads from memory after ReadIndex, once its store has reached the Revisions that
//     came of it. If ReadIndex fails, or the store does not get there in time, it reads at
//     the API server, consistently.
//  2. Before the answer goes out, its own Marks cover all that the answer depends on, wherever
//     that was written or read.
//  3. After that, it discloses: it waits until no other replica counts on a promise that does
//     not know what the Marks cover of the tenant.
//  4. Member is true at some moment after all has been written and read. If not, the client
//     is told to try again, and nothing else.
//
// # Membership
//
// A replica writes its Lease; then it lists the Leases of the others; each of those must
// confirm that it knows the newcomer, or be gone; and it reads which tenants it serves and how, and
// whom it lets in; then it syncs, which is to ask the API
// server for its latest resourceVersions and to raise its own Revisions to them; then it is
// a member. It counts on its Lease for two thirds of the duration, from before the call
// that renewed it. If it could not renew it by then, or the Lease was not its own in
// between, it is no member, and begins anew, in another epoch.
//
// A replica is a peer of those that know it until it leaves or is given up. It leaves after
// its last answer, by handing its Revisions over to each peer, which makes them part of its
// own; then it deletes its Lease. It is given up by a peer that cannot reach it when its
// Lease is gone, or has been seen not to be renewed for the whole duration, or was taken over
// by the next process in its pod. From then until a sync that began after that has ended,
// ReadIndex fails at that peer. What was handed over counts until such a sync, too: as much
// of it as is true is covered then, and the rest was made up.
//
// A peer that has been unreachable for the duration of a Lease, although it renews its own,
// confirms by way of its Lease, where the newcomer introduces itself (introduction.go).
//
// # Promises
//
// A question and its answer are alike (Message): each side says what has changed in its Marks,
// and which version of the other's it knows. A version counts changes, so that no more than the
// last of them need to be said. Whoever knows too little of them gets the highest of all tenants,
// as a floor. So one exchange serves readers who wait for the peer's Marks, and those who wait
// until the peer knows the own ones.
//
// When clients read at Y, its question asks for a promise. Y counts on that for 250 ms from
// before it asked, by its clock; X, which gives it, keeps it for twice as long from when it was
// asked, by its own. X promises to tell clients nothing of a tenant before Y has said that it
// knows. That it was sent to Y does not do. What Y does not know when an answer of X is due is
// sent to it, in a round for all answers that wait. If nothing comes back, X waits until the
// promise has ended. X gives none when it cannot ask Y.
//
// A reader at Y asks nobody if all peers have promised, and none of that has ended. It reads at
// what Y knows of their Marks. If less than half of the time is left, it has them asked anew
// without waiting for it. Nobody asks for promises while nobody reads, so that whoever writes
// then waits for nobody.
//
// A promise is one process's to another one, and for all tenants. Paxos Quorum Leases are for
// objects each, which keeps those from being told who do not read them. But reads of a thousand
// tenants by turns would take a thousand promises, and every one of these its message. What is
// waited for is of one tenant all the same: an answer to a client of another one does not wait.
//
// # Why no reader misses anything
//
// Let X acknowledge something, and let a reader come to Y after that. The reader's round
// begins at a moment when Y is a member, and after the reader came; call it now. X was a
// member at some moment after what it acknowledged was committed (rule 3); call it then.
// To show: the Revisions that the reader gets cover it, or ReadIndex fails. A reader that goes by
// promises has no round; let now be when it finds that they have not ended.
//
//   - Whoever is given up is no member any more. Y has seen the same renewal in X's Lease
//     from the end of one look to the beginning of another, a whole duration later. X gives
//     no two renewals the same, so that the last one that it got was before the first look
//     ended, and X has counted on it for two thirds of the duration. So one clock may go
//     half as fast again as another; how they are set does not matter. To be a member again,
//     X must be confirmed anew, which Y hears, and a look that began before that does not
//     count. A Lease is deleted by X itself after its last answer, or after it ran out. The
//     next process in a pod begins when the last one is dead; one in another pod of the same
//     name waits until the Lease has run out.
//   - Members know each other. Let X and Y be members at one moment. The one whose Lease was
//     written first in its epoch was listed by the other, which it then confirmed: being a
//     member, it was not given up instead. Whoever confirms makes the other one part of
//     what it asks before. From then on they ask each other, and where that cannot be done,
//     ReadIndex fails.
//   - If Y has X for a peer now, and asks, X answers with Marks that it reads after the
//     question came, so after it acknowledged (rule 2).
//   - If Y has X for a peer now, and goes by a promise, look at the moment at which X has
//     disclosed (rule 3), which is before the client was told. If X had given the promise by then,
//     it found that this lasted: it lasts now, by Y's clock, and X keeps it for longer. That is so
//     although one clock may go half as fast again as another, or stand still for a moment. So
//     X had heard Y say that it knows, which Y says after it goes by it. If X gave the promise
//     later, it read the Marks that went with it later, and Y went by these before it counted on
//     the promise. X cannot miss a promise that it is just giving: it notes the promise before it
//     reads the Marks for it, and looks for promises after it has raised the Marks. It need not
//     wait for Y to confirm what went with a promise while it keeps no earlier one: if Y has not
//     got that, it has none.
//   - A promise ends with the connection by which it was asked for, and so with the epoch of Y.
//     Another process is another peer, of which nothing is known.
//   - If Y had X for a peer and has no more, X has left, and what it handed over is part of
//     Y's own Revisions, which Y reads after it has looked who its peers are; or Y gave X up,
//     which was after then, so that what X acknowledged was committed before Y synced.
//   - If Y never had X for a peer in this epoch, X was not in Y's list, and it did not become
//     a member afterwards, since Y would have confirmed it. So X's Lease was gone when Y
//     listed, which was after then, and Y synced after that.
//
// # Tenants that are moved
//
// Replicas of two servers do not know each other. The operator has one tenant served by both while
// it is moved (package contract, Hosting), and sees to it that none of them reads in memory then:
// it goes on only when all who have a Lease, but those whose Lease was seen not to be renewed for
// its duration, state that they go by what it has written before. Such a statement stands in
// the Lease of a replica once what it did by what it knew before has ended. So whoever reads in
// memory, or tells a client of a write, goes by what the operator has written, if it had a Lease
// when the operator last counted; and if it had none, or was seen as gone, it began its Lease anew
// after that, as in "whoever is given up is no member any more", and read what it goes by later.
// The sync after that covers what the other server has acknowledged up to then.
//
// A read at the API server misses nothing that is committed. What a member does after the
// moments that rules 3 and 4 ask for takes no part in the argument, so that it does not matter
// how long it takes to send the answer.
//
// # When history is rewritten
//
// All of this rests on that a resourceVersion is given out once. When etcd is restored to an
// older state and goes on from there, numbers are given out again. A replica finds out when
// its Lease, the latest resourceVersion of a kind, or something that it has written is at a
// lower one than the API server has shown before. It counts that, begins its store anew, and
// ReadIndex fails until a sync that began after that. The count goes with each question and
// each answer, read after the Revisions: so whoever is asked hears of it before it answers,
// whoever asks does before it believes an answer, and Revisions of one history are never
// compared with memory of another.
//
// A promise is of the history in which it was given, as what is known of Marks is. Whoever
// has found out tells no client anything before all that count on its promises have said that
// they know the count.
//
// So nothing is missed that was acknowledged by a replica which had found out. Until it has,
// it may show what is no more. It finds out before it acknowledges its next own write, and at
// the next renewal of its Lease at the latest, which conflicts with the Lease as it was.
// There are two exceptions. If the backup was made after the last renewal, nothing conflicts;
// and if the new history has passed the old one's numbers before the replica looks, no number
// is lower. Where both hold for all replicas, nobody finds out. An etcd that is restored with
// its revision raised and what was before marked as compacted has neither: no number is given
// out twice, and watches are told to begin anew (docs/backup.md). A replica of the release
// before this one does not know of any of this.
//
// # What would break it
//
// A machine whose clock stands still while the world goes on, for longer than a quarter of a
// second, as that of a virtual machine may which is moved to another host: its replica counts on
// promises that the others do not keep any more. It does not matter for how long a process gets
// no time from its machine. And somebody who deletes the Lease of a running replica, until that has
// noticed at its next renewal. A ScimTenant that is deleted takes the Leases with it, so that
// the pods of the next one do not wait for those of the last.
//
// # Trust
//
// A peer is whoever may write Leases in the tenant's namespace: the Lease has the fingerprint
// of the certificate that the process made at its start, both sides of a connection prove by
// TLS 1.3 that they have the key of the one in the other's Lease, and there is no Secret that
// anybody could read. A peer that lies, or is silent, makes the others read at the API server
// while its Lease lasts, and no longer. A replica of a release that knows nothing of this has
// a Lease without an address: it reads at the API server always and need not confirm
// anything, and while its Lease lasts, ReadIndex fails at the others.
package readindex
