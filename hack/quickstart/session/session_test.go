package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// serve runs a SCIM server for the identity provider and returns its URL and a token.
func serve(t *testing.T, provider string) (url, token string) {
	t.Helper()
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	profile, known := idp.Lookup(provider)
	if !known {
		t.Fatalf("there is no profile %s", provider)
	}
	token, verifier, err := apikey.Mint()
	if err != nil {
		t.Fatal(err)
	}
	tenant := server.NewTenant(memory.New(), limit.Defaults(), ratelimit.New(), slog.New(slog.DiscardHandler),
		accesslog.NewMetrics(prometheus.NewRegistry(), provider))
	tenant.Configure(exchange.Settings{Path: "/scim/v2", Profile: profile, Registry: registry})
	tenant.Accept(auth.Keys{verifier.KeyID: {Verifier: verifier}}, func() {})
	listening := httptest.NewServer(tenant)
	t.Cleanup(listening.Close)
	return listening.URL + "/scim/v2", token
}

// environment is that of a session against two new servers.
func environment(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	env["SCIM_URL"], env["SCIM_TOKEN"] = serve(t, "Entra")
	env["SCIM_URL_B"], env["SCIM_TOKEN_B"] = serve(t, "Okta")
	return env
}

func TestSessionCanBeRepeated(t *testing.T) {
	env := environment(t)
	for range 2 {
		var out bytes.Buffer
		if err := run(context.Background(), &out, func(name string) string { return env[name] }); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		for _, said := range []string{
			`"userName":"bob.keller@acme.example.com","active":false}`,
			`"userName":"dan.novak@globex.example.com","active":false}`,
			`"displayName":"Engineering","members":[{"value":"`,
		} {
			if !strings.Contains(out.String(), said) {
				t.Errorf("%s is not shown:\n%s", said, &out)
			}
		}
		for _, secret := range []string{env["SCIM_TOKEN"], env["SCIM_TOKEN_B"]} {
			if strings.Contains(out.String(), secret) {
				t.Error("the output has a token")
			}
		}
	}
}

func TestSessionFails(t *testing.T) {
	for name, change := range map[string]func(env map[string]string){
		"without a token":     func(env map[string]string) { delete(env, "SCIM_TOKEN_B") },
		"with a wrong token":  func(env map[string]string) { env["SCIM_TOKEN"] = "kscim_wrong" },
		"with a wrong URL":    func(env map[string]string) { env["SCIM_URL"] += "/wrong" },
		"with another tenant": func(env map[string]string) { env["SCIM_URL_B"] = env["SCIM_URL"] },
	} {
		t.Run(name, func(t *testing.T) {
			env := environment(t)
			change(env)
			var out bytes.Buffer
			if err := run(context.Background(), &out, func(name string) string { return env[name] }); err == nil {
				t.Errorf("the session ended well:\n%s", &out)
			}
		})
	}
}

func TestShort(t *testing.T) {
	long := strings.Repeat("ü", shown+1)
	for body, expected := range map[string]string{"": "", "{}": "{}", long: strings.Repeat("ü", shown) + "…"} {
		if got := short([]byte(body)); got != expected {
			t.Errorf("short(%q) is %q, expected %q", body, got, expected)
		}
	}
}
