package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const about = `Send to a tenant what its identity provider sends, and report how each request was answered: a user
kubescim-test@example.com and a group kubescim-test are made, changed and taken away again. Under
spec.users.onDelete Deactivate, the user is kept, as those are whom the provider deletes, and the next
test has it back; under onRecreate Conflict, which has nobody back, each test has a user of another name.

The token comes from the Secret of the tenant's key, or a file, and is not printed. The URL is the tenant's own; one that is
for the cluster alone is called by a port-forward, with --url.`

const example = `  # As Okta would
  kubectl scim test globex -n globex

  # With another token, through a port-forward
  kubectl port-forward -n acme service/acme-scim 8080:80 &
  kubectl scim test acme -n acme --provider=Entra --token-file=acme.token --url=http://localhost:8080/scim/v2`

// options are what the command line says.
type options struct {
	command.ConnectionFlags
	tokenFile, url string
}

// New is the command.
func New(f *command.Factory) *cobra.Command {
	var (
		o      options
		format output.Format
	)
	cmd := &cobra.Command{
		Use:               "test TENANT",
		Short:             "Send to a tenant what its identity provider sends",
		Long:              about,
		Example:           example,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, tenant, err := f.Tenant(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			results, err := o.run(cmd.Context(), c, tenant)
			if err != nil {
				return err
			}
			if err := printResults(f, results, format); err != nil {
				return err
			}
			sayWhoIsKept(f, tenant, results, format)
			return failure(results)
		},
	}
	o.AddTo(f, cmd, command.KnownProviders(sessions), "ScimApiKey whose token is used, where the tenant has several")
	cmd.Flags().StringVar(&o.tokenFile, "token-file", "", "file with the token, in place of the key's Secret")
	cmd.Flags().StringVar(&o.url, "url", "", "base URL, if it is not the one of the tenant, such as that of a port-forward")
	format.AddFlag(cmd)
	return cmd
}

// run plays the session of the provider.
func (o *options) run(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant) ([]Result, error) {
	provider, err := o.ProviderOf(tenant)
	if err != nil {
		return nil, err
	}
	base, err := o.baseURL(tenant)
	if err != nil {
		return nil, err
	}
	token, err := o.token(ctx, c, tenant, base)
	if err != nil {
		return nil, err
	}
	return newPlayer(base, token, nameFor(tenant)).play(ctx, sessions[provider]()), nil
}

// nameFor is the name of the group of a session, and the begin of that of the user: the same in every
// session, so that there is one user at the most who is kept, but where nobody comes back.
func nameFor(tenant *scimv1alpha1.ScimTenant) string {
	const name = "kubescim-test"
	if keeps(tenant) && tenant.UserRecreation() == scimv1alpha1.UserRecreationConflict {
		return name + "-" + strings.ToLower(rand.Text()[:10])
	}
	return name
}

// baseURL returns the URL to call. A token does not travel in the clear, but to a port-forward and
// within a network of one's own.
func (o *options) baseURL(tenant *scimv1alpha1.ScimTenant) (string, error) {
	base := o.url
	if base == "" {
		base = tenant.Status.URL
	}
	if base == "" {
		return "", fmt.Errorf("ScimTenant %q has no URL yet: 'kubectl scim status %[1]s -n %s' says why", tenant.Name, tenant.Namespace)
	}
	parsed, err := url.Parse(base)
	switch {
	case err != nil, parsed.Host == "", parsed.Scheme != "https" && parsed.Scheme != "http":
		return "", fmt.Errorf("%q is no URL that can be called: write it like https://acme.scim.example.com/scim/v2", base)
	case parsed.Scheme == "http" && o.url == "":
		return "", fmt.Errorf("%s is a URL inside the cluster: run 'kubectl port-forward -n %s service/%s 8080:80', and name it with --url=http://localhost:8080%s",
			base, tenant.Namespace, strings.Split(parsed.Hostname(), ".")[0], parsed.Path)
	case parsed.Scheme == "http" && !isNear(parsed.Hostname()):
		return "", errors.New("--url must begin with https: the token would travel in the clear. http is for a port-forward to localhost")
	default:
		return base, nil
	}
}

// isNear reports whether a host is this one, or in a network of one's own.
func isNear(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}

// token returns what requests are sent with.
func (o *options) token(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant, base string) (string, error) {
	if o.tokenFile != "" {
		text, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	key, err := command.KeyOf(ctx, c, tenant, o.Key)
	if err != nil {
		return "", err
	}
	if key == nil {
		return "", fmt.Errorf("ScimTenant %q has no key: make one with 'kubectl scim key create %[1]s NAME -n %s', or name a file with --token-file", tenant.Name, tenant.Namespace)
	}
	return tokenOf(ctx, c, key, base)
}
