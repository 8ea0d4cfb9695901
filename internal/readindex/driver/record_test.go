package driver_test

import (
	"context"
	"strconv"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
)

var tenantOfTest = readindex.TenantOf(tenantName)

// record is the store of a replica as far as the driver sees it: what was
// acknowledged to clients.
type record struct {
	client    client.Client
	namespace string

	marks *readindex.Marks

	mu     sync.Mutex
	latest int // How often Latest was called.
	// restarts counts calls to Restart.
	restarts int
}

func newRecord(live client.Client, namespace string) *record {
	return &record{client: live, namespace: namespace, marks: readindex.NewMarks()}
}

func (r *record) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.restarts++
}

// restarted returns how often everything was begun anew.
func (r *record) restarted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.restarts
}

func (r *record) Latest(ctx context.Context) (readindex.Revisions, error) {
	users := &scimv1alpha1.ScimUserList{}
	if err := r.client.List(ctx, users, client.InNamespace(r.namespace), client.Limit(1)); err != nil {
		return readindex.Revisions{}, err
	}
	revision, err := strconv.ParseUint(users.ResourceVersion, 10, 64)
	if err != nil {
		return readindex.Revisions{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest++
	return acknowledged(revision), nil
}

// asked returns how often the API server was asked how new everything is.
func (r *record) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

// acknowledge notes that a client is about to be told of a user with the resourceVersion.
func (r *record) acknowledge(revision uint64) { r.marks.Raise(tenantOfTest, readindex.Users, revision) }

func acknowledged(revision uint64) readindex.Revisions {
	return readindex.Revisions{readindex.Users: revision}
}

// users returns at which revision of the users a replica reads.
func users(ctx context.Context, r *replica) (uint64, error) {
	revisions, err := r.ReadIndex(ctx, tenantOfTest)
	return revisions[readindex.Users], err
}
