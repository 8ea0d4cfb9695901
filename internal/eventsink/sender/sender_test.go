package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/index"
)

const issuer = "https://scim.example.com/scim/v2"

// receiver keeps, of each user, the revision that it was told last.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	known  map[string]float64
	came   []string // paths, in order
	types  []string // of contents
	answer func(http.ResponseWriter)
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{known: map[string]float64{}}
	r.Server = httptest.NewTLSServer(r)
	r.Config.ErrorLog = nil
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answer != nil {
		r.answer(w)
		return
	}
	said := map[string]any{}
	if token, err := jwt.ParseSigned(string(body), []jose.SignatureAlgorithm{jose.EdDSA}); err == nil {
		_ = token.UnsafeClaimsWithoutVerification(&said)
	} else {
		var event struct{ Data map[string]any }
		_ = json.Unmarshal(body, &event)
		said = event.Data
	}
	path := said["sub_id"].(map[string]any)["uri"].(string)
	r.came, r.types = append(r.came, path), append(r.types, request.Header.Get("Content-Type"))
	r.known[path] = max(r.known[path], said["revision"].(float64))
	w.WriteHeader(http.StatusAccepted)
}

func (r *receiver) paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.came)
}

// revision is the one that was heard last of a path.
func (r *receiver) revision(path string) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[path]
}

// contentTypes are those of what came, in order.
func (r *receiver) contentTypes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.types)
}

func (r *receiver) answers(answer func(http.ResponseWriter)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// inMemory is a Memory that is an index.
type inMemory struct {
	*index.Index
	registry *schema.Registry
	behind   bool
	applied  index.Position
}

func (m *inMemory) Read(read func(*index.Index)) bool { read(m.Index); return !m.behind }
func (m *inMemory) Applied() index.Position           { return m.applied }
func (m *inMemory) Registry() *schema.Registry        { return m.registry }

func (m *inMemory) put(id uuid.UUID, revision uint64) string {
	user := scim.NewResource(m.registry.User(), scim.Complex{"id": id.String(), "userName": id.String(), "active": true})
	m.PutUser(&index.Entry{ID: id, Compact: *compact.Of(user), Revision: revision, Name: id.String(), Active: true})
	m.applied[index.UserObjects] = max(m.applied[index.UserObjects], revision)
	return "/Users/" + id.String()
}

// world is a sender with all that surrounds it.
type world struct {
	*Sender
	t        *testing.T
	receiver *receiver
	memory   *inMemory
	client   client.Client
	clock    time.Time
	writes   int
	wrote    chan struct{} // has one for each of the first writes
	key      signingkey.Key
}

func newWorld(t *testing.T, change ...func(*scimv1alpha1.ScimEventSink)) *world {
	t.Helper()
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, receiver: newReceiver(t), memory: &inMemory{Index: index.New(), registry: registry}, clock: time.Now(), wrote: make(chan struct{}, 1)}
	if w.key, err = signingkey.New(w.clock, w.clock.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	sink := &scimv1alpha1.ScimEventSink{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "app", Generation: 1},
		Spec: scimv1alpha1.ScimEventSinkSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, URL: w.receiver.URL + "/events",
			CABundle: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.receiver.Certificate().Raw})),
		},
	}
	for _, c := range change {
		c(sink)
	}
	w.client = interceptor.NewClient(
		fake.NewClientBuilder().WithScheme(scheme).WithObjects(sink).WithStatusSubresource(sink).Build(),
		interceptor.Funcs{SubResourcePatch: func(
			ctx context.Context, c client.Client, name string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption,
		) error {
			w.writes++
			err := c.SubResource(name).Patch(ctx, obj, patch, opts...)
			select {
			case w.wrote <- struct{}{}:
			default:
			}
			return err
		}})
	w.Sender = w.newSender()
	return w
}

func (w *world) newSender() *Sender {
	s := New(Options{
		Client: w.client, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Agent: "kubescim", Log: slog.New(slog.DiscardHandler),
		Allows: func(url string) bool { return strings.HasPrefix(url, w.receiver.URL) },
	}, w.memory, func(time.Time) (signingkey.Key, string, bool) { return w.key, issuer, true }, w.stored())
	s.now = func() time.Time { return w.clock }
	return s
}

