package cache

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec/codectest"
)

var _ = Describe("A cache's watches", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	// begin begins a watch of the kind from the revision; empty for all there are.
	begin := func(ctx context.Context, c client.WithWatch, list client.ObjectList, revision string) <-chan watch.Event {
		GinkgoHelper()
		options := &metav1.ListOptions{AllowWatchBookmarks: true, ResourceVersion: revision}
		if revision == "" {
			options.SendInitialEvents = ptr.To(true)
			options.ResourceVersionMatch = metav1.ResourceVersionMatchNotOlderThan
		}
		stream, err := c.Watch(ctx, list, client.InNamespace(namespace), codec.OfTenant("acme"), &client.ListOptions{Raw: options})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(stream.Stop)
		return stream.ResultChan()
	}

	// asRead returns no more of an object than a cache reads of it.
	asRead := func(object client.Object) client.Object {
		object.GetObjectKind().SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(""))
		object.SetUID("")
		object.SetCreationTimestamp(metav1.Time{})
		object.SetManagedFields(nil)
		object.SetFinalizers(nil)
		object.SetDeletionGracePeriodSeconds(nil)
		return object
	}
	// next is the next event but for the bookmarks that the API server sends when it likes.
	next := func(events <-chan watch.Event) watch.Event {
		GinkgoHelper()
		for {
			var event watch.Event
			Eventually(events).Should(Receive(&event))
			object := asRead(event.Object.(client.Object))
			if _, last := object.GetAnnotations()[metav1.InitialEventsAnnotationKey]; event.Type != watch.Bookmark || last {
				return watch.Event{Type: event.Type, Object: object}
			}
		}
	}

	It("bring what a client's own bring", func(ctx SpecContext) {
		member := createUser(ctx, namespace, "jim@example.com")
		user := &scimv1alpha1.ScimUser{Spec: *codectest.EveryField()}
		user.Spec.TenantRef.Name, user.Spec.Meta = "acme", codec.Stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
		group := &scimv1alpha1.ScimGroup{Spec: scimv1alpha1.ScimGroupSpec{
			DisplayName: "Ünique <&>", ExternalID: "7", Members: []scimv1alpha1.MemberID{scimv1alpha1.MemberID(member)}, MemberCount: ptr.To(int32(1)),
			TenantRef: user.Spec.TenantRef, Meta: user.Spec.Meta,
		}}
		slice := &scimv1alpha1.ScimGroupMembers{Spec: scimv1alpha1.ScimGroupMembersSpec{
			GroupRef: scimv1alpha1.GroupReference{Name: member}, MemberGroups: []scimv1alpha1.MemberID{scimv1alpha1.MemberID(member)},
			MemberCount: ptr.To(int32(1)), TenantRef: user.Spec.TenantRef, Meta: user.Spec.Meta,
		}}
		for list, object := range map[client.ObjectList]client.Object{
			&scimv1alpha1.ScimUserList{}: user, &scimv1alpha1.ScimGroupList{}: group, &scimv1alpha1.ScimGroupMembersList{}: slice,
		} {
			object.SetNamespace(namespace)
			object.SetName(member[:8] + "-1111-4111-8111-111111111111")
			object.SetLabels(map[string]string{scimv1alpha1.LabelTenant: "acme"})
			object.SetAnnotations(map[string]string{codec.AnnotationReleased: "true"})
			object.SetFinalizers([]string{scimv1alpha1.Finalizer})
			Expect(live.Create(ctx, object)).To(Succeed())
			ours, theirs := begin(ctx, watching, list, ""), begin(ctx, live, list, "")
			same := func() watch.Event {
				GinkgoHelper()
				event := next(ours)
				Expect(event).To(Equal(next(theirs)))
				return event
			}
			for event := next(ours); event.Type != watch.Bookmark; event = next(ours) {
				for _, object := range event.Object.(*several).objects {
					Expect(watch.Event{Type: event.Type, Object: asRead(object)}).To(Equal(next(theirs)))
				}
			}
			Expect(next(theirs).Type).To(Equal(watch.Bookmark))
			Expect(live.Delete(ctx, object)).To(Succeed())
			Expect(same().Object.(client.Object).GetDeletionTimestamp()).NotTo(BeNil())
			Expect(live.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
			object.SetFinalizers(nil)
			Expect(live.Update(ctx, object)).To(Succeed())
			Expect(same().Type).To(Equal(watch.Deleted))
		}
	})

	It("say when all that there was has come", func(ctx SpecContext) {
		events := begin(ctx, watching, &scimv1alpha1.ScimUserList{}, "")
		bookmark := next(events)
		Expect(bookmark.Type).To(Equal(watch.Bookmark))
		Expect(bookmark.Object.(client.Object).GetAnnotations()).To(HaveKeyWithValue(metav1.InitialEventsAnnotationKey, "true"))
		user := createUser(ctx, namespace, "jim@example.com")
		added := next(begin(ctx, watching, &scimv1alpha1.ScimUserList{}, bookmark.Object.(client.Object).GetResourceVersion()))
		Expect(added.Type).To(Equal(watch.Added))
		Expect(added.Object.(client.Object).GetName()).To(Equal(user))
		Expect(next(events)).To(Equal(added))
	})

	It("get what there is as events when a list broke off", func(ctx SpecContext) {
		createUser(ctx, namespace, "jim@example.com")
		var lists, streams atomic.Int32
		breaking := rest.CopyConfig(config)
		breaking.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				response, err := next.RoundTrip(r)
				switch {
				case err != nil:
				case r.URL.Query().Get("sendInitialEvents") == "true":
					streams.Add(1)
				case r.URL.Query().Get("watch") == "":
					lists.Add(1)
					response.Body = struct {
						io.Reader
						io.Closer
					}{io.LimitReader(response.Body, 500), response.Body}
				}
				return response, err
			})
		})
		c, err := NewWatchClient(live, breaking)
		Expect(err).NotTo(HaveOccurred())
		var event watch.Event
		Eventually(begin(ctx, c, &scimv1alpha1.ScimUserList{}, "")).Should(Receive(&event))
		Expect(event.Type).To(Equal(watch.Error))
		Expect(apierrors.FromObject(event.Object)).To(MatchError(ContainSubstring("reading a list: ")))
		Expect([]int32{lists.Load(), streams.Load()}).To(Equal([]int32{1, 0}))
		Expect(next(begin(ctx, c, &scimv1alpha1.ScimUserList{}, "")).Type).To(Equal(watch.Added))
		Expect([]int32{lists.Load(), streams.Load()}).To(Equal([]int32{1, 1}))
		Eventually(begin(ctx, c, &scimv1alpha1.ScimUserList{}, "")).Should(Receive(&event))
		Expect([]int32{lists.Load(), streams.Load()}).To(Equal([]int32{2, 1}))
	})

	It("tell that the history is gone", func(ctx SpecContext) {
		var event watch.Event
		Eventually(begin(ctx, watching, &scimv1alpha1.ScimUserList{}, "1")).Should(Receive(&event))
		Expect(event.Type).To(Equal(watch.Error))
		Expect(apierrors.IsResourceExpired(apierrors.FromObject(event.Object))).To(BeTrue())
	})

	It("tell that the API server refuses them", func(ctx SpecContext) {
		_, err := watching.Watch(ctx, &scimv1alpha1.ScimUserList{}, client.InNamespace(namespace), &client.ListOptions{
			Raw: &metav1.ListOptions{ResourceVersionMatch: "sometimes"},
		})
		Expect(apierrors.IsInvalid(err)).To(BeTrue())
	})

	It("end when they are stopped", func(ctx SpecContext) {
		stream, err := watching.Watch(ctx, &scimv1alpha1.ScimGroupList{}, client.InNamespace(namespace))
		Expect(err).NotTo(HaveOccurred())
		stream.Stop()
		Eventually(stream.ResultChan()).Should(BeClosed())
	})

	It("of other kinds are the client's own", func(ctx SpecContext) {
		stream, err := watching.Watch(ctx, &corev1.ConfigMapList{}, client.InNamespace(namespace))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(stream.Stop)
		Expect(live.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}})).To(Succeed())
		Eventually(stream.ResultChan()).Should(Receive())
	})
})

