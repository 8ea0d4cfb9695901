package requestlog

import "net/http"

// Advice is what to do about a request that was refused.
type Advice struct {
	// Reason names what was refused, in the form of the reason of an event.
	Reason string
	// Do is for whoever looks after the tenant. What the client was told, Record.Detail, says more of
	// the one request.
	Do string
}

// AdviceOn returns what to do about a request; nothing about one that was not refused.
func AdviceOn(r Record) Advice {
	if !r.Refused() {
		return Advice{}
	}
	if advice, known := byReason[r.Reason]; known {
		return advice
	}
	if advice, known := byScimType[r.ScimType]; known {
		return advice
	}
	if advice, known := byStatus[r.Status]; known {
		return advice
	}
	if r.Failed() {
		return byStatus[http.StatusInternalServerError]
	}
	return otherwise
}

// AdviceFor returns the advice of a reason; false if there is none of that name.
func AdviceFor(reason string) (Advice, bool) {
	for _, table := range []map[string]Advice{byReason, byScimType} {
		for _, advice := range table {
			if advice.Reason == reason {
				return advice, true
			}
		}
	}
	for _, advice := range byStatus {
		if advice.Reason == reason {
			return advice, true
		}
	}
	return otherwise, reason == otherwise.Reason
}

// otherwise is what to do about what no table knows.
var otherwise = Advice{"RequestRefused", "the server's log has more, by the id of the request"}

// byReason has what to do about a token that is no good, and about what is not permitted, by
// Record.Reason.
var byReason = map[string]Advice{
	"Missing": {"TokenMissing", "no bearer token is sent: enter the token in the identity provider, as a bearer token in the header Authorization"},
	"Malformed": {"TokenMalformed", "what is sent is no token of Kubescim, or not all of one: copy it again, without blanks, " +
		"as 'kubectl scim connect' says"},
	"Unknown": {"TokenUnknown", "no key of this tenant has such a token: compare its key id, the 16 characters after kscim_, with " +
		"'kubectl scim key list', and see that the URL is the one of the tenant that the token is for"},
	"Mismatch": {"TokenMismatch", "the key id is right and the rest of the token, or of the client's secret, is not: copy all of it again, " +
		"or make another one with 'kubectl scim key rotate'"},
	"Foreign":   {"TokenForeign", "the access token is for another tenant, or another URL: have the client ask for one at the token endpoint below this URL"},
	"Early":     {"TokenEarly", "the token is not good yet: wait until its notBefore, or see that the clocks are right"},
	"Expired":   {"TokenExpired", "the token has expired: make another one with 'kubectl scim key rotate', and enter it in the identity provider"},
	"Suspended": {"KeySuspended", "the key is suspended: set its spec.state to Active if that is over"},
	"Revoked":   {"TokenRevoked", "the token was revoked: enter the new one in the identity provider, or make a key with 'kubectl scim key create'"},
	"ClientSecret": {"TokenIsClientSecret", "the secret of an OAuth client is sent as a token: choose OAuth in the identity provider, " +
		"or make a key without an oauthClient"},
	"Address": {"AddressNotAllowed", "the key is not for requests from that address: add it to the key's spec.allowedCIDRs; " +
		"if the address is the Ingress controller's, name that in the tenant's spec.endpoint.trustedProxies"},
	"UnknownIssuer":     {"IssuerUnknown", "no federated key of the tenant is for assertions of that issuer: compare it with spec.federated of the key"},
	"IssuerUnavailable": {"IssuerUnavailable", "the keys of the issuer cannot be fetched: the server's log says why"},
	"UnknownSigner":     {"IssuerKeyUnknown", "the issuer publishes no key with which the assertion is signed: see that it is the issuer that is meant"},
	"OtherAudience":     {"AudienceNotAllowed", "the assertion is for another audience: set spec.federated.audiences of the key, or what the client asks for"},
	"OtherClaims":       {"ClaimsNotAllowed", "the assertion does not say what the key wants: the hint has what it says; compare it with spec.federated of the key"},
	"Outdated":          {"TokenOutdated", "it was issued before the tenant's spec.credentialsNotBefore, or does not say when: make another one with 'kubectl scim key rotate', or have the client ask for one"},
	"NotForToken": {"KeyNotPermitted", "the key is not for that: change its spec.access or spec.resources, or switch that part of provisioning off " +
		"in the identity provider"},
	"SeatsTaken":   {"SeatsTaken", "all seats of the tenant are taken: have users deactivated, or raise its spec.users.seats"},
	"LimitReached": {"LimitReached", "the tenant has as many users and groups as it may: have some deleted, or raise its spec.objectLimit"},
	"StorageFull": {"StorageFull", "the users and groups of the tenant have as many bytes as they may: have some deleted, or long values left out, " +
		"or raise its spec.storageLimit"},
	"DeactivationsGuarded": {"DeactivationsGuarded", "more users would be deactivated, deleted or taken out of groups than the tenant's spec.users.deactivationGuard lets through: ask " +
		"the customer whether that is meant, and if so let it through with kubectl patch scimtenant, which sets spec.users.deactivationGuard.allowUntil to a time " +
		"within 24 hours; if not, have the assignment put right at the identity provider"},
	"Denied": {"PolicyDenied", "an admission webhook or policy of the cluster denies it: the server's log says which; change that rule, or what is sent"},
}

