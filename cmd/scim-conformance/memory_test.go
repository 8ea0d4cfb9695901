package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// The server of a tenant for each identity provider passes all cases, with its store
// in memory.
func TestEveryProfilePasses(t *testing.T) {
	for _, profile := range idp.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			exit, out, done := program(t, serve(t, profile.Name, nil), serve(t, profile.Name, nil).Target, "--profile", profile.Name, "--seed", "7644",
				"--requests", "50", "--slow", "1m", "--request-timeout", "2m", "--case-timeout", "5m") // A busy machine fails no case.
			g.Expect(exit).To(Equal(exitPassed), out)
			n := 0
			for _, group := range cases.All() {
				n += len(group.Cases)
			}
			g.Expect(done.Passed).To(Equal(n), out)
			g.Expect(done.NotApplicable).To(BeZero(), out)
		})
	}
}

// A fault of the server is found, and named in all reports.
func TestAFaultIsReported(t *testing.T) {
	g := NewWithT(t)
	losesVersions := func(w http.ResponseWriter, _ *http.Request) http.ResponseWriter { return &lossy{ResponseWriter: w} }
	exit, out, done := program(t, serve(t, "Generic", losesVersions), suite.Target{}, "--run", "^(versions|sort)/", "--skip", "^sort/")
	g.Expect(exit).To(Equal(exitFailed))
	const id = "versions/the-etag-is-a-header-of-every-answer-with-a-resource"
	g.Expect(out).To(ContainSubstring("FAIL " + id))
	outcomes := map[string]string{}
	for _, c := range done.Cases {
		outcomes[c.ID] = c.Outcome
		if c.ID == id {
			g.Expect(c.Exchange).To(ContainSubstring("answer: 200"))
		}
		if strings.HasPrefix(c.ID, "sort/") {
			g.Expect(c.Outcome).To(Equal("skipped"))
		}
	}
	g.Expect(outcomes).To(HaveKeyWithValue(id, "failed"))
	g.Expect(done.Skipped).To(Equal(4))
	g.Expect(done.junit).To(ContainSubstring(`<testcase classname="versions" name="` + strings.TrimPrefix(id, "versions/") + `"`))
	g.Expect(done.junit).To(ContainSubstring("<failure message="))
}

// lossy is answers without an ETag.
type lossy struct{ http.ResponseWriter }

func (l *lossy) WriteHeader(status int) {
	l.Header().Del("ETag")
	l.ResponseWriter.WriteHeader(status)
}

// outcome is what the JSON report says, and the text of the JUnit report.
type outcome struct {
	Passed, NotApplicable, Skipped int
	Cases                          []struct{ ID, Outcome, Exchange string }
	junit                          string
}

// program runs the whole program on a server, and reads its reports.
func program(t *testing.T, on served, other suite.Target, args ...string) (exit int, out string, done outcome) {
	t.Helper()
	g := NewWithT(t)
	var text bytes.Buffer
	xmlFile, jsonFile := filepath.Join(t.TempDir(), "report.xml"), filepath.Join(t.TempDir(), "report.json")
	exit = execute(append(args, "--junit", xmlFile, "--json", jsonFile),
		environment(map[string]string{
			"SCIM_URL": on.URL, "SCIM_TOKEN": on.Token, "SCIM_OTHER_URL": other.URL, "SCIM_OTHER_TOKEN": other.Token,
			"SCIM_TOKEN_URL": on.client.TokenURL, "SCIM_CLIENT_ID": on.client.ID, "SCIM_CLIENT_SECRET": on.client.Secret,
			"SCIM_FEDERATED_CLIENT_ID": on.federated.ID, "SCIM_ASSERTION": on.federated.Assertion, "SCIM_REFUSED_ASSERTIONS": strings.Join(on.federated.Refused, " "),
		}), &text, io.Discard)
	for _, file := range []string{xmlFile, jsonFile} {
		content, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(content)).NotTo(Or(ContainSubstring(on.Token), ContainSubstring(on.client.Secret), ContainSubstring(on.federated.Assertion)))
		if file == jsonFile {
			g.Expect(json.Unmarshal(content, &done)).To(Succeed())
		} else {
			done.junit = string(content)
		}
	}
	g.Expect(text.String()).NotTo(ContainSubstring(on.Token))
	return exit, text.String(), done
}

// served is a tenant, with an OAuth client and a federated one.
type served struct {
	suite.Target
	client    suite.Client
	federated suite.Federated
}

// serve serves a tenant for an identity provider. Its answers go through spoil, if that is
// there.
func serve(t *testing.T, provider string, spoil func(http.ResponseWriter, *http.Request) http.ResponseWriter) served {
	t.Helper()
	g := NewWithT(t)
	wanted := &scimv1alpha1.ScimTenant{Spec: scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProvider(provider)}}
	settings, err := replica.SettingsOf(wanted)
	g.Expect(err).NotTo(HaveOccurred())
	token, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	secret, secretVerifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	signing, err := signingkey.Decide(nil, time.Now()).Rotate(time.Now())
	g.Expect(err).NotTo(HaveOccurred())
	tenant := server.NewTenant(memory.New(), limit.Defaults(), ratelimit.New(), slog.New(slog.DiscardHandler), accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
	tenant.Configure(settings)
	federated, trusted := federate(t, tenant)
	tenant.Accept(auth.Keys{
		verifier.KeyID: {Verifier: verifier}, secretVerifier.KeyID: {Verifier: secretVerifier, Client: "acme"}, trusted.Verifier.KeyID: trusted,
	}, func() {})
	tenant.SignWith(signing)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil != nil {
			w = spoil(w, r)
		}
		tenant.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	base := web.URL + settings.Path
	return served{suite.Target{URL: base, Token: token}, suite.Client{TokenURL: base + oauth.TokenPath, ID: "acme", Secret: secret}, federated}
}
