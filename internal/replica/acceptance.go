package replica

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/server/auth"
)

// readTimeout bounds the reading of keys, for which every other change waits.
const readTimeout = 5 * time.Second

type (
	tenants     = selection[scimv1alpha1.ScimTenant, *scimv1alpha1.ScimTenant]
	apiKeys     = selection[scimv1alpha1.ScimApiKey, *scimv1alpha1.ScimApiKey]
	credentials = selection[scimv1alpha1.ScimCredential, *scimv1alpha1.ScimCredential]
	scimRoles   = selection[scimv1alpha1.ScimRole, *scimv1alpha1.ScimRole]
)

// acceptance knows what decides which tokens are accepted: the ScimTenants, their ScimApiKeys
// and the ScimCredentials of the namespace. Each comes by a watch of its own, which may be
// behind the others: at every change, it is decided anew by what is known for the tenant that
// the change is about.
//
// Whoever waits until a ScimCredential is acknowledged takes its token for good. So its
// ScimApiKey, which is older, is read at the API server before, whatever the watch of keys
// has brought so far, and so is its ScimTenant if that is not known. Nothing else has to be
// read: what refuses a token does so when it comes.
type acceptance struct {
	apiKeys     *apiKeys
	credentials *credentials
	log         *slog.Logger
	// acknowledged is of the ScimCredentials.
	acknowledged *acknowledgement
	// meet, if it is set, reads a tenant that is not known, and opens it if it is to be served.
	meet func(ctx context.Context, tenant string) error

	// mu is held while keys are read, so that those that are read later are newer.
	mu sync.Mutex
	// tenants are by name. known says that those are there that there are at first.
	tenants map[string]*accepting
	known   bool
	// keys are by tenant; nil until they are known. listed is of when all were read.
	keys   *grouped[*scimv1alpha1.ScimApiKey]
	listed string
	// issued are the ScimCredentials by the names of their keys; nil until they are known.
	// revision is how far they go.
	issued   *grouped[*scimv1alpha1.ScimCredential]
	revision string
	// era is the one in which the ScimCredentials were listed.
	era readindex.Era
}

// accepting is what accepts tokens of a tenant.
type accepting struct {
	Accepter
	tenant   *scimv1alpha1.ScimTenant
	accepted auth.Keys // last
}

// Accepter is what is told which tokens are accepted.
type Accepter interface {
	// Accept makes the keys those that are accepted from now on, and calls retired, which must
	// not block, once nothing is done any more that they do not permit; or never, if it is
	// called again before.
	Accept(keys auth.Keys, retired func())
	// Explain is told the tokens that are accepted no more.
	Explain(ended map[string]apikey.Ended)
}

// configure takes note of a ScimTenant, for which tokens are accepted from now on.
func (a *acceptance) configure(tenant *scimv1alpha1.ScimTenant, by Accepter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.tenants[tenant.Name]
	if known == nil || known.Accepter != by {
		known = &accepting{Accepter: by}
		a.tenants[tenant.Name] = known
	}
	known.tenant = tenant
	a.decide(tenant.Name)
}

// complete notes that all tenants are known that there are at first. What is acknowledged is so
// for all of them.
func (a *acceptance) complete() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.known {
		a.known = true
		a.reach()
	}
}

// release accepts no tokens of a tenant any more. It calls done once nothing is done under any.
func (a *acceptance) release(tenant string, done func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.tenants[tenant]
	if known == nil {
		done()
		return
	}
	delete(a.tenants, tenant)
	retired := a.acknowledged.begin(known)
	known.Accept(auth.Keys{}, func() {
		retired()
		done()
	})
}

// listKeys reads all keys of the tenants.
func (a *acceptance) listKeys(ctx context.Context, _ readindex.Era) (revision string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.readKeys(ctx); err != nil {
		return "", err
	}
	a.decideAll()
	a.reach()
	return a.listed, nil
}

func (a *acceptance) readKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	keys, revision, err := a.apiKeys.list(ctx)
	if err != nil {
		return err
	}
	a.keys, a.listed = group(keys, tenantOfKey), revision
	return nil
}

func tenantOfKey(key *scimv1alpha1.ScimApiKey) string { return key.Spec.TenantRef.Name }

func keyOfCredential(credential *scimv1alpha1.ScimCredential) string {
	return credential.Spec.APIKeyRef.Name
}

