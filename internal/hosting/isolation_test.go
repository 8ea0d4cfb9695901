package hosting_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
)

// unlimited lets a tenant be sent as many requests as come, of which all that are refused are told
// why.
func unlimited(tenant *scimv1alpha1.ScimTenant) {
	tenant.Spec.RateLimit = scimv1alpha1.RateLimit{RequestsPerSecond: 1_000_000, WritesPerSecond: 1_000_000}
}

// factsOf gives a tenant users, of whom the last is in a group, and returns what its client knows.
func factsOf(s *shared, tenant, token string, users int) crossing.Facts {
	GinkgoHelper()
	facts := crossing.Facts{Path: "/" + tenant + "/scim/v2", URL: s.url + "/" + tenant + "/scim/v2", Name: tenant, BulkID: "of-" + tenant, Role: "role-of-" + tenant}
	for i := range users {
		made := s.send(http.MethodPost, tenant, "/Users", token, crossing.User(fmt.Sprintf("%s%d", tenant, i), ""))
		Expect(made.Status).To(Equal(http.StatusCreated))
		facts.User = made.Doc["id"].(string)
		facts.Version = made.Doc["meta"].(map[string]any)["version"].(string)
	}
	results := s.send(http.MethodPost, tenant, "/Bulk", token, crossing.Bulk(
		`{"method":"POST","path":"/Groups","bulkId":"`+facts.BulkID+`","data":`+crossing.Group(tenant, `{"value":"`+facts.User+`"}`)+`}`))
	Expect(results.Status).To(Equal(http.StatusOK))
	location := results.Doc["Operations"].([]any)[0].(map[string]any)["location"].(string)
	facts.Group = location[strings.LastIndex(location, "/")+1:]
	facts.Cursor, _ = s.send(http.MethodGet, tenant, "/Users?count=2&cursor=", token, "").Doc["nextCursor"].(string)
	Expect(facts.Cursor).NotTo(BeEmpty())
	return facts
}

// answerTo sends a request with a token.
func (s *shared) answerTo(ctx context.Context, r crossing.Request, token string) crossing.Answer {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, r.Method, s.url+r.Path, strings.NewReader(r.Body))
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "Bearer "+token)
	if r.Header != "" {
		request.Header.Set(r.Header, r.Value)
	}
	if r.Header == "Host" {
		request.Host = r.Value
	}
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred(), r.String())
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred(), r.String())
	Expect(response.Body.Close()).To(Succeed())
	return crossing.Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

var _ = Describe("Tenants of one process", func() {
	It("know nothing of what another one has given out, by every URL and method", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		own, other := apply(ctx, namespace, "attacker", unlimited), apply(ctx, namespace, "victim", unlimited)
		for _, tenant := range []string{"attacker", "victim"} {
			Expect(admin.Create(ctx, roleOf(namespace, tenant, "role-of-"+tenant))).To(Succeed())
		}
		s := start(namespace, slog.New(slog.DiscardHandler))
		Eventually(s.Router().Ready).Should(BeTrue())
		Expect(s.send(http.MethodGet, "victim", "/Roles/role-of-victim", other, "").Status).To(Equal(http.StatusOK))
		ownFacts, otherFacts := factsOf(s, "attacker", own, 3), factsOf(s, "victim", other, 4)
		all := func(tenant, token string) any {
			return s.send(http.MethodGet, tenant, "/?count=100", token, "").Doc["Resources"]
		}
		otherFacts.Path = ownFacts.Path // What is sent to the other tenant, its keys decide on.
		before, unknown := all("victim", other), otherFacts.Unknown()
		Expect(before).To(HaveLen(5))
		ofNobody, statuses := crossing.Requests(ownFacts, unknown), map[int]int{}
		for i, request := range crossing.Requests(ownFacts, otherFacts) {
			expected := s.answerTo(ctx, ofNobody[i], own).Without(unknown)
			answer := s.answerTo(ctx, request, own)
			Expect(answer.Without(otherFacts)).To(Equal(expected), request.String())
			statuses[answer.Status]++
		}
		for _, status := range []int{200, 201, 400, 404, 405, 412} {
			Expect(statuses).To(HaveKey(status), "the requests are of many kinds: %v", statuses)
		}
		Expect(all("victim", other)).To(Equal(before), "nothing has changed for the other tenant")
	}, SpecTimeout(5*time.Minute))
})