func TestBrokenEvents(t *testing.T) {
	const user = `{"type":"ADDED","object":{"metadata":{"name":"babs"},"spec":{"userName":`
	for name, c := range map[string]struct{ line, want string }{
		"end":             {"", "EOF"},
		"half":            {user, "unexpected EOF"},
		"no JSON":         {"surprise\n", "reading an event"},
		"unknown type":    {`{"type":"RENAMED","object":{}}` + "\n", `"RENAMED" is no type of event`},
		"no metadata":     {`{"type":"ADDED","object":[]}` + "\n", "/object is not as this version of the API defines it"},
		"no status":       {`{"type":"ERROR","object":7}` + "\n", "reading"},
		"too long a line": {strings.Repeat(" ", maxEvent+1), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, _, err := readerOf(c.line).Decode()
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
		})
	}
	t.Run("an object", func(t *testing.T) {
		g := NewWithT(t)
		kind, object, err := readerOf(user + `{"secret":"hunter2"}}}}` + "\n").Decode()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(kind).To(Equal(watch.Added))
		g.Expect(object.(client.Object).GetName()).To(Equal("babs"))
		g.Expect(object.(*unreadable).reason).To(MatchError("/object/spec/userName is not as this version of the API defines it"))
	})
}

func readerOf(body string) *eventReader {
	lines := bufio.NewScanner(strings.NewReader(body))
	lines.Buffer(nil, maxEvent)
	return &eventReader{body: io.NopCloser(nil), lines: lines, decode: sourceOfUsers().event}
}

