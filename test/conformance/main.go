// Command conformance checks a SCIM 2.0 server over HTTP (RFC 7643, RFC 7644, RFC
// 9865), and how it copes with what identity providers really send.
//
// It needs the base URL of a tenant and a bearer token, and works on a server in
// use: every case makes resources of its own, with random names under example.com,
// and deletes them.
//
//	go run ./test/conformance --url https://scim.example.com/scim/v2 --token-file token
//
// A case passes, fails, or is not applicable: the latter only where the server's own
// ServiceProviderConfig says that it does not do something, and then the case
// checks that this is the truth, or where no second tenant was given. The exit
// status is 1 when a case failed, and 2 when the suite could not run.
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
)

// Statuses of the process.
const (
	exitPassed  = 0
	exitFailed  = 1
	exitUnknown = 2
)

// options are what the command line and the environment say.
type options struct {
	main, other    target
	profile        string
	run            *regexp.Regexp
	list, verbose  bool
	parallel       int
	requestTimeout time.Duration
	caseTimeout    time.Duration
	seed           uint64
	requests       int
	slow           time.Duration
}

// target is one tenant of the server under test.
type target struct{ url, token string }

// profiles are the identity providers whose ways can be asked for. Generic is the
// RFC.
var profiles = []string{"Generic", "Entra", "Okta", "JumpCloud", "OneLogin", "PingOne", "Authentik", "Keycloak"}

func main() {
	os.Exit(execute(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// execute is the whole program, and returns its exit status.
func execute(args []string, getenv func(string) string, out, errs io.Writer) int {
	o, err := parse(args, getenv, errs)
	if errors.Is(err, flag.ErrHelp) {
		return exitPassed
	}
	if err != nil {
		fmt.Fprintln(errs, "conformance:", err)
		return exitUnknown
	}
	groups := selectCases(allGroups(), o.run)
	if o.list {
		printList(out, groups)
		return exitPassed
	}
	s, err := newSuite(o)
	if err != nil {
		fmt.Fprintln(errs, "conformance:", err)
		return exitUnknown
	}
	fmt.Fprintf(out, "%s, profile %s, seed %d\n", o.main.url, o.profile, o.seed)
	var total tally
	for _, g := range groups {
		results := s.run(g)
		printGroup(out, g, results)
		printFailures(out, results, o.verbose)
		total = total.plus(count(results))
	}
	printSummary(out, total)
	return total.status()
}

// parse reads the arguments. Tokens come from files or the environment, since
// arguments are for every process to see.
func parse(args []string, getenv func(string) string, errs io.Writer) (options, error) {
	var (
		o                     options
		tokenFile, otherToken string
		run                   string
	)
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.main.url, "url", getenv("SCIM_URL"), "base URL of the tenant, as https://scim.example.com/scim/v2 (or SCIM_URL)")
	f.StringVar(&tokenFile, "token-file", "", "file with the bearer token (or SCIM_TOKEN has the token)")
	f.StringVar(&o.other.url, "other-url", getenv("SCIM_URL_B"), "base URL of another tenant (or SCIM_URL_B)")
	f.StringVar(&otherToken, "other-token-file", "", "file with the other tenant's token (or SCIM_TOKEN_B has it)")
	f.StringVar(&o.profile, "profile", "Generic", "identity provider that the tenant is for: "+strings.Join(profiles, ", "))
	f.StringVar(&run, "run", "", "run the cases whose group/id or name this regular expression matches")
	f.BoolVar(&o.list, "list", false, "list the cases and run none")
	f.BoolVar(&o.verbose, "v", false, "print every exchange of a case that failed, not only the last one")
	f.IntVar(&o.parallel, "parallel", 4, "cases that run at the same time")
	f.DurationVar(&o.requestTimeout, "request-timeout", 15*time.Second, "longest wait for an answer")
	f.DurationVar(&o.caseTimeout, "case-timeout", 2*time.Minute, "longest run of one case")
	f.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano())&0xffffffff, "seed of the hostile requests")
	f.IntVar(&o.requests, "requests", 300, "number of hostile requests in all")
	f.DurationVar(&o.slow, "slow", 5*time.Second, "longest answer to a hostile request that passes")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("there is no argument %q", f.Arg(0))
	}
	var err error
	if o.run, err = regexp.Compile(run); err != nil {
		return o, fmt.Errorf("--run: %w", err)
	}
	if !slices.Contains(profiles, o.profile) {
		return o, fmt.Errorf("--profile %q is none of %s", o.profile, strings.Join(profiles, ", "))
	}
	if o.parallel < 1 || o.requests < 1 {
		return o, errors.New("--parallel and --requests must be at least 1")
	}
	if o.list {
		return o, nil
	}
	return o, o.targets(tokenFile, otherToken, getenv)
}

// targets completes the tenants with their tokens.
func (o *options) targets(tokenFile, otherToken string, getenv func(string) string) (err error) {
	if o.main.token, err = readToken(tokenFile, getenv("SCIM_TOKEN")); err != nil {
		return err
	}
	if o.main.url == "" || o.main.token == "" {
		return errors.New("--url and --token-file (or SCIM_URL and SCIM_TOKEN) are needed")
	}
	if o.other.token, err = readToken(otherToken, getenv("SCIM_TOKEN_B")); err != nil {
		return err
	}
	if (o.other.url == "") != (o.other.token == "") {
		return errors.New("of the other tenant both the URL and the token are needed")
	}
	o.main.url = strings.TrimRight(o.main.url, "/")
	o.other.url = strings.TrimRight(o.other.url, "/")
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
