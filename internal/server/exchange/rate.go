package exchange

import (
	"fmt"
	"net/http"
	"time"

	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim"
)

// Admit counts a request with a good token, or returns the error for one that comes too soon
// after others. writes says that it is to create, change or delete.
func (x *Exchange) Admit(writes bool) error {
	return x.tooSoon(x.Shared.Rates.Admit(x.grant.Rate, writes, x.Entry.Began))
}

// AdmitOperations counts the operations of a bulk request, which was admitted as one that
// writes, or returns the error for as many that come too soon after others.
func (x *Exchange) AdmitOperations(operations int) error {
	return x.tooSoon(x.Shared.Rates.AdmitOperations(x.grant.Rate, operations, time.Now()))
}

func (x *Exchange) tooSoon(refusal ratelimit.Refusal) error {
	if refusal.Wait == 0 {
		return nil
	}
	return scim.Errorf(http.StatusTooManyRequests, "", "%s; nothing was changed, send this again in %s", x.overLimit(refusal), refusal.Wait)
}

// AdmitClient counts the request of an OAuth client with a good secret, or returns the error
// for one that comes too soon after others.
func (x *Exchange) AdmitClient() *oauth.Error {
	refusal := x.Shared.Rates.Admit(x.grant.Rate, false, x.Entry.Began)
	if refusal.Wait == 0 {
		return nil
	}
	return oauth.TooSoon(fmt.Sprintf("%s; send this again in %s", x.overLimit(refusal), refusal.Wait))
}

// overLimit counts a refusal, and returns what is said of it.
func (x *Exchange) overLimit(refusal ratelimit.Refusal) string {
	x.retry = refusal.Wait
	x.Shared.Log.OverLimit(string(refusal.Limit))
	sent := map[ratelimit.Name]string{
		ratelimit.TenantRequests: "requests come in this tenant", ratelimit.TenantWrites: "writes come in this tenant",
		ratelimit.KeyRequests: "requests come with this token", ratelimit.KeyWrites: "writes come with this token",
	}[refusal.Limit]
	return fmt.Sprintf("more %s than the %d a second that may", sent, refusal.PerSecond)
}
