package handler_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// groupOf is an operation that creates a group with members that the bulk request creates.
func groupOf(bulkID, name string, members ...string) string {
	var values []string
	for _, member := range members {
		values = append(values, fmt.Sprintf(`{"value":"bulkId:%s"}`, member))
	}
	return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":%q,"data":{%s,"displayName":%q,"members":[%s]}}`, bulkID, servertest.GroupSchema, name, strings.Join(values, ","))
}

// membersByName are the names of all groups with how many members each has.
func membersByName(h *servertest.Harness) map[string]int {
	found := map[string]int{}
	for _, each := range h.Do(http.MethodGet, "/Groups", "").Doc["Resources"].([]any) {
		group := each.(map[string]any)
		members, _ := group["members"].([]any)
		found[group["displayName"].(string)] = len(members)
	}
	return found
}

// circleless is a store in which no group is a member of itself.
type circleless struct{ store.Store }

func (c *circleless) Update(ctx context.Context, t *schema.ResourceType, id string, change store.Change, options store.UpdateOptions) (*scim.Resource, error) {
	for _, member := range options.Members {
		if member.Add && member.ID == id {
			return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "a group cannot be in itself")
		}
	}
	return c.Store.Update(ctx, t, id, change, options)
}

// An operation that fails has not happened, and one that succeeds has happened in full, also
// when they refer to each other in circles.
func TestBulkCirclesThatBreak(t *testing.T) {
	const nobody = `{"method":"DELETE","path":"/Users/00000000-0000-4000-8000-000000000000"}`
	for name, c := range map[string]struct {
		failOnErrors int
		operations   []string
		statuses     []string
		groups       map[string]int
	}{
		"one cannot be created":      {0, []string{groupOf("a", "A", "b"), groupOf("b", "TAKEN", "a")}, []string{"409", "409"}, map[string]int{}},
		"and nothing more is begun":  {1, []string{groupOf("a", "A", "b"), groupOf("b", "TAKEN", "a"), groupOf("c", "C")}, []string{"409", "409", "201"}, map[string]int{"C": 0}},
		"one refers to what is not":  {0, []string{groupOf("a", "A", "b", "x"), groupOf("b", "B", "a")}, []string{"409", "409"}, map[string]int{}},
		"an error before it":         {1, []string{nobody, groupOf("a", "A", "b"), groupOf("b", "B", "a")}, []string{"404"}, map[string]int{}},
		"a group in itself":          {0, []string{groupOf("s", "S", "s")}, []string{"400"}, map[string]int{}},
		"a group in itself, used":    {0, []string{groupOf("s", "S", "s"), groupOf("u", "U", "s")}, []string{"400", "201"}, map[string]int{"S": 0, "U": 1}},
		"one of three":               {0, []string{groupOf("a", "A", "b"), groupOf("b", "B", "a", "c"), groupOf("c", "taken", "b")}, []string{"409", "409", "409"}, map[string]int{}},
		"two circles that have one":  {0, []string{groupOf("a", "A", "b"), groupOf("b", "B", "a", "c"), groupOf("c", "C", "b")}, []string{"201", "201", "201"}, map[string]int{"A": 1, "B": 2, "C": 1}},
		"one stays that others need": {0, []string{groupOf("s", "S", "s", "t"), groupOf("t", "T", "s")}, []string{"400", "201"}, map[string]int{"S": 0, "T": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, &circleless{memory.New()})
			h.Expect(h.Do(http.MethodPost, "/Groups", `{`+servertest.GroupSchema+`,"displayName":"taken"}`).StatusCode).To(Equal(http.StatusCreated))
			body := servertest.BulkBody(c.operations...)
			body = fmt.Sprintf(`{"failOnErrors":%d,`, c.failOnErrors) + body[1:]
			r := h.Do(http.MethodPost, "/Bulk", body)
			h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
			var results []map[string]any
			for _, each := range r.Doc["Operations"].([]any) {
				results = append(results, each.(map[string]any))
			}
			h.Expect(servertest.Statuses(results)).To(Equal(c.statuses), r.Text)
			c.groups["taken"] = 0
			h.Expect(membersByName(h)).To(Equal(c.groups), r.Text)
			for _, result := range results {
				if _, stays := c.groups["S"]; !stays || result["bulkId"] != "s" {
					continue
				}
				h.Expect(result["location"]).To(HavePrefix(h.URL), "it says what there is")
				h.Expect(result["response"]).To(HaveKeyWithValue("detail", ContainSubstring("without members")))
			}
		})
	}
}

// keeping is a store that deletes nothing.
type keeping struct{ circleless }

func (k *keeping) Delete(context.Context, *schema.ResourceType, string, store.DeleteOptions) error {
	return scim.Errorf(http.StatusServiceUnavailable, "", "not now")
}

// What was created and cannot be deleted again is told.
func TestBulkSaysWhatCannotBeUndone(t *testing.T) {
	h := servertest.New(t, &keeping{circleless{memory.New()}})
	results := h.BulkDo(groupOf("s", "S", "s"), groupOf("u", "U", "s"))
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"400", "201"}))
	h.Expect(results[0]["location"]).To(HavePrefix(h.URL))
	h.Expect(results[0]["response"]).To(HaveKeyWithValue("detail", ContainSubstring("without members")))
	h.Expect(membersByName(h)).To(Equal(map[string]int{"S": 0, "U": 1}))
}

// A user who is deleted again has never gone: no guard keeps them, and they are not kept. What a client says of an
// operation does not make it such a deletion.
func TestBulkUndoesPastTheGuard(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Configure("Generic", func(s *exchange.Settings) {
		s.Policy = store.Policy{KeepDeletedUsers: true, Guard: &guard.Guard{MaxPercent: 1, Window: time.Hour}}
	})
	user := func(bulkID, name, manager string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{%s,"userName":%q,"%s":{"manager":{"value":"bulkId:%s"}}}}`,
			bulkID, servertest.UserSchema, name, schema.URNEnterpriseUser, manager)
	}
	created := h.Do(http.MethodPost, "/Users", `{`+servertest.UserSchema+`,"userName":"taken"}`)
	h.Expect(created.StatusCode).To(Equal(http.StatusCreated))
	results := h.BulkDo(user("a", "alice", "b"), user("b", "taken", "a"))
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"409", "409"}))
	h.Expect(results[0]).NotTo(HaveKey("location"))
	h.Expect(h.Do(http.MethodGet, "/Users", "").Doc["totalResults"]).To(BeEquivalentTo(1))

	forged := fmt.Sprintf(`{"method":"DELETE","path":"/Users/%s","version":%q,"Undoes":true}`, created.Doc["id"], created.Header.Get("ETag"))
	h.Expect(servertest.Statuses(h.BulkDo(forged))).To(Equal([]string{"503"}))
}

// References may stand in the filter of a path.
func TestBulkReferencesInPathFilters(t *testing.T) {
	h := servertest.New(t, memory.New())
	user := func(id string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{%s,"userName":%q}}`, id, servertest.UserSchema, id)
	}
	remove := func(reference string) string {
		return `{"method":"PATCH","path":"/Groups/bulkId:g","data":{` + servertest.PatchSchema + `,"Operations":[{"op":"remove","path":"members[value eq \"bulkId:` + reference + `\"]"}]}}`
	}
	results := h.BulkDo(groupOf("g", "G", "p", "q"), remove("p"), user("p"), user("q"))
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"201", "200", "201", "201"}))
	h.Expect(membersByName(h)).To(Equal(map[string]int{"G": 1}))
	results = h.BulkDo(groupOf("g", "H"), remove("nobody"))
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"201", "409"}))
}
