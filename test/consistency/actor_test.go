package consistency

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/test/internal/history"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// actor is one of the clients of a workload.
type actor struct {
	*workload
	client   *history.Client
	http     *Client
	replica  string
	families []*family
	witness  *keptUser
	random   *rand.Rand
	// pause is what the last answer asked for.
	pause time.Duration
}

// run sends one request after the other until the context is done.
func (a *actor) run(ctx context.Context) {
	for n := 0; ; n++ {
		wait := time.NewTimer(pace)
		switch n % 20 {
		case 0:
			a.keep()
		case 10:
			a.testify()
		default:
			f := a.families[a.random.IntN(len(a.families))]
			a.do(f, a.next(f))
		}
		if a.pause > pace {
			wait.Reset(a.pause)
			a.pause = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
	}
}

// next makes up a request about a family.
func (a *actor) next(f *family) history.Request {
	names := f.names()
	name, id, value := names[a.random.IntN(len(names))], f.known(a.random), fmt.Sprintf("v%d", a.random.Uint32())
	if a.random.IntN(4) == 0 {
		name = strings.ToUpper(name)
	}
	choice := a.random.IntN(100)
	if id == "" {
		choice = 0
	}
	switch {
	case choice < 18:
		return history.Request{Kind: history.Create, UserName: name, DisplayName: value, Revives: f.tenant == keeping}
	case choice < 33:
		return history.Request{Kind: history.ReadByID, ID: id}
	case choice < 51:
		return history.Request{Kind: history.ReadByName, UserName: name}
	case choice < 63:
		return history.Request{Kind: history.List}
	case choice < 75:
		return history.Request{Kind: history.SetDisplayName, ID: id, DisplayName: value}
	case choice < 81:
		return history.Request{Kind: history.SetActive, ID: id, Active: a.random.IntN(2) == 0}
	case choice < 91:
		return history.Request{Kind: history.Rename, ID: id, UserName: name}
	default:
		return history.Request{Kind: history.Delete, ID: id}
	}
}

// do sends a request about a family and writes it into the history.
func (a *actor) do(f *family, request history.Request) history.Answer {
	request.Prefix = f.prefix
	answer := a.client.Do(request, func() (history.Answer, string) {
		r, sent := a.send(message(request))
		switch {
		case !sent:
			return history.Answer{Outcome: history.Unsent}, ""
		case r == nil:
			return history.Answer{}, a.replica
		}
		return answerOf(r), fmt.Sprintf("%s: %d, request %s", a.replica, r.Status, r.Header.Get("X-Request-Id"))
	})
	f.met(answer.Users)
	return answer
}

// message is the HTTP request for a request of the history, with the statuses
// that may answer it.
func message(request history.Request) (method, path, body string, statuses []int) {
	user := Users + "/" + request.ID
	switch request.Kind {
	case history.Create:
		return http.MethodPost, Users, namedUser(request.UserName, request.DisplayName), []int{http.StatusCreated, http.StatusConflict}
	case history.ReadByID:
		return http.MethodGet, user, "", []int{http.StatusOK, http.StatusNotFound}
	case history.ReadByName:
		return http.MethodGet, Filter(Users, "userName eq %q", request.UserName), "", []int{http.StatusOK}
	case history.List:
		return http.MethodGet, Filter(Users, "userName sw %q", request.Prefix), "", []int{http.StatusOK}
	case history.SetDisplayName:
		return http.MethodPatch, user, replace("displayName", request.DisplayName), []int{http.StatusOK, http.StatusNotFound}
	case history.SetActive:
		return http.MethodPatch, user, replace("active", request.Active), []int{http.StatusOK, http.StatusNotFound}
	case history.Rename:
		return http.MethodPatch, user, replace("userName", request.UserName),
			[]int{http.StatusOK, http.StatusNotFound, http.StatusConflict}
	default:
		return http.MethodDelete, user, "", []int{http.StatusNoContent, http.StatusNotFound}
	}
}

// answerOf is what a response means in a history.
func answerOf(r *Response) history.Answer {
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

// send sends a request. There is no response when it is not known whether the
// request is carried out; sent is false when it certainly is not. What no server
// should answer is a problem of the workload.
func (a *actor) send(method, path, body string, statuses []int) (r *Response, sent bool) {
	r, err := a.http.Try(method, path, body)
	switch {
	case err != nil:
		problem := ""
		if a.undisturbed {
			problem = err.Error()
		}
		a.note(a.replica, false, problem)
		a.pause = 4 * pace
		return nil, !neverSent(err)
	case r.Status == http.StatusServiceUnavailable || r.Status == http.StatusTooManyRequests:
		a.pause = retryAfter(r)
		problem := ""
		if a.undisturbed || a.pause == 0 || r.At("status") != fmt.Sprint(r.Status) {
			problem = "with Retry-After and a SCIM Error at the most: " + r.String()
		}
		a.note(a.replica, false, problem)
		return nil, true
	case !slices.Contains(statuses, r.Status) || r.Status == http.StatusConflict && r.At("scimType") != "uniqueness":
		a.note(a.replica, false, "not an answer to this request: "+r.String())
		return nil, true
	}
	if total, isList := r.Document["totalResults"]; isList {
		if resources, _ := r.At("Resources").([]any); float64(len(resources)) != total {
			a.note(a.replica, false, "not as many as it says: "+r.String())
		}
	}
	a.note(a.replica, true, "")
	return r, true
}

// keep creates a user of this client alone and changes it. What was acknowledged
// must be there at the end.
func (a *actor) keep() {
	user := &keptUser{tenant: a.families[0].tenant, userName: Unique("kept") + "@example.com", displayNames: []string{"Created"}}
	r, _ := a.send(http.MethodPost, Users, namedUser(user.userName, "Created"), []int{http.StatusCreated})
	if r == nil {
		return
	}
	user.id, _ = r.At("id").(string)
	switch r, sent := a.send(http.MethodPatch, Users+"/"+user.id, replace("displayName", "Changed"), []int{http.StatusOK}); {
	case r != nil:
		user.displayNames = []string{"Changed"}
	case sent:
		user.displayNames = append(user.displayNames, "Changed")
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	a.kept = append(a.kept, user)
}

// testify reads the user that nobody changes, in one of three ways. It is there,
// whatever happens to the servers and to what they depend on.
func (a *actor) testify() {
	path := Users + "/" + a.witness.id
	switch a.random.IntN(3) {
	case 1:
		path = Filter(Users, "userName eq %q", a.witness.userName)
	case 2:
		path = Filter(Users, "displayName eq %q", "Witness") + "&sortBy=userName"
	}
	r, _ := a.send(http.MethodGet, path, "", []int{http.StatusOK})
	if r == nil {
		return
	}
	for _, user := range answerOf(r).Users {
		if user.ID == a.witness.id && user.UserName == a.witness.userName && user.DisplayName == "Witness" {
			return
		}
	}
	a.note(a.replica, true, "a user who is there is not in the answer: "+r.String())
}
