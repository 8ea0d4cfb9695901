// Command session provisions users and groups into two tenants with the very requests that Microsoft Entra ID and
// Okta send, and shows each request and its answer. It may be run again: like an identity provider, it looks for
// what is there before it creates anything.
//
// The environment names the tenants, as .quickstart/env does: SCIM_URL and SCIM_TOKEN for the one that Entra ID
// provisions into, SCIM_URL_B and SCIM_TOKEN_B for Okta's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// deadline bounds the whole session.
const deadline = 2 * time.Minute

func main() {
	if err := run(context.Background(), os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "session:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	acme := &client{out: out, url: getenv("SCIM_URL"), token: getenv("SCIM_TOKEN"), blank: "+"}
	// Okta names itself; Entra ID's connection test does not.
	globex := &client{out: out, url: getenv("SCIM_URL_B"), token: getenv("SCIM_TOKEN_B"), userAgent: "Okta SCIM Client 1.0.0", blank: "%20"}
	for _, c := range []*client{acme, globex} {
		if c.url == "" || c.token == "" {
			return errors.New("the URLs and tokens are not set; run: source .quickstart/env")
		}
	}
	if err := entra(ctx, acme); err != nil {
		return fmt.Errorf("provisioning as Microsoft Entra ID: %w", err)
	}
	if err := okta(ctx, globex); err != nil {
		return fmt.Errorf("provisioning as Okta: %w", err)
	}
	return nil
}