// stored is the sink as the API server has it.
func (w *world) stored() *scimv1alpha1.ScimEventSink {
	w.t.Helper()
	sink := &scimv1alpha1.ScimEventSink{}
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: "team", Name: "app"}, sink); err != nil {
		w.t.Fatal(err)
	}
	return sink
}

// pass is what Run does at a time, after some time.
func (w *world) pass(after time.Duration) *scimv1alpha1.ScimEventSink {
	w.t.Helper()
	w.clock = w.clock.Add(after)
	w.state(w.t.Context(), w.step(w.t.Context()), false)
	return w.stored()
}

func (w *world) says(sink *scimv1alpha1.ScimEventSink, status metav1.ConditionStatus, reason, message string) {
	w.t.Helper()
	ready := meta.FindStatusCondition(sink.Status.Conditions, scimv1alpha1.ConditionReady)
	if ready == nil || ready.Status != status || ready.Reason != reason || !strings.Contains(ready.Message, message) {
		w.t.Errorf("Ready is %+v", ready)
	}
}

func (w *world) received(paths ...string) {
	w.t.Helper()
	if got := w.receiver.paths(); !slices.Equal(got, paths) {
		w.t.Errorf("the receiver got %v, want %v", got, paths)
	}
}

func id(n byte) uuid.UUID { return uuid.UUID{15: n} }

func TestWhatIsOwedIsSentInOrderAndOnce(t *testing.T) {
	w := newWorld(t)
	second, first := w.memory.put(id(1), 20), w.memory.put(id(2), 10)
	sink := w.pass(0)
	w.received(first, second)
	w.says(sink, metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, "accepts")
	if sink.Status.Cursor.Users != 20 || *sink.Status.Pending != 0 || sink.Status.LastDeliveryTime.IsZero() || sink.Status.ObservedGeneration != 1 {
		t.Errorf("the status is %+v", sink.Status)
	}
	writes := w.writes
	for range 100 {
		w.pass(time.Minute)
	}
	if w.writes != writes || len(w.receiver.paths()) != 2 {
		t.Errorf("at rest, there were %d writes and %d deliveries", w.writes-writes, len(w.receiver.paths())-2)
	}
	third := w.memory.put(id(1), 30)
	w.pass(0)
	w.received(first, second, third)
}

func TestStatusIsWrittenEveryFewSeconds(t *testing.T) {
	w := newWorld(t)
	for i := range byte(50) {
		w.memory.put(id(i), 1+uint64(i))
		w.pass(500 * time.Millisecond)
	}
	if w.writes < 4 || w.writes > 7 {
		t.Errorf("there were %d writes in 25 seconds", w.writes)
	}
}

func TestAReceiverThatIsAway(t *testing.T) {
	w := newWorld(t)
	w.receiver.answers(func(rw http.ResponseWriter) {
		rw.Header().Set("Retry-After", "30")
		http.Error(rw, `{"err":"planted"}`, http.StatusServiceUnavailable)
	})
	path := w.memory.put(id(1), 20)
	sink := w.pass(0)
	w.says(sink, metav1.ConditionFalse, scimv1alpha1.ReasonDeliveryFailed, "the status 503")
	if sink.Status.Cursor.Users != 0 || *sink.Status.Pending != 1 || strings.Contains(fmt.Sprint(sink.Status), "planted") {
		t.Errorf("the status is %+v", sink.Status)
	}
	w.receiver.answers(nil)
	w.pass(29 * time.Second)
	w.received()
	w.says(w.pass(2*time.Second), metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, "")
	w.received(path)
	w.receiver.Close()
	w.memory.put(id(1), 30)
	w.pass(10 * time.Second) // Perhaps over the connection that there was.
	w.says(w.pass(10*time.Second), metav1.ConditionFalse, scimv1alpha1.ReasonDeliveryFailed, "no connection to it: connection refused")
}

