// Package moving decides how a tenant gets from one server to another without a request that
// fails, and without a read that misses what was acknowledged before. It is pure: what is known
// goes in, and which servers are to serve the tenant, and how, comes out. The ScimTenant's
// reconciler gathers the one and writes the other into status.servers, which the servers' pods
// follow.
//
// # Modes
//
// A server that is in the list serves the tenant: from Memory, or Live, with every read one of
// the API server. One that is not in the list is Off. The first one gets the traffic.
//
// Replicas of one server know of each other what each has acknowledged (package readindex), so
// that they read from memory. Replicas of two servers do not. What a server writes is as safe as
// ever, since names are claimed and objects are written by compare-and-swap: only reads from
// memory need care. Hence the invariant:
//
//	While a replica reads from memory, no replica of another server serves the tenant.
//
// # Steps
//
// From S to T, each step waits until the one before has come to all whom it concerns:
//
//	[S Memory]      the tenant is served by S
//	[S Live]        no replica of S reads from memory any more
//	[S Live, T Live] all replicas of T serve the tenant, and nobody calls them yet
//	[T Live, S Live] the traffic goes to T, and dries up at S
//	[T Live]        no other replica serves the tenant
//	[T Memory]      the tenant is served by T
//
// Another target in the middle, or the former one, needs no other rules: Decide goes by the
// list that there is. A server without traffic that is no target is dropped once nobody calls it,
// whether it ever had traffic or not.
//
// # Ports
//
// A tenant that has had a server of its own has a Service, which clients may call by any host. A
// server that many tenants share knows them by a port: at that one, all requests are for the tenant.
// The port stands beside the server's name in the list, so that all replicas of T have acknowledged
// it, and say that they serve the tenant there, before the Service leads to it. A replica that cannot
// listen at the port does not say so, and keeps the traffic away. S listens at the tenant's port for
// as long as it is in the list. Another tenant can have the port once no other replica than those of
// T serves the tenant.
//
// # Acknowledgement
//
// Every replica states on its Lease up to which resourceVersion of the ScimTenants it goes: what
// follows from them is done, and requests have ended that began under a mode which is over. The
// list counts as known to a replica that has stated the resourceVersion of the very ScimTenant by
// which is decided, or a later one. The decision is written only if that ScimTenant has not
// changed meanwhile. So nothing needs to be remembered over a restart of the operator.
//
// # Why the invariant holds
//
// A replica writes its Lease first, and lists the ScimTenants after that, before it serves; it
// does both anew when it has lost its Lease. Let the operator read a list, then the Leases, and
// then write the next list if the first one still stands. A replica that has no Lease then lists
// later, and finds the first list, or the next one. One that has a Lease is waited for. So at
// [T Memory] each replica of another server has gone by [T Live], or goes by it as soon as it
// serves, and is Off. At [S Live, T Live] each replica of S has gone by [S Live], and reads nothing
// from memory. A replica that is cut off from the API server reads nothing from memory, and
// acknowledges nothing, when its Lease has run out (package readindex).
//
// When replicas of T begin to read from memory, they first raise their Revisions to the latest
// ones at the API server. All that S has acknowledged is among these.
package moving