func sourceOfUsers() *source {
	return sourceOf("scimusers", func() (client.Object, *scimv1alpha1.ScimUserSpec) {
		user := &scimv1alpha1.ScimUser{}
		return user, &user.Spec
	})
}

// listed returns the events that a watch brings whose list is the body, until the first error.
func listed(body string) (events []watch.Event, err error) {
	stream, err := sourceOfUsers().list(context.Background(), &metav1.ListOptions{}, func(context.Context, *metav1.ListOptions) (io.ReadCloser, error) {
		defer func() { body = "" }()
		return io.NopCloser(strings.NewReader(body)), nil
	})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	for {
		kind, object, err := stream.Decode()
		if err != nil {
			return events, err
		}
		together, are := object.(*several)
		if !are {
			events = append(events, watch.Event{Type: kind, Object: object})
			continue
		}
		for _, object := range together.objects {
			events = append(events, watch.Event{Type: kind, Object: object})
		}
	}
}

func TestLists(t *testing.T) {
	const items, metadata = `"items":[{"metadata":{"name":"babs"}},{"metadata":{"name":"jim"},"spec":7}]`, `"metadata":{"resourceVersion":"17"}`
	for name, body := range map[string]string{
		"items first":    `{"apiVersion":"v1",` + items + `,"kind":"List",` + metadata + `}`,
		"metadata first": `{"kind":"List",` + metadata + `,"more":{"items":[1]},` + items + "}\n",
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			events, err := listed(body)
			g.Expect(err).To(MatchError(io.EOF)) // of the watch that follows
			g.Expect(events).To(HaveLen(3))
			for i, want := range []string{"babs", "jim", ""} {
				g.Expect(events[i].Object.(client.Object).GetName()).To(Equal(want))
			}
			g.Expect(events[1].Object.(*unreadable).reason).To(MatchError("/spec is not as this version of the API defines it"))
			g.Expect(events[2].Type).To(Equal(watch.Bookmark))
			g.Expect(events[2].Object.(client.Object).GetResourceVersion()).To(Equal("17"))
		})
	}
	for _, count := range []int{atOnce - 1, atOnce, 2 * atOnce, 2*atOnce + 1} {
		t.Run(fmt.Sprintf("%d items", count), func(t *testing.T) {
			g := NewWithT(t)
			names := make([]string, count)
			for i := range names {
				names[i] = fmt.Sprintf(`{"metadata":{"name":"user-%d"}}`, i)
			}
			events, err := listed(`{"items":[` + strings.Join(names, ",") + `],` + metadata + `}`)
			g.Expect(err).To(MatchError(io.EOF))
			g.Expect(events).To(HaveLen(count + 1))
			for i, event := range events[:count] {
				g.Expect(event.Object.(client.Object).GetName()).To(Equal(fmt.Sprintf("user-%d", i)))
			}
			g.Expect(events[count].Type).To(Equal(watch.Bookmark))
		})
	}
	t.Run("no items", func(t *testing.T) {
		g := NewWithT(t)
		events, err := listed(`{"items":[],` + metadata + `}`)
		g.Expect(err).To(MatchError(io.EOF))
		g.Expect(events).To(HaveLen(1))
	})
}

func TestBrokenLists(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"nothing":           {"", "unexpected EOF"},
		"half":              {`{"items":[{"metadata":{"name":"babs"}},{"meta`, "unexpected EOF"},
		"no JSON":           {"surprise", "invalid character"},
		"another answer":    {`[{"items":[]}]`, "not a list"},
		"no items":          {`{"items":{}}`, "not a list"},
		"no metadata":       {`{"items":[]}`, "not a list"},
		"no revision":       {`{"metadata":{},"items":[]}`, "not a list"},
		"no object":         {`{"items":["babs"]}`, "reading an object"},
		"too large an item": {`{"items":["` + strings.Repeat(" ", maxEvent+1), "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := listed(c.body)
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
		})
	}
}

// roundTripper is an http.RoundTripper that is a function.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
