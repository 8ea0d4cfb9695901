package consistency

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/kubescim/kubescim/test/internal/history"
	"github.com/kubescim/kubescim/test/internal/requests"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// actor is one of the clients of a workload.
type actor struct {
	*workload
	tenant   *tenant
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
			a.do(f, requests.Next(a.random, f.Names(), f.Known(a.random), a.tenant.keeps))
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

// do sends a request about a family and writes it into the history.
func (a *actor) do(f *family, request history.Request) history.Answer {
	request.Prefix = f.Prefix
	answer := a.client.Do(request, func() (history.Answer, string) {
		r, sent := a.send(requests.Message(request))
		switch {
		case !sent:
			return history.Answer{Outcome: history.Unsent}, ""
		case r == nil:
			return history.Answer{}, a.replica
		}
		return requests.AnswerOf(r), fmt.Sprintf("%s: %d, request %s", a.replica, r.Status, r.Header.Get("X-Request-Id"))
	})
	f.Met(answer.Users)
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
		if !a.excuses(a.tenant) {
			problem = err.Error()
		}
		a.note(a.replica, false, problem)
		a.pause = 4 * pace
		return nil, !requests.NeverSent(err)
	case a.tenant == a.absent && r.Status == http.StatusUnauthorized:
		// Whoever a server does not know is not let in, and nothing is done.
		a.note(a.replica, false, "")
		a.pause = 4 * pace
		return nil, false
	case requests.IsRefusal(r):
		a.pause = requests.RetryAfter(r)
		problem := requests.Fault(r, statuses)
		if !a.excuses(a.tenant) {
			problem = "an answer is due: " + r.String()
		}
		a.note(a.replica, false, problem)
		return nil, true
	}
	if problem := requests.Fault(r, statuses); problem != "" {
		a.note(a.replica, false, problem)
		return nil, true
	}
	a.note(a.replica, true, "")
	a.measure(a.tenant, r.Took)
	return r, true
}

// keep creates a user of this client alone and changes it. What was acknowledged
// must be there at the end.
func (a *actor) keep() {
	user := &keptUser{tenant: a.tenant, userName: Unique("kept") + "@example.com", displayNames: []string{"Created"}}
	r, _ := a.send(http.MethodPost, Users, NamedUser(user.userName, "Created"), []int{http.StatusCreated})
	if r == nil {
		return
	}
	user.id, _ = r.At("id").(string)
	switch r, sent := a.send(http.MethodPatch, Users+"/"+user.id, Replace("displayName", "Changed"), []int{http.StatusOK}); {
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
	for _, user := range requests.AnswerOf(r).Users {
		if user.ID == a.witness.id && user.UserName == a.witness.userName && user.DisplayName == "Witness" {
			return
		}
	}
	a.note(a.replica, true, "a user who is there is not in the answer: "+r.String())
}
