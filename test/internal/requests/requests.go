// Package requests sends the requests of a history to a SCIM server, and says what its
// answers mean in it.
package requests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubescim/kubescim/test/internal/history"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// Next makes up a request about users who have, or are to have, one of the names. The id is
// one that was shown; empty when none was.
func Next(random *rand.Rand, names []string, id string, revives bool) history.Request {
	name, value := names[random.IntN(len(names))], fmt.Sprintf("v%d", random.Uint32())
	if random.IntN(4) == 0 {
		name = strings.ToUpper(name)
	}
	choice := random.IntN(100)
	if id == "" {
		choice = 0
	}
	switch {
	case choice < 18:
		return history.Request{Kind: history.Create, UserName: name, DisplayName: value, Revives: revives}
	case choice < 33:
		return history.Request{Kind: history.ReadByID, ID: id}
	case choice < 51:
		return history.Request{Kind: history.ReadByName, UserName: name}
	case choice < 63:
		return history.Request{Kind: history.List}
	case choice < 75:
		return history.Request{Kind: history.SetDisplayName, ID: id, DisplayName: value}
	case choice < 81:
		return history.Request{Kind: history.SetActive, ID: id, Active: random.IntN(2) == 0}
	case choice < 91:
		return history.Request{Kind: history.Rename, ID: id, UserName: name}
	default:
		return history.Request{Kind: history.Delete, ID: id}
	}
}

// Message is the HTTP request for a request of the history, with the statuses
// that may answer it.
func Message(request history.Request) (method, path, body string, statuses []int) {
	user := Users + "/" + request.ID
	switch request.Kind {
	case history.Create:
		return http.MethodPost, Users, NamedUser(request.UserName, request.DisplayName), []int{http.StatusCreated, http.StatusConflict}
	case history.ReadByID:
		return http.MethodGet, user, "", []int{http.StatusOK, http.StatusNotFound}
	case history.ReadByName:
		return http.MethodGet, Filter(Users, "userName eq %q", request.UserName), "", []int{http.StatusOK}
	case history.List:
		return http.MethodGet, Filter(Users, "userName sw %q", request.Prefix), "", []int{http.StatusOK}
	case history.SetDisplayName:
		return http.MethodPatch, user, Replace("displayName", request.DisplayName), []int{http.StatusOK, http.StatusNotFound}
	case history.SetActive:
		return http.MethodPatch, user, Replace("active", request.Active), []int{http.StatusOK, http.StatusNotFound}
	case history.Rename:
		return http.MethodPatch, user, Replace("userName", request.UserName),
			[]int{http.StatusOK, http.StatusNotFound, http.StatusConflict}
	default:
		return http.MethodDelete, user, "", []int{http.StatusNoContent, http.StatusNotFound}
	}
}

// AnswerOf is what a response means in a history.
func AnswerOf(r *Response) history.Answer {
	switch r.Status {
	case http.StatusNotFound:
		return history.Answer{Outcome: history.Missing}
	case http.StatusConflict:
		return history.Answer{Outcome: history.Taken}
	case http.StatusNoContent:
		return history.Answer{Outcome: history.Done}
	}
	documents := []any{r.Document}
	if _, isList := r.Document["totalResults"]; isList {
		documents, _ = r.At("Resources").([]any)
	}
	answer := history.Answer{Outcome: history.Done}
	for _, document := range documents {
		var user history.User
		user.ID, _ = Dig(document, "id").(string)
		user.UserName, _ = Dig(document, "userName").(string)
		user.DisplayName, _ = Dig(document, "displayName").(string)
		user.Active, _ = Dig(document, "active").(bool)
		answer.Users = append(answer.Users, user)
	}
	return answer
}

// Fault is what no server should answer to a request that has these statuses, whatever
// happens to it; empty when there is none.
func Fault(r *Response, statuses []int) string {
	switch {
	case IsRefusal(r):
		if RetryAfter(r) == 0 || r.At("status") != fmt.Sprint(r.Status) {
			return "with Retry-After and a SCIM Error at the most: " + r.String()
		}
		return ""
	case !slices.Contains(statuses, r.Status) || r.Status == http.StatusConflict && r.At("scimType") != "uniqueness":
		return "not an answer to this request: " + r.String()
	}
	if total, isList := r.Document["totalResults"]; isList {
		if resources, _ := r.At("Resources").([]any); float64(len(resources)) != total {
			return "not as many as it says: " + r.String()
		}
	}
	return ""
}

// IsRefusal reports whether a server asks to try again later.
func IsRefusal(r *Response) bool {
	return r.Status == http.StatusServiceUnavailable || r.Status == http.StatusTooManyRequests
}

// NeverSent reports whether a request failed before it could be sent.
func NeverSent(err error) bool {
	var failure *net.OpError
	return errors.As(err, &failure) && failure.Op == "dial"
}

// RetryAfter is how long an answer asks the client to wait, up to five seconds.
func RetryAfter(r *Response) time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil {
		return 0
	}
	return time.Duration(min(max(seconds, 0), 5)) * time.Second
}
