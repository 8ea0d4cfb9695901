package contract

// AnnotationTenantsRevision is on the Lease of a pod that serves many tenants: the resourceVersion
// of the ScimTenants up to which it goes. It serves all tenants that name its server in their
// status by then, and does nothing any more for others.
const AnnotationTenantsRevision = "scim.kubescim.dev/tenants-revision"
