package handler_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// Each replica has its share of what may be written: by how many there may be, or are.
func TestWritesAreShared(t *testing.T) {
	for name, tc := range map[string]struct{ most, replicas, share int }{
		"as many as there may be":              {most: 4, replicas: 2, share: 3 << 20},
		"more than there may be, for a moment": {most: 2, replicas: 3, share: 4 << 20},
		"as many as there are":                 {replicas: 6, share: 2 << 20},
		"one alone":                            {replicas: 1, share: 12 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, memory.New())
			h.Configure("Generic", func(s *exchange.Settings) { s.WriteBytes, s.MostReplicas = 12<<20, tc.most })
			h.Shared.Rates.Among(tc.replicas)
			h.CreateBabs()
			h.Tenant.Wrote(int64(tc.share) * 9 / 10)
			h.Expect(h.Do(http.MethodPost, "/Users", servertest.UserNamed(1)).StatusCode).To(Equal(http.StatusCreated))
			h.Tenant.Wrote(int64(tc.share) * 2 / 10)
			h.ExpectError(h.Do(http.MethodPost, "/Users", servertest.UserNamed(2)), http.StatusTooManyRequests, "")
		})
	}
}

// What has been written lately bounds what may be written now, and nothing else. Who leaves
// is let go.
func TestWritesAreBounded(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Configure("Generic", func(s *exchange.Settings) { s.WriteBytes = 1 << 20 })
	id := h.CreateBabs()
	title := `{` + servertest.PatchSchema + `,"Operations":[{"op":"replace","path":"title","value":"Guide"}]}`
	h.Expect(h.Do(http.MethodPatch, "/Users/"+id, title).StatusCode).To(Equal(http.StatusOK))
	inactive := h.Do(http.MethodPost, "/Users", strings.Replace(servertest.UserNamed(2), "{", `{"active":false,`, 1)).Doc["id"].(string)
	gone := h.Do(http.MethodPost, "/Users", servertest.UserNamed(3)).Doc["id"].(string)
	group := h.Do(http.MethodPost, "/Groups", `{`+servertest.GroupSchema+`,"displayName":"Guides","members":[{"value":"`+id+`"}]}`).Doc["id"].(string)
	off := `{` + servertest.PatchSchema + `,"Operations":[{"op":"replace","path":"active","value":false}]}`
	h.Tenant.Wrote(3 << 20) // One request may write more than there is.
	for _, r := range []servertest.Response{
		h.Do(http.MethodPost, "/Users", servertest.UserNamed(1)),
		h.Do(http.MethodPatch, "/Users/"+id, strings.ReplaceAll(title, "Guide", "Chief")),
		h.Do(http.MethodPut, "/Users/"+id, servertest.Babs),
		h.Do(http.MethodPatch, "/Users/"+inactive, title),
		h.Do(http.MethodPut, "/Users/"+inactive, servertest.Babs),
	} {
		h.ExpectError(r, http.StatusTooManyRequests, "")
		h.Expect(strconv.Atoi(r.Header.Get("Retry-After"))).To(BeNumerically("~", 2*limit.WritePeriod.Seconds(), limit.WritePeriod.Seconds()/10))
	}
	h.Expect(h.Do(http.MethodGet, "/Users/"+id, "").Doc["title"]).To(Equal("Guide"))
	results := h.BulkDo(
		`{"method":"PATCH","path":"/Users/`+id+`","data":{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"title","value":"x"}]}}`,
		`{"method":"PATCH","path":"/Users/`+gone+`","data":`+off+`}`,
	)
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"429", "200"}))
	for _, r := range []servertest.Response{
		h.Do(http.MethodPatch, "/Groups/"+group, `{`+servertest.PatchSchema+`,"Operations":[{"op":"remove","path":"members[value eq \"`+id+`\"]"}]}`),
		h.Do(http.MethodPatch, "/Users/"+id, off),
		h.Do(http.MethodPatch, "/Users/"+id, off),
	} {
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), "who leaves is never kept in: %s", r.Text)
	}
	h.ExpectError(h.Do(http.MethodPatch, "/Users/"+id, strings.ReplaceAll(off, "false", "true")), http.StatusTooManyRequests, "")
	h.Expect(h.Do(http.MethodGet, "/Groups/"+group, "").Doc).NotTo(HaveKey("members"))
	h.Expect(h.Do(http.MethodDelete, "/Users/"+id, "").StatusCode).To(Equal(http.StatusNoContent))
}
