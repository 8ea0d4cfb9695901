package replica

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/server/auth"
)

// readTimeout bounds the reading of keys, for which every other change waits.
const readTimeout = 5 * time.Second

type (
	tenants     = selection[scimv1alpha1.ScimTenant, *scimv1alpha1.ScimTenant]
	apiKeys     = selection[scimv1alpha1.ScimApiKey, *scimv1alpha1.ScimApiKey]
	credentials = selection[scimv1alpha1.ScimCredential, *scimv1alpha1.ScimCredential]
)

// acceptance knows what decides which tokens are accepted: the ScimTenant, its ScimApiKeys
// and the ScimCredentials of its namespace. Each comes by a watch of its own, which may be
// behind the others: at every change, all is decided anew by what is known.
//
// Whoever waits until a ScimCredential is acknowledged takes its token for good. So its
// ScimApiKey, which is older, is read at the API server before, whatever the watch of keys
// has brought so far. Nothing else has to be read: what refuses a token does so when it
// comes.
type acceptance struct {
	apiKeys     *apiKeys
	credentials *credentials
	log         *slog.Logger
	// accept is told the tokens that are accepted, by the ScimCredentials of the revision,
	// which is one of the history.
	accept func(keys auth.Keys, revision string, history uint64)
	// explain is told the tokens that are accepted no more.
	explain func(map[string]apikey.Ended)
	// historyNow is how often the history of resourceVersions was rewritten.
	historyNow func() uint64

	// mu is held while keys are read, so that those that are read later are newer.
	mu     sync.Mutex
	tenant *scimv1alpha1.ScimTenant // nil until it is known
	// keys are by name; nil until they are known. listed is of when all were read.
	keys   map[string]*scimv1alpha1.ScimApiKey
	listed string
	// issued are the ScimCredentials by name; nil until they are known. revision is how
	// far they go, and how far is acknowledged.
	issued   map[string]*scimv1alpha1.ScimCredential
	revision string
	// history is what historyNow was before the ScimCredentials were listed.
	history  uint64
	accepted auth.Keys // last
}

// configure takes note of the ScimTenant.
func (a *acceptance) configure(tenant *scimv1alpha1.ScimTenant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tenant = tenant
	a.decide()
}

// listKeys reads all keys of the tenant.
func (a *acceptance) listKeys(ctx context.Context) (revision string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.readKeys(ctx); err != nil {
		return "", err
	}
	a.decide()
	return a.listed, nil
}

func (a *acceptance) readKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	keys, revision, err := a.apiKeys.list(ctx)
	if err != nil {
		return err
	}
	a.keys, a.listed = byName(keys), revision
	return nil
}

// changeKey takes note of a change of a key, unless something newer is known of it.
func (a *acceptance) changeKey(_ context.Context, change watch.EventType, key *scimv1alpha1.ScimApiKey) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, isKnown := a.keys[key.Name]
	if notAfter(key.ResourceVersion, a.listed) || isKnown && notAfter(key.ResourceVersion, known.ResourceVersion) {
		return nil
	}
	put(a.keys, change, key)
	a.decide()
	return nil
}

// listCredentials reads all credentials of the namespace, and then the keys if there are
// any that may be older than they are.
func (a *acceptance) listCredentials(ctx context.Context) (revision string, err error) {
	history := a.historyNow()
	listed, revision, err := a.credentials.list(ctx)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issued = byName(listed)
	if a.keys != nil {
		a.decide() // What is gone is refused, whether the keys can be read or not.
		if err := a.readKeys(ctx); err != nil {
			return "", err
		}
	}
	a.revision, a.history = revision, history
	a.decide()
	return revision, nil
}

// changeCredential takes note of a change of a credential. One that is new is
// acknowledged once its key is known as it is now.
func (a *acceptance) changeCredential(ctx context.Context, change watch.EventType, credential *scimv1alpha1.ScimCredential) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, isKnown := a.issued[credential.Name]
	put(a.issued, change, credential)
	if change != watch.Deleted && !isKnown && a.keys != nil {
		if err := a.readKey(ctx, credential.Spec.APIKeyRef.Name); err != nil {
			return err
		}
	}
	a.revision = credential.ResourceVersion
	a.decide()
	return nil
}

func (a *acceptance) readKey(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	key, found, err := a.apiKeys.get(ctx, name)
	switch {
	case err != nil:
		return err
	case found:
		a.keys[name] = key
	default:
		delete(a.keys, name)
	}
	return nil
}

// decide says what is accepted by all that is known, once there is something of everything.
func (a *acceptance) decide() {
	if a.tenant == nil || a.keys == nil || a.issued == nil {
		return
	}
	issued, now := slices.Collect(maps.Values(a.issued)), time.Now()
	accepted := auth.Keys(contract.Accepted(a.tenant, a.keys, issued, now))
	a.explain(contract.Ended(a.tenant, a.keys, issued, now))
	a.accept(accepted, a.revision, a.history)
	if a.accepted == nil || !maps.EqualFunc(a.accepted, accepted, apikey.Key.Equal) {
		a.log.Info("accepting tokens", slog.Int("tokens", len(accepted)), slog.String("revision", a.revision))
	}
	a.accepted = accepted
}

// put makes what is known be as it is after a change.
func put[O client.Object](known map[string]O, change watch.EventType, object O) {
	if change == watch.Deleted {
		delete(known, object.GetName())
		return
	}
	known[object.GetName()] = object
}

func byName[O client.Object](objects []O) map[string]O {
	known := make(map[string]O, len(objects))
	for _, object := range objects {
		known[object.GetName()] = object
	}
	return known
}

// notAfter reports whether a resourceVersion is the same as another one, or older.
func notAfter(version, other string) bool {
	order, err := resourceversion.CompareResourceVersion(version, other)
	return err == nil && order <= 0
}
