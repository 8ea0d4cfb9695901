package handler_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

const (
	patchTitle = `{` + servertest.PatchSchema + `,"Operations":[{"op":"replace","path":"title","value":"x"}]}`
	renameTo   = `{` + servertest.PatchSchema + `,"Operations":[{"op":"replace","path":"displayName","value":"Guides"}]}`
	searchAll  = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`
	newGroup   = `{` + servertest.GroupSchema + `,"displayName":"Engineers"}`
)

// member is a tenant with Babs in a group.
func member(t *testing.T) (h *servertest.Harness, user, group string) {
	t.Helper()
	h = servertest.New(t, memory.New())
	user = h.CreateBabs()
	r := h.Do(http.MethodPost, "/Groups", `{`+servertest.GroupSchema+`,"displayName":"Tour Guides","members":[{"value":"`+user+`"}]}`)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.Text)
	return h, user, r.Doc["id"].(string)
}

// expectDenied checks that the answer says, in HTTP and in SCIM, that the token does not permit it.
func expectDenied(h *servertest.Harness, r servertest.Response, detail string) {
	h.ExpectError(r, http.StatusForbidden, "")
	h.Expect(r.Header.Get("WWW-Authenticate")).To(Equal(`Bearer realm="scim", error="insufficient_scope"`))
	h.Expect(r.Doc["detail"]).To(ContainSubstring(detail))
}

var discoveryPaths = []string{"/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/Group", "/Schemas"}

func TestAKeyThatReadsChangesNothing(t *testing.T) {
	h, user, group := member(t)
	before := h.Do(http.MethodGet, "/", "").Text
	h.Grant(apikey.Grant{ReadOnly: true})
	for _, request := range [][3]string{
		{http.MethodPost, "/Users", servertest.UserNamed(1)}, {http.MethodPost, "/Users/", servertest.UserNamed(1)},
		{http.MethodPost, "/Groups", newGroup}, {http.MethodPost, "/Users", "{"},
		{http.MethodPut, "/Users/" + user, servertest.UserNamed(1)}, {http.MethodPut, "/Groups/" + group, newGroup},
		{http.MethodPatch, "/Users/" + user, patchTitle}, {http.MethodPatch, "/Groups/" + group, renameTo},
		{http.MethodDelete, "/Users/" + user, ""}, {http.MethodDelete, "/Groups/" + group, ""},
		{http.MethodDelete, "/Users/nobody", ""}, {http.MethodPut, "/Users", "{}"}, {http.MethodPost, "/Users/.search/x", searchAll},
	} {
		expectDenied(h, h.Do(request[0], request[1], request[2]), "may only read")
	}
	h.Expect(h.LastLine()).To(And(HaveKeyWithValue("status", 403.0), HaveKeyWithValue("keyID", h.Verifier.KeyID), HaveKeyWithValue("level", "INFO"),
		HaveKeyWithValue("reason", "NotForToken")))
	results := h.BulkDo(
		`{"method":"POST","path":"/Users","bulkId":"1","data":`+servertest.UserNamed(1)+`}`,
		`{"method":"PUT","path":"/Users/`+user+`","data":`+servertest.UserNamed(1)+`}`,
		`{"method":"PATCH","path":"/Groups/`+group+`","data":`+renameTo+`}`,
		`{"method":"DELETE","path":"/Groups/`+group+`"}`,
		`{"method":"PATCH","path":"/Groups/`+group+`","data":{`+servertest.PatchSchema+`,"Operations":[{"op":"add","path":"members","value":[{"value":"bulkId:1"}]}]}}`,
	)
	h.Expect(servertest.Statuses(results)[:4]).To(HaveEach("403"))
	h.Expect(results[0]["response"]).To(HaveKeyWithValue("detail", ContainSubstring("may only read")))
	h.Expect(results[4]["status"]).NotTo(HavePrefix("2"), "the user that it refers to was not created")

	for _, path := range append([]string{"/Users", "/Users/" + user, "/Groups/" + group, "/Users?filter=userName+pr"}, discoveryPaths...) {
		h.Expect(h.Do(http.MethodGet, path, "").StatusCode).To(Equal(http.StatusOK), path)
		h.Expect(h.Do(http.MethodHead, path, "").StatusCode).To(Equal(http.StatusOK), path)
	}
	for _, path := range []string{"/.search", "/Users/.search", "/Groups/.search"} {
		h.Expect(h.Do(http.MethodPost, path, searchAll).StatusCode).To(Equal(http.StatusOK), path)
	}
	h.Expect(h.Do(http.MethodGet, "/", "").Text).To(Equal(before), "nothing has changed, and all is shown")
}

func TestAKeyForUsersSeesNoGroups(t *testing.T) {
	h, user, group := member(t)
	h.Grant(apikey.Grant{Resources: []string{"Users"}})
	for _, request := range [][3]string{
		{http.MethodGet, "/Groups", ""}, {http.MethodHead, "/Groups/" + group, ""}, {http.MethodGet, "/Groups/" + group, ""}, {http.MethodGet, "/Groups/nothing", ""},
		{http.MethodPost, "/Groups", newGroup}, {http.MethodPut, "/Groups/" + group, newGroup}, {http.MethodPatch, "/Groups/" + group, renameTo},
		{http.MethodDelete, "/Groups/" + group, ""}, {http.MethodPost, "/Groups/.search", searchAll}, {"BREW", "/Groups", ""},
	} {
		r := h.Do(request[0], request[1], request[2])
		if request[0] == http.MethodHead {
			h.Expect(r.StatusCode).To(Equal(http.StatusForbidden))
			continue
		}
		expectDenied(h, r, "not for groups")
	}
	results := h.BulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"1","data":`+newGroup+`}`,
		`{"method":"DELETE","path":"/Groups/`+group+`"}`,
		`{"method":"PATCH","path":"/Users/`+user+`","data":`+patchTitle+`}`,
	)
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"403", "403", "200"}))

	for name, r := range map[string]servertest.Response{
		"a user":                       h.Do(http.MethodGet, "/Users/"+user, ""),
		"a user, by attributes":        h.Do(http.MethodGet, "/Users/"+user+"?attributes=userName,groups", ""),
		"a user, by a schema":          h.Do(http.MethodGet, "/Users/"+user+"?attributes="+url.QueryEscape("urn:ietf:params:scim:schemas:core:2.0:User"), ""),
		"a user, by a path of the URN": h.Do(http.MethodGet, "/Users/"+user+"?attributes="+url.QueryEscape("urn:ietf:params:scim:schemas:core:2.0:User:groups.value,userName"), ""),
		"a user without something":     h.Do(http.MethodGet, "/Users/"+user+"?excludedAttributes=title", ""),
		"a user without groups":        h.Do(http.MethodGet, "/Users/"+user+"?excludedAttributes=groups", ""),
		"users":                        h.Do(http.MethodGet, "/Users", ""),
		"users, by a filter":           h.Do(http.MethodGet, "/Users?filter="+url.QueryEscape(`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`), ""),
		"users, by a search":           h.Do(http.MethodPost, "/Users/.search", searchAll),
		"everything":                   h.Do(http.MethodGet, "/", ""),
		"everything, by a search":      h.Do(http.MethodPost, "/.search", searchAll),
		"a user that is patched":       h.Do(http.MethodPatch, "/Users/"+user+"?attributes=userName,groups", patchTitle),
		"a user that is replaced":      h.Do(http.MethodPut, "/Users/"+user, servertest.Babs),
	} {
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), name)
		h.Expect(r.Text).To(And(ContainSubstring("bjensen"), Not(ContainSubstring("groups")), Not(ContainSubstring(group)), Not(ContainSubstring("Tour Guides"))), name)
	}
	h.Expect(h.Do(http.MethodGet, "/", "").Doc).To(HaveKeyWithValue("totalResults", 1.0))
	for _, path := range discoveryPaths {
		h.Expect(h.Do(http.MethodGet, path, "").StatusCode).To(Equal(http.StatusOK), path)
	}
}

