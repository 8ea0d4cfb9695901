package e2e

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// session is an identity provider at work: one request after the other, each
// tried again after a connection error, 429 or 503, as all of them do.
type session struct {
	client *Client
	prefix string

	acknowledged []*provisioned
	requests     int
	retries      int
}

// provisioned is a user as the server acknowledged it last.
type provisioned struct {
	id, userName, displayName string
	active                    bool
}

// insist sends a request until it gets an answer that is one. unsure is true
// when an earlier try got none, so that it may have been carried out already.
func (s *session) insist(method, path, body string) (r *Response, unsure bool) {
	GinkgoHelper()
	s.requests++
	Eventually(func() error {
		answer, err := s.client.Try(method, path, body)
		if err != nil {
			unsure = true
			s.retries++
			return err
		}
		r = answer
		if r.Status == http.StatusServiceUnavailable || r.Status == http.StatusTooManyRequests {
			s.retries++
			r.IsError(r.Status, "")
			return fmt.Errorf("not now: %s", r)
		}
		return nil
	}).WithTimeout(time.Minute).WithPolling(200*time.Millisecond).Should(Succeed(), "%s %s", method, path)
	return r, unsure
}

// step is the next request of the session: create, change and read by turns.
func (s *session) step(n int) {
	GinkgoHelper()
	switch {
	case n%3 == 0 || len(s.acknowledged) == 0:
		s.create(n)
	case n%3 == 1:
		s.change(s.acknowledged[n/3%len(s.acknowledged)], n)
	default:
		s.read(s.client, s.acknowledged[n*7%len(s.acknowledged)])
	}
}

func (s *session) create(n int) {
	GinkgoHelper()
	user := &provisioned{userName: fmt.Sprintf("%s-%d@example.com", s.prefix, n), active: true}
	r, unsure := s.insist(http.MethodPost, Users, PlainUser(user.userName))
	if unsure && r.Status == http.StatusConflict {
		// The answer that got lost was a 201. An identity provider looks the user up.
		r, _ = s.insist(http.MethodGet, Filter(Users, "userName eq %q", user.userName), "")
		user.id, _ = r.IsList(1)[0]["id"].(string)
	} else {
		user.id = r.Has(http.StatusCreated).ID()
	}
	s.acknowledged = append(s.acknowledged, user)
}

func (s *session) change(user *provisioned, n int) {
	GinkgoHelper()
	user.displayName, user.active = fmt.Sprintf("Revision %d", n), !user.active
	r, _ := s.insist(http.MethodPatch, Users+"/"+user.id, Patch(
		fmt.Sprintf(`{"op":"replace","path":"displayName","value":%q}`, user.displayName),
		fmt.Sprintf(`{"op":"replace","path":"active","value":%t}`, user.active)))
	r.HasOneOf(http.StatusOK, http.StatusNoContent)
}

// read checks that a client sees the state that was acknowledged, by id and by
// name.
func (s *session) read(client *Client, user *provisioned) {
	GinkgoHelper()
	reader := &session{client: client}
	r, _ := reader.insist(http.MethodGet, Users+"/"+user.id, "")
	list, _ := reader.insist(http.MethodGet, Filter(Users, "userName eq %q", user.userName), "")
	s.requests, s.retries = s.requests+reader.requests, s.retries+reader.retries
	expected := Want{"id": user.id, "userName": user.userName, "active": user.active, "displayName": nil}
	if user.displayName != "" {
		expected["displayName"] = user.displayName
	}
	expected.In(r.Has(http.StatusOK).Document, r.String())
	expected.In(list.IsList(1)[0], list.String())
}

// nothingLost checks that the tenant has what was acknowledged to the sessions
// and nothing else, at each replica and in the cluster.
func nothingLost(t *Tenant, sessions ...*session) {
	GinkgoHelper()
	byName, retries := map[any]string{}, 0
	for _, s := range sessions {
		for _, user := range s.acknowledged {
			Expect(byName).NotTo(HaveKey(user.userName))
			byName[user.userName] = user.id
		}
		retries += s.retries
	}
	GinkgoWriter.Printf("%d requests were sent again\n", retries) // None, when the pods end gently enough.
	t.EveryReplica(func(c *Client) {
		Expect(c.Get(Users + "?count=1000").IsList(len(byName))).To(HaveLen(len(byName)))
		for _, s := range sessions {
			for _, user := range s.acknowledged {
				s.read(c, user)
			}
		}
	})
	// A name whose holder died before it was there was taken over; a marker stands for nobody.
	resources := KubectlList(t.Namespace, "scimusers", "--selector=!"+scimv1alpha1.LabelDeleted)
	Expect(resources).To(HaveLen(len(byName)))
	for _, resource := range resources {
		Expect(byName).To(HaveKeyWithValue(Dig(resource, "spec/userName"), Dig(resource, "metadata/name")))
	}
}
