package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
)

const (
	// pageSize is how many objects are read, and in memory, at a time.
	pageSize = 500
	// progressEvery is after how many objects progress is reported.
	progressEvery = 5000
	// longestLine is more than an object can have in etcd.
	longestLine = 4 << 20
)

const aboutExport = `Write the users, groups and members of a tenant into a new file, one JSON object for each line, with
their ids. 'kubectl scim import' makes them again, in this cluster or another one.

The file has personal data, and you alone can read it. Where it is cut off, --resume goes on after
its last line. What changes meanwhile may be in it or not: pause the tenant for a state of one
moment.`

const exampleExport = `  kubectl scim export acme -n acme --file=acme.ndjson

  # After it was interrupted
  kubectl scim export acme -n acme --file=acme.ndjson --resume`

// NewExport is the command `export`.
func NewExport(f *command.Factory) *cobra.Command {
	var (
		file    string
		resumes bool
	)
	cmd := &cobra.Command{
		Use:               "export TENANT --file=FILE",
		Short:             "Write the users and groups of a tenant into a file",
		Long:              aboutExport,
		Example:           exampleExport,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return command.Mistake(cmd, errors.New("--file is missing: name a file that is made, for example --file=acme.ndjson"))
			}
			c, namespace, err := f.Cluster()
			if err != nil {
				return err
			}
			e := exporter{client: c, namespace: namespace, tenant: args[0], errs: f.Streams.ErrOut}
			if err := e.intoFile(cmd.Context(), file, resumes); err != nil {
				return err
			}
			fmt.Fprintf(f.Streams.Out, "%s has %d objects of the tenant %s.\n", file, e.count, e.tenant)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "file that is made (required)")
	cmd.Flags().BoolVar(&resumes, "resume", false, "go on with a file that is there")
	return cmd
}

// exporter writes the objects of a tenant.
type exporter struct {
	client            client.Client
	namespace, tenant string
	errs              io.Writer

	out *bufio.Writer
	// last is the last line that was there before; nil for none.
	last *record
	// count is how many lines there are.
	count int
}

// intoFile writes into a file, or goes on with one.
func (e *exporter) intoFile(ctx context.Context, path string, resumes bool) error {
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	if resumes {
		flags = os.O_RDWR
	}
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // The user says which file.
	switch {
	case os.IsExist(err):
		return fmt.Errorf("%s is there already, and is not overwritten: name another file, or go on with it by --resume", path)
	case err != nil:
		return fmt.Errorf("opening the file: %w", err)
	}
	err = e.write(ctx, file)
	err = errors.Join(err, file.Close())
	switch {
	case err == nil:
		return nil
	case e.count == 0 && !resumes:
		return errors.Join(err, os.Remove(path))
	case e.out == nil: // The file could not be gone on with.
		return err
	default:
		return fmt.Errorf("%w. With --resume, it goes on after the %d objects that are in %s", err, e.count, path)
	}
}

func (e *exporter) write(ctx context.Context, file *os.File) error {
	if err := e.skip(file); err != nil {
		return err
	}
	before := e.count
	e.out = bufio.NewWriter(file)
	err := e.each(ctx)
	if err := errors.Join(err, e.out.Flush(), file.Sync()); err != nil {
		return err
	}
	if e.count == 0 && before == 0 {
		// A tenant that is gone may have left its users; one that never was is a mistake.
		_, err := command.Tenant(ctx, e.client, e.namespace, e.tenant)
		return err
	}
	return nil
}

// skip reads the lines that are there, and cuts off one that is not whole.
func (e *exporter) skip(file *os.File) error {
	var whole int64
	lines := bufio.NewReaderSize(file, 1<<16)
	for {
		line, err := nextLine(lines)
		if errors.Is(err, io.EOF) {
			if !isCutOff(line) {
				return fmt.Errorf("the end of the file, after %d lines, is none of this export: nothing was written, name another file", e.count)
			}
			break
		}
		if err != nil {
			return fmt.Errorf("reading line %d of the file: %w", e.count+1, err)
		}
		found, err := parse(bytes.TrimSpace(line))
		if err == nil && found.tenant() != e.tenant {
			err = fmt.Errorf("it is of the tenant %q", found.tenant())
		}
		if err != nil {
			return fmt.Errorf("line %d of the file is none of this export: %w", e.count+1, err)
		}
		whole += int64(len(line))
		e.last = &found
		e.count++
	}
	if err := file.Chmod(0o600); err != nil {
		return fmt.Errorf("making the file one that you alone can read: %w", err)
	}
	if err := file.Truncate(whole); err != nil {
		return fmt.Errorf("cutting off the last line of the file: %w", err)
	}
	if _, err := file.Seek(whole, io.SeekStart); err != nil {
		return fmt.Errorf("going to the end of the file: %w", err)
	}
	return nil
}

// nextLine reads a line; io.EOF with what stands behind the last one.
func nextLine(lines *bufio.Reader) (line []byte, err error) {
	for {
		part, err := lines.ReadSlice('\n')
		if line = append(line, part...); len(line) > longestLine {
			return nil, fmt.Errorf("it is longer than the %d bytes that one of an export can have", longestLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// isCutOff reports whether a text can be a line of which the end was not written. Anything else is somebody's, and
// not to be cut off.
func isCutOff(text []byte) bool {
	const begins = `{"kind":"Scim`
	return strings.HasPrefix(begins, string(text)) || strings.HasPrefix(string(text), begins)
}

// each writes the objects of all kinds.
func (e *exporter) each(ctx context.Context) error {
	lists := []func() client.ObjectList{
		func() client.ObjectList { return &scimv1alpha1.ScimUserList{} },
		func() client.ObjectList { return &scimv1alpha1.ScimGroupList{} },
		func() client.ObjectList { return &scimv1alpha1.ScimGroupMembersList{} },
	}
	for i, newList := range lists {
		if err := e.eachOf(ctx, kinds[i], newList); err != nil {
			return err
		}
	}
	return nil
}

// eachOf writes the objects of one kind.
func (e *exporter) eachOf(ctx context.Context, kind string, newList func() client.ObjectList) error {
	var written error
	err := eachPage(ctx, e.client, e.namespace, e.tenant, newList, func(list client.ObjectList) error {
		written = meta.EachListItem(list, func(item runtime.Object) error {
			object := item.(client.Object)
			if command.IsMarker(object) {
				return nil // It stands for nobody.
			}
			return e.line(kind, object)
		})
		return written
	})
	switch {
	case written != nil:
		return written
	case apierrors.IsResourceExpired(err):
		return fmt.Errorf("listing %ss took longer than the API server keeps a state: %w", kind, err)
	default:
		return command.Failed("listing "+kind+"s", command.RoleUserViewer, err)
	}
}

// line writes one object, unless it is in the file already.
func (e *exporter) line(kind string, object client.Object) error {
	made, err := recordOf(kind, object)
	if err != nil {
		return err
	}
	if e.last != nil && !made.after(e.last) {
		return nil
	}
	text, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", kind, object.GetName(), err)
	}
	if _, err := e.out.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing into the file: %w", err)
	}
	e.count++
	if e.count%progressEvery == 0 {
		fmt.Fprintf(e.errs, "%d objects\n", e.count)
	}
	return nil
}