// Who is in which group must not be found out by asking for users by their groups.
func TestAKeyForUsersCannotAskForGroups(t *testing.T) {
	h, user, group := member(t)
	filters := []string{
		`groups.value eq "` + group + `"`, `groups pr`, `not (groups pr)`, `groups[value eq "` + group + `"]`, `userName pr and GROUPS.display sw "T"`,
		`urn:ietf:params:scim:schemas:core:2.0:User:groups.value eq "` + group + `"`, `userName eq "nobody" and groups pr`,
	}
	for _, filter := range filters {
		for _, path := range []string{"/Users", "/"} {
			query := path + "?filter=" + url.QueryEscape(filter)
			h.Grant(apikey.Grant{})
			h.Expect(h.Do(http.MethodGet, query, "").StatusCode).To(Equal(http.StatusOK), filter)
			h.Grant(apikey.Grant{Resources: []string{"Users"}})
			expectDenied(h, h.Do(http.MethodGet, query, ""), "not for groups")
			body := strings.TrimSuffix(searchAll, "}") + `,"filter":` + quoted(filter) + `}`
			expectDenied(h, h.Do(http.MethodPost, strings.TrimSuffix(path, "/")+"/.search", body), "not for groups")
		}
	}
	h.Grant(apikey.Grant{Resources: []string{"Users"}})
	for _, sortBy := range []string{"groups", "groups.value", "groups.display"} {
		expectDenied(h, h.Do(http.MethodGet, "/Users?sortBy="+sortBy, ""), "not for groups")
	}
	var answers []string
	for _, id := range []string{group, "00000000-0000-4000-8000-000000000000"} {
		r := h.Do(http.MethodPatch, "/Users/"+user, `{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"groups[value eq \"`+id+`\"].display","value":"x"}]}`)
		answers = append(answers, r.Status, strings.NewReplacer(id, "", r.Header.Get("X-Request-Id"), "").Replace(r.Text))
	}
	h.Expect(answers[:2]).To(Equal(answers[2:]), "a change is answered the same whatever group it names")
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

func TestAKeyForGroupsSeesNoUsers(t *testing.T) {
	h, user, group := member(t)
	h.Grant(apikey.Grant{Resources: []string{"Groups"}})
	for _, request := range [][3]string{
		{http.MethodGet, "/Users", ""}, {http.MethodGet, "/Users/" + user, ""}, {http.MethodPost, "/Users", servertest.UserNamed(1)},
		{http.MethodDelete, "/Users/" + user, ""}, {http.MethodPost, "/Users/.search", searchAll},
	} {
		expectDenied(h, h.Do(request[0], request[1], request[2]), "not for users")
	}
	found := h.Do(http.MethodGet, "/", "")
	h.Expect(found.Doc).To(HaveKeyWithValue("totalResults", 1.0))
	h.Expect(found.Text).To(And(ContainSubstring("Tour Guides"), Not(ContainSubstring("bjensen"))))
	h.Expect(h.Do(http.MethodGet, "/?filter="+url.QueryEscape(`userName eq "bjensen@example.com"`), "").Doc).To(HaveKeyWithValue("totalResults", 0.0))
	h.Expect(h.Do(http.MethodGet, "/?filter="+url.QueryEscape(`displayName pr`), "").Doc).To(HaveKeyWithValue("totalResults", 1.0))
	h.Expect(h.Do(http.MethodGet, "/Groups/"+group, "").Doc["members"]).To(HaveLen(1), "members are a part of a group")
	h.Expect(h.Do(http.MethodPatch, "/Groups/"+group, renameTo).StatusCode).To(Equal(http.StatusOK))
}

func TestAKeyForNothingSeesNothing(t *testing.T) {
	h, _, _ := member(t)
	h.Grant(apikey.Grant{Resources: []string{}})
	for _, path := range []string{"/", "/Users", "/Groups"} {
		h.ExpectError(h.Do(http.MethodGet, path, ""), http.StatusForbidden, "")
	}
	h.ExpectError(h.Do(http.MethodPost, "/.search", searchAll), http.StatusForbidden, "")
	for _, path := range discoveryPaths {
		h.Expect(h.Do(http.MethodGet, path, "").StatusCode).To(Equal(http.StatusOK), path)
	}
}

// A walk by cursors through all resource types goes on when its key gets to see more of them,
// or less.
func TestWalksGoOnWhenAKeyChanges(t *testing.T) {
	h, _, group := member(t)
	walk := func(cursor string) servertest.Response {
		r := h.Do(http.MethodGet, "/?count=1&cursor="+cursor, "")
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
		return r
	}
	h.Expect(h.Do(http.MethodPost, "/Groups", newGroup).StatusCode).To(Equal(http.StatusCreated))
	first := walk("")
	h.Expect(first.Text).To(ContainSubstring("bjensen"))
	next := first.Doc["nextCursor"].(string)
	h.Grant(apikey.Grant{Resources: []string{"Groups"}})
	second := walk(next)
	h.Expect(second.Text).To(ContainSubstring(group), "groups are behind the users, whether those are shown or not")
	third := walk(second.Doc["nextCursor"].(string))
	h.Expect(third.Text).To(And(ContainSubstring("Engineers"), Not(ContainSubstring(group))))
	h.Grant(apikey.Grant{})
	h.Expect(walk(second.Doc["nextCursor"].(string)).Doc["Resources"]).To(Equal(third.Doc["Resources"]))
	h.Grant(apikey.Grant{Resources: []string{"Users"}})
	last := walk(next)
	h.Expect(last.Doc).NotTo(HaveKey("nextCursor"))
	h.Expect(last.Text).NotTo(Or(ContainSubstring(group), ContainSubstring("bjensen")))
}
