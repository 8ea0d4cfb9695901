// Package barrier is the read barrier between the replicas of a tenant's SCIM
// server.
package barrier
