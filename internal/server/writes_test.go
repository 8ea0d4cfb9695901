package server

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store/memory"
)

// What has been written lately bounds what may be written now, and nothing else. Who leaves
// is let go.
func TestWritesAreBounded(t *testing.T) {
	h := newHarness(t, memory.New())
	h.configure("Generic", func(s *Settings) { s.WriteBytes = 1 << 20 })
	id := h.createBabs()
	title := `{` + patchSchema + `,"Operations":[{"op":"replace","path":"title","value":"Guide"}]}`
	h.Expect(h.do(http.MethodPatch, "/Users/"+id, title).StatusCode).To(Equal(http.StatusOK))
	inactive := h.do(http.MethodPost, "/Users", strings.Replace(userNamed(2), "{", `{"active":false,`, 1)).doc["id"].(string)
	gone := h.do(http.MethodPost, "/Users", userNamed(3)).doc["id"].(string)
	group := h.do(http.MethodPost, "/Groups", `{`+groupSchema+`,"displayName":"Guides","members":[{"value":"`+id+`"}]}`).doc["id"].(string)
	off := `{` + patchSchema + `,"Operations":[{"op":"replace","path":"active","value":false}]}`
	h.tenant.Wrote(3 << 20) // One request may write more than there is.
	for _, r := range []response{
		h.do(http.MethodPost, "/Users", userNamed(1)),
		h.do(http.MethodPatch, "/Users/"+id, strings.ReplaceAll(title, "Guide", "Chief")),
		h.do(http.MethodPut, "/Users/"+id, babs),
		h.do(http.MethodPatch, "/Users/"+inactive, title),
		h.do(http.MethodPut, "/Users/"+inactive, babs),
	} {
		h.expectError(r, http.StatusTooManyRequests, "")
		h.Expect(strconv.Atoi(r.Header.Get("Retry-After"))).To(BeNumerically("~", 2*WritePeriod.Seconds(), WritePeriod.Seconds()/10))
	}
	h.Expect(h.do(http.MethodGet, "/Users/"+id, "").doc["title"]).To(Equal("Guide"))
	results := h.bulkDo(
		`{"method":"PATCH","path":"/Users/`+id+`","data":{`+patchSchema+`,"Operations":[{"op":"replace","path":"title","value":"x"}]}}`,
		`{"method":"PATCH","path":"/Users/`+gone+`","data":`+off+`}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"429", "200"}))
	for _, r := range []response{
		h.do(http.MethodPatch, "/Groups/"+group, `{`+patchSchema+`,"Operations":[{"op":"remove","path":"members[value eq \"`+id+`\"]"}]}`),
		h.do(http.MethodPatch, "/Users/"+id, off),
		h.do(http.MethodPatch, "/Users/"+id, off),
	} {
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), "who leaves is never kept in: %s", r.body)
	}
	h.expectError(h.do(http.MethodPatch, "/Users/"+id, strings.ReplaceAll(off, "false", "true")), http.StatusTooManyRequests, "")
	h.Expect(h.do(http.MethodGet, "/Groups/"+group, "").doc).NotTo(HaveKey("members"))
	h.Expect(h.do(http.MethodDelete, "/Users/"+id, "").StatusCode).To(Equal(http.StatusNoContent))
}

func TestWriteBucket(t *testing.T) {
	g := NewWithT(t)
	var w writes
	now := time.Now()
	g.Expect(w.wait(now)).To(BeZero())
	w.charge(1<<40, now)
	g.Expect(w.wait(now)).To(BeZero(), "there is no limit")
	w.resize(3000)
	w.charge(2000, now)
	g.Expect(w.wait(now)).To(BeZero())
	w.charge(2000, now)
	g.Expect(w.wait(now)).To(BeNumerically("~", 101*time.Second, time.Second))
	g.Expect(w.wait(now.Add(102 * time.Second))).To(BeZero())
	w.charge(10_000, now.Add(time.Hour))
	g.Expect(w.wait(now.Add(time.Hour))).To(BeNumerically("~", 701*time.Second, 2*time.Second), "after an hour there is no more than at first")
	w.resize(300_000)
	g.Expect(w.wait(now.Add(time.Hour))).To(BeNumerically("<", 10*time.Second))
}
