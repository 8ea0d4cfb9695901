package requestlog_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/auth"
)

// Whatever a request is refused for, there is something to do about it, and a reason of its own.
func TestEveryRefusalHasAdvice(t *testing.T) {
	var refusals []requestlog.Record
	for _, reason := range []auth.Reason{
		auth.Missing, auth.Malformed, auth.Unknown, auth.Mismatch, auth.Foreign, auth.Early, auth.Expired, auth.Suspended, auth.Revoked,
		auth.ClientSecret, auth.Address, auth.UnknownIssuer, auth.IssuerUnavailable, auth.UnknownSigner, auth.OtherAudience, auth.OtherClaims, auth.Outdated,
	} {
		refusals = append(refusals, requestlog.Record{Status: http.StatusUnauthorized, Reason: string(reason)})
	}
	for _, reason := range []scim.Reason{scim.NotForToken, scim.SeatsTaken, scim.LimitReached, scim.StorageFull, scim.Denied} {
		refusals = append(refusals, requestlog.Record{Status: http.StatusForbidden, Reason: string(reason)})
	}
	refusals = append(refusals, requestlog.Record{Status: http.StatusServiceUnavailable, Reason: string(scim.Guarded)})
	for _, scimType := range []scim.ErrorType{
		scim.InvalidFilter, scim.TooMany, scim.Mutability, scim.InvalidSyntax, scim.InvalidPath, scim.NoTarget, scim.InvalidValue, scim.InvalidVers,
		scim.Sensitive, scim.InvalidCursor, scim.ExpiredCursor, scim.InvalidCount, scim.Uniqueness,
	} {
		refusals = append(refusals, requestlog.Record{Status: http.StatusBadRequest, ScimType: string(scimType)})
	}
	for _, status := range []int{400, 401, 403, 404, 405, 409, 412, 413, 415, 429, 500, 501, 503} {
		refusals = append(refusals, requestlog.Record{Status: status})
	}
	camel, seen := regexp.MustCompile(`^([A-Z][a-z]+)+$`), map[string]bool{}
	for _, refusal := range refusals {
		advice := requestlog.AdviceOn(refusal)
		if !camel.MatchString(advice.Reason) || advice.Do == "" || seen[advice.Reason] {
			t.Errorf("of %+v, the advice is %+v", refusal, advice)
		}
		if found, known := requestlog.AdviceFor(advice.Reason); !known || found != advice {
			t.Errorf("for %s, the advice is %+v", advice.Reason, found)
		}
		seen[advice.Reason] = true
	}
}

func TestAdviceOn(t *testing.T) {
	for name, tc := range map[string]struct {
		of   requestlog.Record
		want string
	}{
		"what succeeded":                      {requestlog.Record{Status: 201}, ""},
		"one who is looked for":               {requestlog.Record{Status: 404, Operation: requestlog.Get}, ""},
		"one who is to be changed":            {requestlog.Record{Status: 404, Operation: requestlog.Modify}, "ResourceNotFound"},
		"a confidential attribute":            {requestlog.Record{Status: 403, ScimType: "sensitive"}, "AttributeConfidential"},
		"a limit":                             {requestlog.Record{Status: 403, Reason: "SeatsTaken"}, "SeatsTaken"},
		"what nobody may":                     {requestlog.Record{Status: 403}, "RequestForbidden"},
		"a gateway that nobody knows":         {requestlog.Record{Status: 504}, "ServerFailed"},
		"another status":                      {requestlog.Record{Status: 418}, "RequestRefused"},
		"the reason, which says more":         {requestlog.Record{Status: 400, Reason: "Expired", ScimType: "invalidValue"}, "TokenExpired"},
		"a reason of a newer server":          {requestlog.Record{Status: 401, Reason: "Mislaid"}, "TokenRefused"},
		"a scimType that nobody has heard of": {requestlog.Record{Status: 400, ScimType: "odd"}, "RequestInvalid"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := requestlog.AdviceOn(tc.of).Reason; got != tc.want {
				t.Errorf("the reason is %q", got)
			}
		})
	}
}
