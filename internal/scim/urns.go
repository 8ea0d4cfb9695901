package scim

// URNs of the protocol's messages (RFC 7644 section 8.2).
const (
	URNListResponse  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	URNSearchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	URNPatchOp       = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	URNError         = "urn:ietf:params:scim:api:messages:2.0:Error"
)