// changeKey takes note of a change of a key, unless something newer is known of it.
func (a *acceptance) changeKey(_ context.Context, change watch.EventType, key *scimv1alpha1.ScimApiKey) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, isKnown := a.keys.byName[key.Name]
	if notAfter(key.ResourceVersion, a.listed) || isKnown && notAfter(key.ResourceVersion, known.ResourceVersion) {
		return nil
	}
	a.decide(a.keys.put(change, key)...)
	return nil
}

// listCredentials reads all credentials of the namespace, and then the keys if there are
// any that may be older than they are.
func (a *acceptance) listCredentials(ctx context.Context, era readindex.Era) (revision string, err error) {
	listed, revision, err := a.credentials.list(ctx)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issued = group(listed, keyOfCredential)
	if a.keys != nil {
		a.decideAll() // What is gone is refused, whether the keys can be read or not.
		if err := a.readKeys(ctx); err != nil {
			return "", err
		}
	}
	a.revision, a.era = revision, era
	a.decideAll()
	a.reach()
	return revision, nil
}

// changeCredential takes note of a change of a credential. One that is new is
// acknowledged once its key is known as it is now.
func (a *acceptance) changeCredential(ctx context.Context, change watch.EventType, credential *scimv1alpha1.ScimCredential) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, isKnown := a.issued.byName[credential.Name]
	keys := a.issued.put(change, credential)
	if change != watch.Deleted && !isKnown && a.keys != nil {
		if err := a.readKey(ctx, credential.Spec.APIKeyRef.Name); err != nil {
			return err
		}
	}
	a.revision = credential.ResourceVersion
	for _, key := range keys {
		if found, is := a.keysByName()[key]; is {
			a.decide(tenantOfKey(found))
		}
	}
	a.reach()
	return nil
}

// keysByName are the keys, if they are known.
func (a *acceptance) keysByName() map[string]*scimv1alpha1.ScimApiKey {
	if a.keys == nil {
		return nil
	}
	return a.keys.byName
}

// readKey reads a key, and its tenant if that is not known.
func (a *acceptance) readKey(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	key, found, err := a.apiKeys.get(ctx, name)
	if err != nil {
		return err
	}
	if !found {
		a.decide(a.keys.put(watch.Deleted, &scimv1alpha1.ScimApiKey{ObjectMeta: metav1.ObjectMeta{Name: name}})...)
		return nil
	}
	a.decide(a.keys.put(watch.Modified, key)...)
	if a.meet == nil || a.tenants[tenantOfKey(key)] != nil {
		return nil
	}
	a.mu.Unlock() // Who opens a tenant tells of it here.
	defer a.mu.Lock()
	return a.meet(ctx, tenantOfKey(key))
}

// isComplete reports whether there is something of everything.
func (a *acceptance) isComplete() bool { return a.keys != nil && a.issued != nil }

// reach notes that all is decided by what is known of the credentials. The mutex is held.
func (a *acceptance) reach() {
	if a.known && a.isComplete() {
		a.acknowledged.reach(a.revision, a.era, true)
	}
}

func (a *acceptance) decideAll() {
	for name := range a.tenants {
		a.decide(name)
	}
}

// decide says what is accepted for tenants by all that is known, once there is something of
// everything. The mutex is held.
func (a *acceptance) decide(tenants ...string) {
	for _, name := range tenants {
		if of := a.tenants[name]; of != nil && a.isComplete() {
			a.decideOn(of)
		}
	}
}

func (a *acceptance) decideOn(of *accepting) {
	keys, now := a.keys.in(of.tenant.Name), time.Now()
	var issued []*scimv1alpha1.ScimCredential
	for name := range keys {
		issued = slices.AppendSeq(issued, maps.Values(a.issued.in(name)))
	}
	accepted := auth.Keys(contract.Accepted(of.tenant, keys, issued, now))
	of.Explain(contract.Ended(of.tenant, keys, issued, now))
	of.Accept(accepted, a.acknowledged.begin(of))
	if of.accepted == nil || !maps.EqualFunc(of.accepted, accepted, apikey.Key.Equal) {
		a.log.Info("accepting tokens", slog.String("tenant", of.tenant.Name), slog.Int("tokens", len(accepted)), slog.String("revision", a.revision))
	}
	of.accepted = accepted
}

// notAfter reports whether a resourceVersion is the same as another one, or older.
func notAfter(version, other string) bool {
	order, err := resourceversion.CompareResourceVersion(version, other)
	return err == nil && order <= 0
}
