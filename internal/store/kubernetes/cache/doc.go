// Package cache keeps the users and groups of tenants in memory, for reads: Streams (streams.go)
// have a reflector for each kind (reflector.go), which brings objects by a watch (watch.go,
// watch_list.go) to the indexes of the tenants that they are of. progress (progress.go) knows
// which revisions the streams have reached. They raise the Marks of this replica to what it may
// tell clients. The package has no opinion on what is written, and answers no request: whoever
// reads asks Current whether a Cache, which is one tenant's, is new enough, by way of Read, and
// goes to the API server when it is not.
//
// # Tenants that come and go
//
// The tenants that are there at first are listed together. One that comes later, or gets other
// schemas, begins with an attachment of its own (attachment.go): an empty index, which nobody
// reads, into which it is read at the API server while the stream goes on. Of an object, the
// higher revision counts, whichever way it comes; and once the list is complete, what the stream
// brings up to the revision of the list is left out, since it is in it. So from then on, the
// index is a state of the tenant at that revision or the one that the stream has reached,
// whichever is higher. Nothing changes for the other tenants meanwhile.
//
// # Revisions
//
// A read that comes after an answer of any replica has to show what that answer rested on.
// So a revision is acknowledged as soon as the index may show it, or a write or a read at the
// API server has shown it, and no later than the client gets to know; ReadIndex tells each
// replica what all have acknowledged; and Current waits until the reflectors have reached
// that. Bookmarks tell them on a watch on which nothing happens. If one does not come by
// itself, it is asked for, by a watch that ends soon.
//
// What is shown counts only if the cache went on without a break while it was read. Other
// schemas, a history that is gone and an etcd that was restored make it begin anew, empty.
//
// # Why not client-go's reflector
//
// It decodes all objects of a list before it hands over the first one, by a LIST as by a
// watch that begins with what there is (client-go 0.37, tools/cache/reflector.go), and an
// informer keeps them decoded. A tenant's users take several times as much memory so as in
// the index, and a pod's limit would have to have room for both. Here 64 objects of a list
// are decoded at once, and what the index keeps of one is all that stays. An event is decoded
// once, too, where client-go reads its JSON several times, and no part of it that is not
// needed.
package cache
