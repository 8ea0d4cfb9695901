package scim

// URNs of the resource schemas (RFC 7643 section 10.3.1).
const (
	URNUser           = "urn:ietf:params:scim:schemas:core:2.0:User"
	URNEnterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	URNGroup          = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

// URNs of the discovery documents (RFC 7643 section 10.3.2).
const (
	URNServiceProviderConfig = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	URNResourceType          = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	URNSchema                = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// URNs of the protocol's messages (RFC 7644 section 8.2).
const (
	URNListResponse  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	URNSearchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	URNPatchOp       = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	URNError         = "urn:ietf:params:scim:api:messages:2.0:Error"
)
