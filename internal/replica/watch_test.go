package replica

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/server/auth"
)

// cluster is what an API server says.
type cluster struct {
	keys        map[string]*scimv1alpha1.ScimApiKey
	credentials []*scimv1alpha1.ScimCredential
	revision    string // of lists
	down        bool   // keys cannot be read
	begun       int    // watches
}

func (c *cluster) client() client.WithWatch {
	return interceptor.NewClient(nil, interceptor.Funcs{
		Get: func(_ context.Context, _ client.WithWatch, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
			found, is := c.keys[key.Name]
			switch {
			case c.down:
				return errors.New("down")
			case !is:
				return apierrors.NewNotFound(schema.GroupResource{Resource: "scimapikeys"}, key.Name)
			}
			*object.(*unstructured.Unstructured) = *encoded(found)
			return nil
		},
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
			into := list.(*unstructured.UnstructuredList)
			into.SetResourceVersion(c.revision)
			if into.GetKind() == "ScimCredentialList" {
				for _, credential := range c.credentials {
					into.Items = append(into.Items, *encoded(credential))
				}
				return nil
			}
			if c.down {
				return errors.New("down")
			}
			for _, key := range c.keys {
				into.Items = append(into.Items, *encoded(key))
			}
			return nil
		},
		Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			c.begun++
			events := make(chan watch.Event)
			close(events)
			return watch.NewProxyWatcher(events), nil
		},
	})
}

func encoded(object client.Object) *unstructured.Unstructured {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		panic(err)
	}
	return &unstructured.Unstructured{Object: fields}
}

// reported is what an acceptance has said last.
type reported struct {
	Keys     auth.Keys
	Revision string
	Era      readindex.Era
	Ended    map[string]apikey.Ended
}

func newAcceptance(c *cluster) (*acceptance, *reported) {
	last, log := &reported{}, slog.New(slog.DiscardHandler)
	a := &acceptance{
		log: log, apiKeys: &apiKeys{client: c.client(), log: log, kind: "ScimApiKey"},
		credentials: &credentials{client: c.client(), log: log, kind: "ScimCredential"},
		tenants:     map[string]*accepting{},
		acknowledged: &acknowledgement{accept: func(revision string, era readindex.Era, _ bool) {
			last.Revision, last.Era = revision, era
		}},
	}
	a.configure(&scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme"}}, last)
	a.complete()
	return a, last
}

// Accept implements Accepter.
func (r *reported) Accept(keys auth.Keys, retired func()) {
	r.Keys = keys
	retired()
}

// Explain implements Accepter.
func (r *reported) Explain(ended map[string]apikey.Ended) { r.Ended = ended }

func keyAt(revision string) *scimv1alpha1.ScimApiKey {
	return &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Name: "okta", ResourceVersion: revision},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
	}
}

func credentialAt(t *testing.T, revision string) *scimv1alpha1.ScimCredential {
	t.Helper()
	_, verifier, err := apikey.Mint()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	credential := contract.CredentialOf(verifier, "acme", "okta", time.Now())
	credential.ResourceVersion = revision
	return credential
}

func TestWatchesThatEndAtOnceAreBegunAgainMoreAndMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{revision: "1"}
		a, _ := newAcceptance(c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		follow(ctx, a.apiKeys, func() (readindex.Era, <-chan struct{}) { return readindex.Era{Epoch: 1}, nil }, a.listKeys, a.changeKey)
		NewWithT(t).Expect(c.begun).To(And(BeNumerically(">", 5), BeNumerically("<", 20)), "in a minute")
	})
}

func TestAllIsReadOnceThereIsALeaseAndAgainInAnotherEra(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		live := interceptor.NewClient(nil, interceptor.Funcs{
			Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
				return watch.NewProxyWatcher(make(chan watch.Event)), nil // Nothing breaks it.
			},
		})
		var (
			now   readindex.Era
			over  = make(chan struct{})
			lists []readindex.Era
		)
		begin := func(era readindex.Era) {
			former := over
			now, over = era, make(chan struct{})
			close(former)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() {
			follow(ctx, &credentials{client: live, log: slog.New(slog.DiscardHandler), kind: "ScimCredential"},
				func() (readindex.Era, <-chan struct{}) { return now, over },
				func(_ context.Context, era readindex.Era) (string, error) {
					lists = append(lists, era)
					return "1", nil
				}, nil)
		})
		synctest.Wait()
		g.Expect(lists).To(BeEmpty(), "what is read without a Lease may have changed when there is one")
		eras := []readindex.Era{{Epoch: 1}, {Epoch: 1, History: 1}, {Epoch: 2, History: 1}}
		for _, era := range eras {
			begin(era)
		}
		g.Expect(lists).To(Equal(eras))
		cancel()
		begin(now) // The watch of an API server would end by itself.
		following.Wait()
	})
}

