package session

import (
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func problems(results []Result) (all []Result) {
	for _, r := range results {
		if r.Problem != "" {
			all = append(all, r)
		}
	}
	return all
}

func TestATenantOfEachProviderPassesItsSession(t *testing.T) {
	for provider, steps := range sessions {
		t.Run(string(provider), func(t *testing.T) {
			h := servertest.New(t, memory.New())
			h.Configure(string(provider), func(*exchange.Settings) {})
			results := newPlayer(h.URL+"/scim/v2", h.Token, "kubescim-test-1").play(t.Context(), steps())
			h.Expect(problems(results)).To(BeEmpty())
			h.Expect(results).To(HaveLen(len(steps()) + len(cleanup())))
			h.Expect(h.Do(http.MethodGet, "/Users", "").Doc).To(HaveKeyWithValue("totalResults", BeEquivalentTo(0)), "nobody is left")
			h.Expect(h.Do(http.MethodGet, "/Groups", "").Doc).To(HaveKeyWithValue("totalResults", BeEquivalentTo(0)), "no group is left")
		})
	}
}

func TestASessionComesAfterOneThatWasKilled(t *testing.T) {
	for provider, steps := range sessions {
		t.Run(string(provider), func(t *testing.T) {
			h := servertest.New(t, memory.New())
			h.Configure(string(provider), func(s *exchange.Settings) { s.Policy.KeepDeletedUsers = true })
			h.Do(http.MethodPost, "/Users", `{"schemas":[`+coreUser+`],"userName":"kubescim-test@example.com"}`)
			h.Do(http.MethodPost, "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"kubescim-test"}`)
			player := func() *player { return newPlayer(h.URL+"/scim/v2", h.Token, nameFor(&scimv1alpha1.ScimTenant{})) }
			results := player().play(t.Context(), steps())
			h.Expect(problems(results)).To(BeEmpty())
			h.Expect(results).To(HaveLen(len(cleanup())+len(steps())+len(cleanup())), "it takes away what is there before")
			results = player().play(t.Context(), steps())
			h.Expect(problems(results)).To(BeEmpty(), "the user who is kept comes back")
			h.Expect(results).To(HaveLen(len(steps()) + len(cleanup())))
		})
	}
}

func TestATenantOfAnotherProviderSaysWhatItDoesNotPutUpWith(t *testing.T) {
	h := servertest.New(t, memory.New())
	results := newPlayer(h.URL+"/scim/v2", h.Token, "kubescim-test-1").play(t.Context(), oneLogin())
	found := problems(results)
	h.Expect(found).To(HaveLen(1))
	h.Expect(found[0].Status).To(Equal(http.StatusBadRequest))
	h.Expect(found[0].Problem).To(ContainSubstring("schemas"), "what the server says")
	h.Expect(failure(results)).To(MatchError(HaveSuffix("where it makes the user, by POST /Users: answered 400")))
	h.Expect(h.Do(http.MethodGet, "/Users", "").Doc).To(HaveKeyWithValue("totalResults", BeEquivalentTo(0)))
}

func TestAWrongToken(t *testing.T) {
	h := servertest.New(t, memory.New())
	results := newPlayer(h.URL+"/scim/v2", "kscim_wrong", "kubescim-test-1").play(t.Context(), generic())
	h.Expect(results).To(HaveLen(1), "nothing follows, and nothing is there to take away")
	h.Expect(results[0].Problem).To(ContainSubstring("not one of this tenant"))
}

func TestWhatStandsInFrontOfAServer(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		kind   string
		body   string
		says   string
	}{
		"a firewall":   {http.StatusForbidden, "text/html", "<html>", "in HTML: something in front"},
		"a redirect":   {http.StatusFound, "", "", "follow no redirect"},
		"a login page": {http.StatusOK, "text/html", "<html>", "is no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer front.Close()
			results := newPlayer(front.URL, "token", "kubescim-test-1").play(t.Context(), generic())
			g.Expect(results[0].Problem).To(ContainSubstring(tc.says))
		})
	}
}

func TestWhereATokenIsSent(t *testing.T) {
	for base, says := range map[string]string{
		"https://acme.scim.example.com/scim/v2": "",
		"http://localhost:8080/scim/v2":         "",
		"http://127.0.0.1:8080":                 "",
		"http://10.244.0.7/scim/v2":             "",
		"http://acme.scim.example.com/scim/v2":  "in the clear",
		"http://203.0.113.7/scim/v2":            "in the clear",
		"ftp://localhost":                       "is no URL",
		"localhost:8080":                        "is no URL",
	} {
		g := NewWithT(t)
		_, err := (&options{url: base}).baseURL(&scimv1alpha1.ScimTenant{})
		if says == "" {
			g.Expect(err).NotTo(HaveOccurred(), base)
		} else {
			g.Expect(err).To(MatchError(ContainSubstring(says)), base)
		}
	}
}
