package transfer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
)

const aboutImport = `Make the users, groups and members of a file that 'kubectl scim export' has written, for a tenant, with the
ids that they had: an identity provider goes on with them.

Those that are there already stay as they are, so that an import which was interrupted is simply
run again. The tenant must not be served meanwhile: apply it afterwards, or pause it.

Users are otherwise written by the tenant's server alone: break glass, with --as and --as-group
(docs/break-glass.md).`

const exampleImport = `  kubectl scim pause acme -n acme
  kubectl scim import acme -n acme --file=acme.ndjson \
    --as=scim.kubescim.dev:break-glass --as-group=scim.kubescim.dev:break-glass
  kubectl scim resume acme -n acme`

// writersAtOnce is how many objects are made at a time.
const writersAtOnce = 8

// NewImport is the command `import`.
func NewImport(f *command.Factory) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:               "import TENANT --file=FILE",
		Short:             "Make the users and groups of a file, with the ids that they had",
		Long:              aboutImport,
		Example:           exampleImport,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if path == "" {
				return command.Mistake(cmd, errors.New("--file is missing: name a file that 'kubectl scim export' has written"))
			}
			file, err := os.Open(path) //nolint:gosec // The user says which file.
			if err != nil {
				return fmt.Errorf("opening the file: %w", err)
			}
			defer file.Close() //nolint:errcheck // It was read, and not written.
			c, namespace, err := f.Cluster()
			if err != nil {
				return err
			}
			i := importer{client: c, namespace: namespace, tenant: args[0], errs: f.Streams.ErrOut}
			if err := i.checkTenant(cmd.Context()); err != nil {
				return err
			}
			if err := i.read(cmd.Context(), file); err != nil {
				return fmt.Errorf("%w. %s; run it again once that is mended: those that are there are left as they are", err, made(i.made.Load()))
			}
			fmt.Fprintf(f.Streams.Out, "%s for the tenant %s, and %s.\n", made(i.made.Load()), i.tenant, wasThere(i.there.Load()))
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "file", "", "file that 'kubectl scim export' has written (required)")
	return cmd
}

// made says how many objects were made.
func made(count int64) string {
	if count == 1 {
		return "1 object was made"
	}
	return fmt.Sprintf("%d objects were made", count)
}

// wasThere says how many objects were there before.
func wasThere(count int64) string {
	if count == 1 {
		return "1 was there already"
	}
	return fmt.Sprintf("%d were there already", count)
}

// importer makes objects for a tenant.
type importer struct {
	client            client.Client
	namespace, tenant string
	errs              io.Writer
	made, there       atomic.Int64
	// last is the line before, and names are who has which name.
	last  *record
	names names
}

// checkTenant refuses a tenant that is served: its identity provider would make anew, under other
// ids, whoever has not come back yet.
func (i *importer) checkTenant(ctx context.Context) error {
	t := &scimv1alpha1.ScimTenant{}
	err := i.client.Get(ctx, client.ObjectKey{Namespace: i.namespace, Name: i.tenant}, t)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		fmt.Fprintf(i.errs, "you may not see whether ScimTenant %s is served: it must be paused, or not be there yet\n", i.tenant)
		return nil
	case err != nil:
		return command.Failed("reading ScimTenant "+i.tenant, command.RoleTenantViewer, err)
	case t.State() != scimv1alpha1.TenantStatePaused || t.Status.State != scimv1alpha1.TenantStatePaused:
		return fmt.Errorf("ScimTenant %q is served, and its identity provider would make those anew who are not back yet: 'kubectl scim pause %[1]s -n %s' first", i.tenant, i.namespace)
	default:
		return nil
	}
}

// read makes the objects of all lines. A line is made when all before it are, or are being made.
func (i *importer) read(ctx context.Context, from io.Reader) error {
	i.names = names{}
	if err := i.names.gather(ctx, i.client, i.namespace, i.tenant); err != nil {
		return err
	}
	writers, ctx := errgroup.WithContext(ctx)
	writers.SetLimit(writersAtOnce)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longestLine)
	err := i.eachLine(ctx, lines, func(number int, object client.Object) {
		writers.Go(func() error {
			if err := i.create(ctx, object); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			return nil
		})
	})
	// What a writer found wrong ended the reading.
	if wrong := writers.Wait(); wrong != nil {
		return wrong
	}
	return err
}

func (i *importer) eachLine(ctx context.Context, lines *bufio.Scanner, yield func(number int, object client.Object)) error {
	number := 0
	for lines.Scan() && ctx.Err() == nil {
		number++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		object, err := i.object(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		yield(number, object)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading line %d: %w", number+1, err)
	}
	return ctx.Err()
}

// object returns the object of a line, which is one of an export: each is there once, in their order, and no two
// have one name.
func (i *importer) object(line []byte) (client.Object, error) {
	found, err := parse(line)
	if err != nil {
		return nil, err
	}
	if i.last != nil && !found.after(i.last) {
		return nil, fmt.Errorf("%s %s does not come after the %s %s of the line before: an export has each object once, in the order of their ids",
			found.Kind, found.Metadata.Name, i.last.Kind, i.last.Metadata.Name)
	}
	i.last = &found
	object, err := found.object(i.namespace, i.tenant)
	if err != nil {
		return nil, err
	}
	return object, i.names.add(object)
}

func (i *importer) create(ctx context.Context, object client.Object) error {
	err := i.client.Create(ctx, object)
	if apierrors.IsAlreadyExists(err) {
		return i.isThere(ctx, object)
	}
	if err != nil {
		return command.Failed("making "+object.GetName(), "", err)
	}
	if made := i.made.Add(1); made%progressEvery == 0 {
		fmt.Fprintf(i.errs, "%d objects made\n", made)
	}
	return nil
}

// isThere checks that an object which is there already is of the tenant.
func (i *importer) isThere(ctx context.Context, object client.Object) error {
	if err := i.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return command.Failed("reading "+object.GetName()+", which is there already", command.RoleUserViewer, err)
	}
	if whose := tenantOf(object); whose != i.tenant {
		return fmt.Errorf("%s is there already, and of the tenant %q: import into another namespace", object.GetName(), whose)
	}
	i.there.Add(1)
	return nil
}