// A revision says nothing in another era than that in which it was read.
func TestARevisionIsOfTheEraInWhichItWasListed(t *testing.T) {
	g, ctx := NewWithT(t), t.Context()
	c := &cluster{revision: "2000", keys: map[string]*scimv1alpha1.ScimApiKey{"okta": keyAt("4")}}
	a, last := newAcceptance(c)
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("2000"))
	g.Expect(a.listCredentials(ctx, readindex.Era{})).To(Equal("2000"))
	c.revision = "1000"
	g.Expect(a.changeKey(ctx, watch.Modified, keyAt("2001"))).To(Succeed())
	g.Expect(*last).To(And(HaveField("Revision", "2000"), HaveField("Era", readindex.Era{})))
	g.Expect(a.listCredentials(ctx, readindex.Era{History: 1})).To(Equal("1000"))
	g.Expect(*last).To(And(HaveField("Revision", "1000"), HaveField("Era", readindex.Era{History: 1})))
}

// Whoever applies ScimCredentials could otherwise fill the memory of every pod with what
// nobody reads.
func TestOfAnObjectIsKeptWhatIsRead(t *testing.T) {
	g := NewWithT(t)
	listed, watched := credentialAt(t, "1"), credentialAt(t, "2")
	for _, credential := range []*scimv1alpha1.ScimCredential{listed, watched} {
		credential.Annotations = map[string]string{"note": "long"}
		credential.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply}}
	}
	a, _ := newAcceptance(&cluster{credentials: []*scimv1alpha1.ScimCredential{listed}, revision: "1"})
	_, err := a.listCredentials(t.Context(), readindex.Era{})
	g.Expect(err).NotTo(HaveOccurred())
	f := &follower[scimv1alpha1.ScimCredential, *scimv1alpha1.ScimCredential]{selection: a.credentials, changed: a.changeCredential}
	g.Expect(f.handle(t.Context(), watch.Event{Type: watch.Added, Object: encoded(watched)})).To(Succeed())
	for _, credential := range []*scimv1alpha1.ScimCredential{listed, watched} {
		kept := a.issued.byName[credential.Name]
		g.Expect(kept.Spec.SHA256).To(Equal(credential.Spec.SHA256))
		g.Expect(kept.Annotations).To(BeEmpty())
		g.Expect(kept.ManagedFields).To(BeEmpty())
	}
}

// The operator waits for the revision of a ScimCredential that it has made or changed, and
// of a deletion there is one too.
func TestARevisionIsAcknowledgedWithWhatIsAcceptedByThen(t *testing.T) {
	g, ctx := NewWithT(t), t.Context()
	listed, added := credentialAt(t, "5"), credentialAt(t, "11")
	c := &cluster{revision: "10", credentials: []*scimv1alpha1.ScimCredential{listed}, keys: map[string]*scimv1alpha1.ScimApiKey{"okta": keyAt("4")}}
	a, last := newAcceptance(c)
	g.Expect(a.listCredentials(ctx, readindex.Era{})).To(Equal("10"))
	g.Expect(last.Keys).To(BeNil(), "the keys are not known yet")
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("10"))
	g.Expect(*last).To(And(HaveField("Revision", "10"), HaveField("Keys", HaveKey(listed.Name))))

	g.Expect(a.changeCredential(ctx, watch.Added, added)).To(Succeed())
	g.Expect(*last).To(And(HaveField("Revision", "11"), HaveField("Keys", HaveLen(2))))

	g.Expect(a.changeCredential(ctx, watch.Deleted, &scimv1alpha1.ScimCredential{
		ObjectMeta: metav1.ObjectMeta{Name: listed.Name, ResourceVersion: "12"},
	})).To(Succeed())
	g.Expect(*last).To(And(HaveField("Revision", "12"), HaveField("Keys", HaveLen(1))))

	deleted := keyAt("13")
	g.Expect(a.changeKey(ctx, watch.Deleted, deleted)).To(Succeed())
	g.Expect(*last).To(And(HaveField("Revision", "12"), HaveField("Keys", BeEmpty())), "of the credentials")
}

