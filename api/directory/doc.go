// Package directory keeps the users and groups of one ScimTenant in the memory of a program, tells it
// what changes, and what has changed while it was away.
//
// # What the program may rely on
//
//   - At least once: each user and group whose state changed is reported, with the state that it has then. Several
//     changes may be reported as one, and one again after a failure or a restart. So do what the state after the
//     change asks for, and do it so that it may be done twice.
//   - Level-triggered: a change has the state that was reported last, as far as this process knows it, and the state
//     now; the latter is nil for whoever is deleted, kept or not. After a start, Before is nil, also of those who were
//     there before.
//   - A failed callback is repeated, after a second at first and five minutes at last, until it succeeds, with the
//     state that there is then. Others are reported meanwhile.
//   - Callbacks do not overlap, so that they need no lock among themselves.
//   - While it was away, for whatever reason and also in the middle of a callback: what is reported after a start
//     is all that changed since the cursor, deletions for good included, by the markers that these leave
//     for spec.tombstoneDays of the tenant. A cursor is saved after the callbacks that it stands for have succeeded.
//   - When markers may be missing, Resync comes first, with the ids of all that there are: whoever the program has
//     beyond these was deleted. That is so at the first start, after it was away for longer than markers stay,
//     when there are as many of these as may stay, when the tenant is another one of that name or is not there, and
//     when etcd was restored to an older state. Nothing is reported before Resync has succeeded.
//
// # What it may not rely on
//
//   - An order between users and groups, or of changes of several of them. A group may list an id that no
//     user has, for a moment or while a backup is put back: leave it out.
//   - Whoever is deleted with kubectl, past the tenant's server, leaves no marker. It is reported at once while the
//     program runs. Otherwise the server makes a marker about a day later, by which it is reported then.
//   - Who lowers spec.tombstoneDays and raises it again, both while the program is away, takes markers that it counts on.
//
// # What it costs
//
// A LIST of users, groups and ScimGroupMembers at a start, and a watch of each then: a program that waits asks
// nothing. Memory is the tenant's users and groups, and an id for each of those that are to be reported still.
package directory
