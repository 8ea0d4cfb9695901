package codectest

// Events as an API server sends them, but for the name, revision and MEMBERS.
const (
	eventMeta = `"metadata":{"annotations":{"example.com/note":"imported"},"creationTimestamp":"2026-11-26T09:27:09Z","generation":1,` +
		`"labels":{"scim.kubescim.dev/tenant":"acme"},"managedFields":[{"apiVersion":"scim.kubescim.dev/v1alpha1","fieldsType":"FieldsV1",` +
		`"fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:scim.kubescim.dev/tenant":{}}},"f:spec":{}},` +
		`"manager":"scim/59c91af7-61a0-40ac-8366-8327e4575d11","operation":"Update","time":"2026-11-26T09:27:09Z"}],` +
		`"name":"%[1]s","namespace":"default","resourceVersion":"%[2]d","uid":"b5a8741a-900e-4fb5-a98e-56c2de405757"}`
	eventSpecMeta = `"meta":{"createdTime":"2026-11-26T09:27:09.428679Z","keyID":"6b187e5f-82cf-42fa-83e6-e5e402d354e4",` +
		`"lastModifiedTime":"2026-11-26T09:27:09.428679Z","requestID":"a4a10f97-46a7-40c1-b66c-16f7ab6ca6af"}`
	UserEvent = `{"type":"ADDED","object":{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimUser",` + eventMeta + `,"spec":{` +
		`"active":true,"displayName":"Alice Martin","emails":[{"primary":true,"type":"work","value":"Alice.Martin%[2]d@acme.example.com"}],` +
		`"enterprise":{"department":"Research","employeeNumber":"%[2]d","manager":{"value":"b4f021e6-3899-4bae-8b9e-0a966bb5a5fe"}},` +
		`"externalId":"0a21f0f2-8d2a-4f8e-bf98-%[1]s",` + eventSpecMeta + `,` +
		`"name":{"familyName":"Martin","formatted":"Alice Martin","givenName":"Alice"},"phoneNumbers":[{"type":"work","value":"+1-555-0100"}],` +
		`"preferredLanguage":"en-US","tenantRef":{"name":"acme"},"title":"Engineer","userName":"Alice.Martin%[2]d@acme.example.com"}}}` + "\n"
	GroupEvent = `{"type":"ADDED","object":{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimGroup",` + eventMeta + `,"spec":{` +
		`"displayName":"Team %[2]d","externalId":"0a21f0f2-8d2a-4f8e-bf98-%[1]s","memberCount":100,"members":[MEMBERS],` +
		eventSpecMeta + `,"tenantRef":{"name":"acme"}}}}` + "\n"
	SliceEvent = `{"type":"ADDED","object":{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimGroupMembers",` + eventMeta + `,"spec":{` +
		`"groupRef":{"name":"%[1]s"},"members":[MEMBERS],` + eventSpecMeta + `,"tenantRef":{"name":"acme"}}}}` + "\n"
)