func TestNothingIsAcknowledgedWhileTheKeyOfACredentialCannotBeRead(t *testing.T) {
	g, ctx := NewWithT(t), t.Context()
	gone, added := credentialAt(t, "5"), credentialAt(t, "11")
	c := &cluster{revision: "10", credentials: []*scimv1alpha1.ScimCredential{gone}, keys: map[string]*scimv1alpha1.ScimApiKey{"okta": keyAt("4")}}
	a, last := newAcceptance(c)
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("10"))
	g.Expect(a.listCredentials(ctx, readindex.Era{})).To(Equal("10"))
	c.down = true
	g.Expect(a.changeCredential(ctx, watch.Added, added)).NotTo(Succeed())
	c.credentials, c.revision = []*scimv1alpha1.ScimCredential{added}, "12"
	_, err := a.listCredentials(ctx, readindex.Era{})
	g.Expect(err).To(HaveOccurred())
	g.Expect(last.Revision).To(Equal("10"))
	g.Expect(last.Keys).NotTo(HaveKey(gone.Name), "what is gone is refused all the same")
	c.down = false
	g.Expect(a.listCredentials(ctx, readindex.Era{})).To(Equal("12"))
	g.Expect(*last).To(And(HaveField("Revision", "12"), HaveField("Keys", HaveKey(added.Name))))
}

func TestKeysThatWereReadAreNotMadeOlder(t *testing.T) {
	g, ctx := NewWithT(t), t.Context()
	c := &cluster{revision: "10", keys: map[string]*scimv1alpha1.ScimApiKey{"okta": keyAt("9")}}
	a, last := newAcceptance(c)
	g.Expect(a.listCredentials(ctx, readindex.Era{})).To(Equal("10"))
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("10"))
	c.keys["okta"] = keyAt("20")
	g.Expect(a.changeCredential(ctx, watch.Added, credentialAt(t, "21"))).To(Succeed())
	g.Expect(a.changeKey(ctx, watch.Deleted, keyAt("15"))).To(Succeed())
	g.Expect(last.Keys).To(HaveLen(1), "the key was made again")

	delete(c.keys, "okta")
	c.revision = "30"
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("30"))
	g.Expect(a.changeKey(ctx, watch.Modified, keyAt("25"))).To(Succeed())
	g.Expect(last.Keys).To(BeEmpty(), "the key is gone")

	c.keys["okta"] = keyAt("3")
	c.revision = "8"
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("8"))
	g.Expect(a.changeKey(ctx, watch.Modified, keyAt("9"))).To(Succeed())
	g.Expect(last.Keys).To(HaveLen(1), "etcd was restored to an older state, and the key is there")
}

// What a key is for follows from the key alone, and no revision of credentials moves with it.
func TestAKeyThatIsChangedIsForWhatItSays(t *testing.T) {
	g, ctx := NewWithT(t), t.Context()
	credential := credentialAt(t, "5")
	c := &cluster{revision: "10", credentials: []*scimv1alpha1.ScimCredential{credential}, keys: map[string]*scimv1alpha1.ScimApiKey{"okta": keyAt("4")}}
	a, last := newAcceptance(c)
	g.Expect(a.listCredentials(ctx, readindex.Era{})).To(Equal("10"))
	g.Expect(a.listKeys(ctx, readindex.Era{})).To(Equal("10"))
	granted := func() apikey.Grant { return last.Keys[credential.Name].Grant }
	g.Expect(granted()).To(Equal(apikey.Grant{}))

	suspended := keyAt("11")
	suspended.Spec.State = scimv1alpha1.APIKeySuspended
	g.Expect(a.changeKey(ctx, watch.Modified, suspended)).To(Succeed())
	g.Expect(granted()).To(Equal(apikey.Grant{Suspended: true}))
	limited := keyAt("12")
	limited.Spec.Access = scimv1alpha1.APIKeyReadOnly
	limited.Spec.Resources = []scimv1alpha1.APIKeyResource{scimv1alpha1.APIKeyUsers}
	limited.Spec.AllowedCIDRs = []scimv1alpha1.CIDR{"203.0.113.0/24"}
	g.Expect(a.changeKey(ctx, watch.Modified, limited)).To(Succeed())
	g.Expect(granted()).To(Equal(apikey.Grant{
		ReadOnly: true, Resources: []string{"Users"}, Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	}))
	g.Expect(a.changeKey(ctx, watch.Modified, suspended)).To(Succeed())
	g.Expect(granted().Suspended).To(BeFalse(), "the event is older")
	g.Expect(a.changeKey(ctx, watch.Modified, keyAt("13"))).To(Succeed())
	g.Expect(granted()).To(Equal(apikey.Grant{}))
	g.Expect(last.Revision).To(Equal("10"))
}
