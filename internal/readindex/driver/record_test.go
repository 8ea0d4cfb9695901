package driver_test

import (
	"context"
	"strconv"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
)

// record is the store of a replica as far as the driver sees it: what was
// acknowledged to clients.
type record struct {
	client    client.Client
	namespace string

	mu     sync.Mutex
	known  readindex.Revisions
	void   readindex.Revisions // Until the next Raise.
	latest int                 // How often Latest was called.
	// restarts counts calls to Restart.
	restarts int
	// once, if set, is called when Revisions has been read the next time, before it is
	// returned.
	once func()
}

func (r *record) Revisions() readindex.Revisions {
	r.mu.Lock()
	read, then := r.known.Max(r.void), r.once
	r.once = nil
	r.mu.Unlock()
	if then != nil {
		then()
	}
	return read
}

// onceRead has something happen between the next reading of Revisions and what follows it.
func (r *record) onceRead(then func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.once = then
}

func (r *record) Raise(m readindex.Revisions) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.void = r.known.Max(m), readindex.Revisions{}
}

func (r *record) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.void, r.known = r.void.Max(r.known), readindex.Revisions{}
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

// acknowledge notes that a client was told of a user with the resourceVersion.
func (r *record) acknowledge(revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = r.known.Max(acknowledged(revision))
}

func acknowledged(revision uint64) readindex.Revisions {
	return readindex.Revisions{readindex.Users: revision}
}

// users returns at which revision of the users a replica reads.
func users(ctx context.Context, r *replica) (uint64, error) {
	revisions, err := r.ReadIndex(ctx)
	return revisions[readindex.Users], err
}