// byScimType has what to do by Record.ScimType (RFC 7644 section 3.12).
var byScimType = map[string]Advice{
	"uniqueness": {"NameTaken", "another user or group of the tenant has that name: find it with 'kubectl scim users' or 'kubectl scim groups', " +
		"and have the identity provider match it, or rename or delete one of both"},
	"invalidFilter": {"FilterInvalid", "the filter cannot be read: correct the attribute that the identity provider matches users by, " +
		"or choose its profile in spec.identityProvider"},
	"invalidSyntax": {"BodyInvalid", "the body is not what SCIM wants: see what is said of it, and choose the profile of the identity provider in spec.identityProvider"},
	"invalidPath": {"PathInvalid", "an attribute is named that there is not: take it out of the attribute mapping of the identity provider, " +
		"or add it to spec.schemaExtensions"},
	"noTarget": {"TargetMissing", "a value is to be changed that is not there: correct the attribute mapping of the identity provider, " +
		"or choose its profile in spec.identityProvider, which may create it"},
	"invalidValue": {"ValueInvalid", "a value is missing or not of the type that its attribute has: correct the attribute mapping of the identity provider, " +
		"or the data of that user there"},
	"invalidVers":   {"VersionInvalid", "the version of SCIM is not 2.0: set it in the identity provider"},
	"mutability":    {"AttributeReadOnly", "an attribute is to be changed that cannot be: take it out of the attribute mapping of the identity provider"},
	"sensitive":     {"AttributeConfidential", "it is asked for by a confidential attribute: choose another one to match users by"},
	"tooMany":       {"TooManyResources", "too much is asked for at once: have the identity provider ask for smaller pages, or leave members out"},
	"invalidCursor": {"CursorInvalid", "the cursor is none of this list: have the client begin the list anew"},
	"expiredCursor": {"CursorExpired", "the cursor is too old: have the client begin the list anew, and read it without long pauses"},
	"invalidCount":  {"CountInvalid", "the size of a page is not one that there may be: correct it in the client"},
}

// byStatus has what to do by the status, where the error says no more.
var byStatus = map[int]Advice{
	http.StatusBadRequest:   {"RequestInvalid", "the request is not as it must be: see what is said of it, and correct the client"},
	http.StatusUnauthorized: {"TokenRefused", "there is no good token: compare it with 'kubectl scim key list'"},
	http.StatusForbidden:    {"RequestForbidden", "that may not be asked for at this URL: see what is said of it, and correct the client"},
	http.StatusNotFound: {"ResourceNotFound", "there is no such user, group or URL: if it was deleted here, have the identity provider provision it anew; " +
		"if the id is none of this tenant's, compare the URL"},
	http.StatusMethodNotAllowed:      {"MethodNotAllowed", "the URL does not have that method: compare the URL that is entered in the identity provider with 'kubectl scim connect'"},
	http.StatusConflict:              {"RequestConflicts", "the request contradicts another one, as is said of it: have it sent again"},
	http.StatusPreconditionFailed:    {"VersionConflict", "the resource has changed since the client read it: it must read it again; no one else should change it"},
	http.StatusRequestEntityTooLarge: {"RequestTooLarge", "too much is sent at once: have the identity provider send fewer members or operations in each request"},
	http.StatusUnsupportedMediaType:  {"MediaTypeUnsupported", "the body is of another type than application/scim+json or application/json: correct the client"},
	http.StatusTooManyRequests: {"TooManyRequests", "more requests come than may: have the identity provider slow down, " +
		"or raise spec.rateLimit of the tenant or the key"},
	http.StatusNotImplemented:      {"NotImplemented", "there is no such part of SCIM here: switch it off in the identity provider"},
	http.StatusInternalServerError: {"ServerFailed", "that is a defect: find the id of the request in the server's log, and report it"},
	http.StatusServiceUnavailable: {"ServerUnavailable", "the server could not answer, and the client is to send it again: see 'kubectl scim status'; " +
		"if it lasts, the server's log says what it waits for"},
}
