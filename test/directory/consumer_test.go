package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/api/directory"
	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// What the test hands to the program that it starts.
const (
	consumerFolder     = "KUBESCIM_TEST_CONSUMER"
	consumerNamespace  = "KUBESCIM_TEST_NAMESPACE"
	consumerKubeconfig = "KUBESCIM_TEST_KUBECONFIG"
)

// system is what a consumer keeps in step with a tenant: a file for each user and each group, in a folder. It is what
// remains of the consumer when it is killed.
type system struct{ folder string }

// row is what is in a file.
type row struct {
	UserName string   `json:"userName,omitempty"`
	Active   bool     `json:"active,omitempty"`
	Revision uint64   `json:"revision,omitempty"`
	Members  []string `json:"members,omitempty"`
}

func newSystem(folder string) (*system, error) {
	for _, kind := range []string{"users", "groups"} {
		if err := os.MkdirAll(filepath.Join(folder, kind), 0o700); err != nil {
			return nil, err
		}
	}
	return &system{folder: folder}, nil
}

// consume is the program: it runs until it is told to end, or killed. One of twenty callbacks fails.
func consume(folder string) error {
	connection, err := clientcmd.BuildConfigFromFlags("", os.Getenv(consumerKubeconfig))
	if err != nil {
		return err
	}
	s, err := newSystem(folder)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return s.run(ctx, connection, os.Getenv(consumerNamespace), func() error {
		if rand.IntN(20) == 0 {
			return errors.New("it fails by chance")
		}
		return nil
	})
}

// run keeps the system in step until the context is done.
func (s *system) run(ctx context.Context, connection *rest.Config, namespace string, chance func() error) error {
	d, err := directory.New(directory.Options{
		Config: connection, Namespace: namespace, Tenant: "acme", Cursor: directory.File(s.cursor()),
		OnUser: func(_ context.Context, change directory.Change[scimv1alpha1.ScimUser]) error {
			return errors.Join(chance(), s.onUser(change))
		},
		OnGroup: func(_ context.Context, change directory.Change[directory.Group]) error {
			return errors.Join(chance(), s.onGroup(change))
		},
		Resync: func(_ context.Context, there directory.IDs) error {
			return errors.Join(chance(), s.resync(there))
		},
	})
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

func (s *system) cursor() string { return filepath.Join(s.folder, "cursor") }

func (s *system) path(kind, id string) string { return filepath.Join(s.folder, kind, id) }

// note adds a line to a file about what has happened.
func (s *system) note(file, text string) error {
	to, err := os.OpenFile(filepath.Join(s.folder, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(to, text)
	return errors.Join(err, to.Close())
}

func (s *system) onUser(change directory.Change[scimv1alpha1.ScimUser]) error {
	if change.After == nil {
		return s.remove("users", change.ID)
	}
	revision, err := strconv.ParseUint(change.After.ResourceVersion, 10, 64)
	if err != nil {
		return err
	}
	if former, err := s.read("users", change.ID); err == nil && former.Revision > revision {
		return s.note("backwards", change.ID)
	}
	return s.write("users", change.ID, row{UserName: change.After.Spec.UserName, Active: *change.After.Spec.Active, Revision: revision})
}

func (s *system) onGroup(change directory.Change[directory.Group]) error {
	if change.After == nil {
		return s.remove("groups", change.ID)
	}
	return s.write("groups", change.ID, row{Members: change.After.Members})
}

func (s *system) resync(there directory.IDs) error {
	for kind, ids := range map[string][]string{"users": there.Users, "groups": there.Groups} {
		files, err := os.ReadDir(filepath.Join(s.folder, kind))
		if err != nil {
			return err
		}
		for _, file := range files {
			if !slices.Contains(ids, file.Name()) {
				if err := s.remove(kind, file.Name()); err != nil {
					return err
				}
			}
		}
	}
	return s.note("resyncs", "once more")
}

func (s *system) remove(kind, id string) error {
	if err := os.Remove(s.path(kind, id)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *system) read(kind, id string) (r row, err error) {
	text, err := os.ReadFile(s.path(kind, id))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// write writes a file as a whole, or not at all.
func (s *system) write(kind, id string, r row) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	next := filepath.Join(s.folder, "next")
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.path(kind, id))
}

// all are the rows of a kind, by id.
func (s *system) all(kind string) (map[string]row, error) {
	files, err := os.ReadDir(filepath.Join(s.folder, kind))
	if err != nil {
		return nil, err
	}
	rows := map[string]row{}
	for _, file := range files {
		r, err := s.read(kind, file.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // It has just gone.
		}
		if err != nil {
			return nil, err
		}
		rows[file.Name()] = r
	}
	return rows, nil
}
