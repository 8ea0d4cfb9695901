package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// settings are what the command line and the environment say.
type settings struct {
	suite.Options
	run           *regexp.Regexp
	list, verbose bool
	// junit and json are files for reports; "" for none.
	junit, json string
}

// texts are what must be read further.
type texts struct{ run, skip, tokenFile, otherTokenFile, secretFile, assertionFile, refusedFile string }

// parse reads the arguments. Tokens come from files or the environment, since
// arguments are for every process to see.
func parse(args []string, getenv func(string) string, errs io.Writer) (settings, error) {
	var (
		s settings
		t texts
	)
	f := flagSet(&s, &t, getenv)
	f.SetOutput(errs)
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("there is no argument %q", f.Arg(0))
	}
	var err error
	if s.run, err = regexp.Compile(t.run); err != nil {
		return s, fmt.Errorf("--run: %w", err)
	}
	if t.skip != "" {
		if s.Skip, err = regexp.Compile(t.skip); err != nil {
			return s, fmt.Errorf("--skip: %w", err)
		}
	}
	if !slices.Contains(suite.Profiles, s.Profile) {
		return s, fmt.Errorf("--profile %q is none of %s", s.Profile, strings.Join(suite.Profiles, ", "))
	}
	if s.Parallel < 1 || s.Requests < 1 {
		return s, errors.New("--parallel and --requests must be at least 1")
	}
	if s.list {
		return s, nil
	}
	return s, s.targets(t, getenv)
}

func flagSet(s *settings, t *texts, getenv func(string) string) *flag.FlagSet {
	profile := getenv("SCIM_PROFILE")
	if profile == "" {
		profile = "Generic"
	}
	f := flag.NewFlagSet("scim-conformance", flag.ContinueOnError)
	f.StringVar(&s.Tenant.URL, "url", getenv("SCIM_URL"), "base URL of the server, as https://scim.example.com/scim/v2 (or SCIM_URL)")
	f.StringVar(&t.tokenFile, "token-file", "", "file with the bearer token (or SCIM_TOKEN has the token)")
	f.StringVar(&s.Other.URL, "other-url", getenv("SCIM_OTHER_URL"), "base URL of another tenant (or SCIM_OTHER_URL)")
	f.StringVar(&t.otherTokenFile, "other-token-file", "", "file with the other tenant's token (or SCIM_OTHER_TOKEN has it)")
	f.StringVar(&s.Client.TokenURL, "token-url", getenv("SCIM_TOKEN_URL"), "token endpoint, for the cases about access tokens (or SCIM_TOKEN_URL)")
	f.StringVar(&s.Client.ID, "client-id", getenv("SCIM_CLIENT_ID"), "client id of an OAuth client (or SCIM_CLIENT_ID)")
	f.StringVar(&t.secretFile, "client-secret-file", "", "file with its client secret (or SCIM_CLIENT_SECRET has it)")
	f.StringVar(&s.Federated.ID, "federated-client-id", getenv("SCIM_FEDERATED_CLIENT_ID"), "client id of a client that is known by assertions (or SCIM_FEDERATED_CLIENT_ID)")
	f.StringVar(&t.assertionFile, "assertion-file", "", "file with an assertion that stands for it, which outlasts the run (or SCIM_ASSERTION has it)")
	f.StringVar(&t.refusedFile, "refused-assertions-file", "", "file with assertions of the same issuer that must be refused, one a line (or SCIM_REFUSED_ASSERTIONS has them)")
	f.StringVar(&s.Profile, "profile", profile, "identity provider that the server is for (or SCIM_PROFILE): "+strings.Join(suite.Profiles, ", "))
	f.StringVar(&t.run, "run", "", "run only the cases whose group/name this regular expression matches")
	f.StringVar(&t.skip, "skip", getenv("SCIM_SKIP"), "do not run the cases whose group/name this regular expression matches (or SCIM_SKIP)")
	f.BoolVar(&s.list, "list", false, "list the cases and run none")
	f.BoolVar(&s.verbose, "v", false, "print every exchange of a case that failed, not only the one that the failure is about")
	f.StringVar(&s.junit, "junit", "", "file for a report in JUnit's XML")
	f.StringVar(&s.json, "json", "", "file for a report in JSON")
	f.IntVar(&s.Parallel, "parallel", 4, "cases that run at the same time")
	f.DurationVar(&s.RequestTimeout, "request-timeout", 15*time.Second, "longest wait for an answer")
	f.DurationVar(&s.CaseTimeout, "case-timeout", 2*time.Minute, "longest run of one case")
	f.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano())&0xffffffff, "seed of the random requests")
	f.IntVar(&s.Requests, "requests", 300, "number of random requests in all")
	f.DurationVar(&s.Slow, "slow", 5*time.Second, "longest answer to a random request that passes")
	return f
}

// targets completes the tenants with their tokens.
func (s *settings) targets(t texts, getenv func(string) string) (err error) {
	if s.Tenant.Token, err = readToken(t.tokenFile, getenv("SCIM_TOKEN")); err != nil {
		return err
	}
	if s.Tenant.URL == "" || s.Tenant.Token == "" {
		return errors.New("--url and --token-file (or SCIM_URL and SCIM_TOKEN) are needed")
	}
	if s.Other.Token, err = readToken(t.otherTokenFile, getenv("SCIM_OTHER_TOKEN")); err != nil {
		return err
	}
	if (s.Other.URL == "") != (s.Other.Token == "") {
		return errors.New("of the other tenant both the URL and the token are needed")
	}
	if err := s.clients(t, getenv); err != nil {
		return err
	}
	s.Tenant.URL = strings.TrimRight(s.Tenant.URL, "/")
	s.Other.URL = strings.TrimRight(s.Other.URL, "/")
	return nil
}

// clients completes the clients of the token endpoint with what they authenticate by.
func (s *settings) clients(t texts, getenv func(string) string) (err error) {
	if s.Client.Secret, err = readToken(t.secretFile, getenv("SCIM_CLIENT_SECRET")); err != nil {
		return err
	}
	if s.Federated.Assertion, err = readToken(t.assertionFile, getenv("SCIM_ASSERTION")); err != nil {
		return err
	}
	refused, err := readToken(t.refusedFile, getenv("SCIM_REFUSED_ASSERTIONS"))
	s.Federated.Refused = strings.Fields(refused)
	client, federated := s.Client, s.Federated
	asks := client.Secret != "" || federated.Assertion != ""
	switch {
	case err != nil:
		return err
	case (client.ID == "") != (client.Secret == ""), asks != (client.TokenURL != ""):
		return errors.New("of the OAuth client the token endpoint, the client id and the client secret are needed")
	case (federated.ID == "") != (federated.Assertion == ""), len(federated.Refused) > 0 && federated.Assertion == "":
		return errors.New("of the client that is known by assertions the token endpoint, the client id and an assertion are needed")
	}
	return nil
}

func readToken(file, fallback string) (string, error) {
	if file == "" {
		return strings.TrimSpace(fallback), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
