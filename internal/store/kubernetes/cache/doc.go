// Package cache keeps a tenant's users and groups in memory, for reads: a reflector for each
// kind (reflector.go) brings objects into an index by a watch (watch.go, watch_list.go), and
// progress (progress.go) knows which revisions that has reached, and raises the Marks of this
// replica to what it may tell clients. It has no opinion on what is written, and answers no request:
// whoever reads asks Current whether the cache is new enough, by way of Read, and goes to the
// API server when it is not.
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
