package main

import (
	"bytes"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/report"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// environment is one with some variables.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestExitStatus(t *testing.T) {
	g := NewWithT(t)
	g.Expect(status(report.Tally{Passed: 1})).To(Equal(exitPassed))
	g.Expect(status(report.Tally{NotApplicable: 1})).To(Equal(exitPassed))
	g.Expect(status(report.Tally{Passed: 9, Failed: 1})).To(Equal(exitFailed))
	g.Expect(status(report.Tally{})).To(Equal(exitUnknown), "a run of nothing has shown nothing")
	g.Expect(status(report.Tally{Skipped: 1})).To(Equal(exitUnknown), "a run of nothing has shown nothing")
}

func TestParse(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "token")
	g.Expect(os.WriteFile(file, []byte(" secret\n"), 0o600)).To(Succeed())
	none := environment(nil)
	s, err := parse([]string{"--url", "https://scim.example.com/v2", "--token-file", file, "--profile", "Okta", "--run", "filter", "--skip", "^hostile/"}, none, &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Tenant).To(Equal(suite.Target{URL: "https://scim.example.com/v2", Token: "secret"}))
	g.Expect(s.Skip.String()).To(Equal("^hostile/"))
	s, err = parse(nil, environment(map[string]string{"SCIM_URL": "https://scim.example.com/v2/", "SCIM_TOKEN": "t", "SCIM_OTHER_URL": "https://b.example.com/v2", "SCIM_OTHER_TOKEN": "u",
		"SCIM_SKIP": "bulk"}), &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Tenant).To(Equal(suite.Target{URL: "https://scim.example.com/v2", Token: "t"}))
	g.Expect(s.Other).To(Equal(suite.Target{URL: "https://b.example.com/v2", Token: "u"}))
	g.Expect(s.Profile).To(Equal("Generic"))
	g.Expect(s.Skip.String()).To(Equal("bulk"))
	s, err = parse(nil, environment(map[string]string{"SCIM_URL": "u", "SCIM_TOKEN": "t", "SCIM_PROFILE": "Entra"}), &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Profile).To(Equal("Entra"))
	s, err = parse([]string{"--token-url", "https://scim.example.com/v2/oauth2/token", "--client-id", "acme", "--client-secret-file", file},
		environment(map[string]string{"SCIM_URL": "u", "SCIM_TOKEN": "t"}), &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Client).To(Equal(suite.Client{TokenURL: "https://scim.example.com/v2/oauth2/token", ID: "acme", Secret: "secret"}))
	s, err = parse([]string{"--token-url", "https://scim.example.com/v2/oauth2/token", "--federated-client-id", "idp", "--assertion-file", file},
		environment(map[string]string{"SCIM_URL": "u", "SCIM_TOKEN": "t", "SCIM_REFUSED_ASSERTIONS": "a\nb\n"}), &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Federated).To(Equal(suite.Federated{ID: "idp", Assertion: "secret", Refused: []string{"a", "b"}}))
	for _, bad := range [][]string{
		{"--url", "u", "--token-file", file, "--federated-client-id", "c", "--assertion-file", file}, {"--url", "u", "--token-file", file, "--token-url", "v", "--assertion-file", file},
		{"--url", "u", "--token-file", file, "--refused-assertions-file", file},
		{}, {"--url", "https://scim.example.com"}, {"--token-file", file}, {"--url", "u", "--token-file", file + "x"}, {"--url", "u", "--token-file", file, "--profile", "Nobody"},
		{"--url", "u", "--token-file", file, "--run", "("}, {"--url", "u", "--token-file", file, "--skip", "("}, {"--url", "u", "--token-file", file, "--other-url", "v"},
		{"--url", "u", "--token-file", file, "--token-url", "v", "--client-id", "c"}, {"--url", "u", "--token-file", file, "--client-secret-file", file},
		{"--url", "u", "--token-file", file, "extra"}, {"--url", "u", "--token-file", file, "--parallel", "0"}, {"--token", "x"},
	} {
		var out, errs bytes.Buffer
		g.Expect(execute(bad, none, &out, &errs)).To(Equal(exitUnknown), "%v", bad)
		g.Expect(errs.String()).NotTo(BeEmpty())
	}
	var out bytes.Buffer
	g.Expect(execute([]string{"--list", "--run", "^attributes/.*filter$"}, none, &out, &out)).To(Equal(exitPassed))
	g.Expect(out.String()).To(ContainSubstring("attributes/attribute-names-in-any-case-in-a-filter"))
	g.Expect(out.String()).To(ContainSubstring("1 cases"))
}

// Where there is no SCIM server, or none that takes the token, there is nothing to report.
func TestNoServer(t *testing.T) {
	g := NewWithT(t)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	file := filepath.Join(t.TempDir(), "report")
	for url, says := range map[string]string{web.URL: "ServiceProviderConfig", gone.URL: gone.URL} {
		var out, errs bytes.Buffer
		g.Expect(execute([]string{"--junit", file, "--json", file}, environment(map[string]string{"SCIM_URL": url, "SCIM_TOKEN": "very-secret"}), &out, &errs)).To(Equal(exitUnknown))
		g.Expect(errs.String()).To(ContainSubstring(says))
		g.Expect(errs.String()).NotTo(ContainSubstring("very-secret"))
		g.Expect(file).NotTo(BeAnExistingFile())
	}
}

func TestReadmeNamesEveryGroupAndFlag(t *testing.T) {
	g := NewWithT(t)
	readme, err := os.ReadFile("README.md")
	g.Expect(err).NotTo(HaveOccurred())
	for _, group := range cases.All() {
		g.Expect(string(readme)).To(ContainSubstring("`"+group.Name+"`"), "the table of groups")
	}
	flagSet(&settings{}, &texts{}, environment(nil)).VisitAll(func(f *flag.Flag) {
		g.Expect(string(readme)).To(MatchRegexp("`--?%s`", f.Name))
	})
}