func TestAnotherSenderGoesOn(t *testing.T) {
	w := newWorld(t)
	first := w.memory.put(id(1), 10)
	w.pass(0)
	second := w.memory.put(id(2), 20)
	former := w.Sender
	w.Sender = w.newSender() // Both send now.
	w.pass(10 * time.Second)
	w.received(first, second)
	other := w.Sender
	w.Sender = former
	w.pass(10 * time.Second)
	w.received(first, second, second)
	if cursor := w.stored().Status.Cursor.Users; cursor != 20 {
		t.Errorf("the cursor is at %d", cursor)
	}
	w.Update(w.stored())
	w.memory.put(id(1), 30)
	w.pass(10 * time.Second)
	w.Sender = other
	w.memory.put(id(3), 40)
	w.Update(w.stored())
	if cursor := w.pass(10 * time.Second).Status.Cursor.Users; cursor != 40 {
		t.Errorf("the cursor is at %d", cursor)
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t)
	first, second := w.memory.put(id(1), 10), w.memory.put(id(2), 20)
	w.pass(0)
	for _, patch := range []string{`{"status":{"cursor":null}}`, `{"status":{"cursor":{"users":15}}}`} {
		if err := w.client.Status().Patch(t.Context(), w.stored(), client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
			t.Fatal(err)
		}
		w.Update(w.stored())
		w.pass(10 * time.Second)
	}
	w.received(first, second, first, second, second)
}

func TestWhatIsNotSent(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*world)
		reason  string
		message string
	}{
		"to a host that is not allowed": {func(w *world) { w.Allows = func(string) bool { return false } }, scimv1alpha1.ReasonNotAllowed, "allow.eventSinks.hosts"},
		"to an address that is not":     {func(w *world) { w.Networks = nil }, scimv1alpha1.ReasonDeliveryFailed, "allow.eventSinks.networks"},
		"without a key": {func(w *world) {
			w.signer = func(time.Time) (signingkey.Key, string, bool) { return signingkey.Key{}, "", false }
		}, scimv1alpha1.ReasonNoSigningKey, "no key yet"},
		"by another authority": {func(w *world) { w.sink.Spec.CABundle = "" }, scimv1alpha1.ReasonDeliveryFailed, "certificate"},
		"to where it is redirected": {func(w *world) {
			w.receiver.answers(func(rw http.ResponseWriter) {
				rw.Header().Set("Location", w.receiver.URL)
				rw.WriteHeader(http.StatusTemporaryRedirect)
			})
		}, scimv1alpha1.ReasonDeliveryFailed, "redirects are not followed"},
		"by a cursor of another history": {func(w *world) {
			w.position[index.UserObjects] = 99
			w.pass(0)
			w.clock = w.clock.Add(time.Minute)
		}, scimv1alpha1.ReasonCursorAhead, "restore"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.memory.put(id(1), 10)
			tc.change(w)
			w.says(w.pass(0), metav1.ConditionFalse, tc.reason, tc.message)
			w.received()
		})
	}
}

func TestWhatIsDeliveredOfOneKindDoesNotHideThatAnotherIsAhead(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	w.position[index.GroupObjects], w.memory.applied[index.GroupObjects] = 99, 10
	for n := range uint64(4) {
		w.memory.put(id(1), 20+n)
		w.pass(20 * time.Second)
	}
	w.says(w.stored(), metav1.ConditionFalse, scimv1alpha1.ReasonCursorAhead, "restore")
	w.memory.applied[index.GroupObjects] = 99
	w.says(w.pass(20*time.Second), metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, "")
	if got := w.receiver.paths(); len(got) != 4 {
		t.Errorf("the receiver got %v", got)
	}
}

// After a restore of etcd, the sink has a lower resourceVersion than it had.
func TestTheStatusIsWrittenAfterARestore(t *testing.T) {
	w := newWorld(t)
	w.sink.ResourceVersion = "9990"
	w.memory.put(id(1), 10)
	w.pass(0)
	w.Update(w.stored())
	if cursor := w.pass(10 * time.Second).Status.Cursor.Users; cursor != 10 {
		t.Errorf("the cursor is at %d", cursor)
	}
}

