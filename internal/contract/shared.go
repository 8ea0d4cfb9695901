package contract

// FlagHost has the host of the ScimServer, under which clients see its tenants that have none of
// their own; without it, they see them under what they send requests to.
const FlagHost = "host"

// AnnotationTenantsRevision, on the Lease of a pod that serves many tenants, is the
// resourceVersion of the ScimTenants up to which it goes: it serves all tenants that name its
// server in their status by then, and does nothing any more for others.
const AnnotationTenantsRevision = "scim.kubescim.dev/tenants-revision"
