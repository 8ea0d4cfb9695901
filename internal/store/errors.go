package store

import (
	"net/http"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// NotFound returns the error for an id that the tenant does not know. It is the
// same for an id that never was, that was deleted and that is another tenant's.
func NotFound(t *schema.ResourceType, id string) *scim.Error {
	return scim.Errorf(http.StatusNotFound, "", "%s %q does not exist", t.Name, id)
}

// Taken returns the error for a value that must be unique and that another
// resource holds (RFC 7644 section 3.3).
func Taken(t *schema.ResourceType, attribute string) *scim.Error {
	return scim.Errorf(http.StatusConflict, scim.Uniqueness,
		"another %s has this %s already; find it with a filter on %s", t.Name, attribute, attribute)
}

// PreconditionFailed returns the error for a write whose Precondition does not hold.
func PreconditionFailed(version string) *scim.Error {
	return scim.Errorf(http.StatusPreconditionFailed, "",
		"the resource has changed: its version is now %s; read it again and repeat the request", version)
}

// UnknownMember returns the error for a member that the tenant does not know.
func UnknownMember(id string) *scim.Error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
		"members: %q is the id of no user or group; create it first or leave it out", id)
}

// SeatsTaken returns the error for a write that would make one more user active
// than the tenant may have.
func SeatsTaken(seats int) *scim.Error {
	return scim.Forbidden(scim.SeatsTaken,
		"all %d seats of this tenant are taken; deactivate a user, or ask who runs this service for more seats", seats)
}

// Full returns the error for a write that would add one more user or group than
// the tenant may have.
func Full(limit int) *scim.Error {
	return scim.Forbidden(scim.LimitReached,
		"this tenant has reached its limit of %d users and groups; delete some, or ask who runs this service for a higher limit", limit)
}

// StorageFull returns the error for a write by which the users and groups of the tenant
// would take more bytes than they may.
func StorageFull(limit int64) *scim.Error {
	return scim.Forbidden(scim.StorageFull,
		"the users and groups of this tenant have reached their limit of %d MiB; delete some or leave out long values, or ask who runs this service for a higher limit", limit>>20)
}

// guardedRetry is how long a client is to wait whom a guard has stopped: a person has to look at it.
const guardedRetry = 5 * time.Minute

// TooManyDepartures returns the error for a write by which so many users, of so many, would have been
// deactivated or deleted in the window of a guard.
func TooManyDepartures(g *guard.Guard, going, active int) *scim.Error {
	return guarded("this would be user %d of %d who is deactivated or deleted within %s, and more than %d %% are not without somebody allowing it; "+
		"nothing was changed: if it is meant, ask who runs this service to allow it for a while, and send it again then", going, active, inWords(g.Window), g.MaxPercent)
}

// TooManyRemovals returns the error for a write that would take so many users or more, of so many, out of groups.
func TooManyRemovals(g *guard.Guard, going, active int) *scim.Error {
	return guarded("this would take at least %d of %d active users out of groups at once, and more than %d %% are not without somebody allowing it; "+
		"nothing was changed: if it is meant, ask who runs this service to allow it for a while, and send it again then", going, active, g.MaxPercent)
}

func guarded(format string, args ...any) *scim.Error {
	err := scim.Errorf(http.StatusServiceUnavailable, "", format, args...)
	err.Reason, err.RetryAfter = scim.Guarded, guardedRetry
	return err
}

// inWords is a time of whole seconds as people say it.
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		switch count := int(d / unit.length); {
		case d%unit.length != 0:
		case count == 1:
			return "1 " + unit.name
		default:
			return strconv.Itoa(count) + " " + unit.name + "s"
		}
	}
	return d.String()
}

// Busy returns the error for a write that could not be settled with other
// writers in time, and of which nothing was done.
func Busy() *scim.Error {
	return scim.Errorf(http.StatusServiceUnavailable, "",
		"other requests are changing the same resource; nothing was changed by this one, try again")
}

// Unsure returns the error for a write of which the store does not know whether it
// was made, or will be, since an answer got lost.
func Unsure() *scim.Error {
	return scim.Errorf(http.StatusServiceUnavailable, "",
		"the user store did not answer in time, so that this change may have been made or not, or in part for a group with very many members; "+
			"look whether it was, or send it again")
}

// Unavailable returns the error for a store that does not answer.
func Unavailable() *scim.Error {
	return scim.Errorf(http.StatusServiceUnavailable, "",
		"the user store does not answer at the moment; try again")
}