func TestAtRestNothingIsMade(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	w.pass(0)
	w.pass(time.Minute)
	if n := testing.AllocsPerRun(10, func() { w.state(t.Context(), w.current(), false) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if err := w.client.Status().Patch(t.Context(), w.stored(), client.RawPatch("application/merge-patch+json", []byte(`{"status":{"conditions":null}}`))); err != nil {
		t.Fatal(err)
	}
	w.Update(w.stored())
	w.says(w.pass(time.Minute), metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, "")
}

func TestRefuse(t *testing.T) {
	w := newWorld(t)
	before := w.stored()
	for range 3 {
		if err := Refuse(t.Context(), w.client, w.stored(), "too many"); err != nil {
			t.Fatal(err)
		}
	}
	w.says(w.stored(), metav1.ConditionFalse, scimv1alpha1.ReasonNotAllowed, "too many")
	if err := Refuse(t.Context(), w.client, before, "there is another reason"); err != nil || w.writes != 2 {
		t.Errorf("%d writes and %v", w.writes, err)
	}
	w.says(w.stored(), metav1.ConditionFalse, scimv1alpha1.ReasonNotAllowed, "too many")
}

func TestNothingIsSentWhileMemoryIsNotComplete(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	w.memory.behind = true
	w.pass(0)
	w.received()
}

func TestCloudEventsAndRevocations(t *testing.T) {
	w := newWorld(t, func(sink *scimv1alpha1.ScimEventSink) {
		sink.Spec.Format, sink.Spec.Content = scimv1alpha1.EventFormatCloudEvent, scimv1alpha1.EventContentFull
		sink.Spec.AdditionalEvents = []scimv1alpha1.AdditionalEvent{scimv1alpha1.AdditionalEventSessionRevoked}
	})
	path := w.memory.put(id(1), 10)
	w.memory.PutKept(index.Kept{ID: id(2), Revision: 11})
	w.pass(0)
	gone := "/Users/" + id(2).String()
	w.received(path, gone, gone)
	if types := w.receiver.contentTypes(); types[0] != "application/cloudevents+json" {
		t.Errorf("the contents are %v", types)
	}
}

// The revision of a group is that of its last slice, which may be gone when the group is.
func TestADeletedGroupIsNotOlderThanItsSlices(t *testing.T) {
	w := newWorld(t)
	w.memory.PutKept(index.Kept{ID: id(1), Group: true, Revision: 10})
	w.memory.applied[index.SliceObjects] = 12
	w.pass(0)
	if revision := w.receiver.revision("/Groups/" + id(1).String()); revision != 12 {
		t.Errorf("its revision is %v", revision)
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	<-w.wrote
	stop()
	running.Wait()
	if cursor := w.stored().Status.Cursor.Users; cursor != 10 {
		t.Errorf("the cursor is at %d", cursor)
	}
}

// The last status is written however soon it comes after the one before.
func TestTheEnd(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	w.pass(0)
	w.memory.put(id(1), 20)
	if cursor := w.pass(time.Second).Status.Cursor.Users; cursor != 10 {
		t.Errorf("the cursor is at %d at once", cursor)
	}
	w.state(t.Context(), w.current(), true)
	if cursor := w.stored().Status.Cursor.Users; cursor != 20 {
		t.Errorf("the cursor is at %d at the end", cursor)
	}
}

func TestReasonsAreTheSameEachTimeAndRepeatNothing(t *testing.T) {
	planted := &x509.Certificate{DNSNames: []string{"12345.example.com"}, Subject: pkix.Name{CommonName: "12345"}}
	distrusted := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	for want, err := range map[string]error{
		"the connection to it has ended before it answered":                 errors.New("read tcp 10.0.0.1:12345: gone"),
		"its certificate is not good: it is not for the host in its URL":    distrusted(x509.HostnameError{Certificate: planted, Host: "12345"}),
		"its certificate is not good: it is signed by an unknown authority": distrusted(x509.UnknownAuthorityError{Cert: planted}),
		"its certificate is not good: it has expired, or is not valid yet":  distrusted(x509.CertificateInvalidError{Cert: planted, Reason: x509.Expired, Detail: "12345"}),
		"its certificate is not good: it cannot be verified":                distrusted(x509.CertificateInvalidError{Cert: planted, Reason: x509.CANotAuthorizedForThisName, Detail: "12345"}),
		errAddress.Error(): fmt.Errorf("dial tcp 10.0.0.1:12345: %w", errAddress),
	} {
		if got := plain(err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
