package cache

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec/codectest"
)

// endless is the body of a watch that brings the events again and again, or of a list
// that does so with objects.
type endless struct {
	start, between, end string
	events              []string
	left                int // events until the watch ends
	rest                strings.Reader
}

// endlessList is a list of the objects of the events.
func endlessList(events []string, count int) *endless {
	objects := make([]string, len(events))
	for i, event := range events {
		objects[i] = strings.TrimSuffix(strings.TrimPrefix(event, `{"type":"ADDED","object":`), "}\n")
	}
	return &endless{start: `{"metadata":{"resourceVersion":"9"},"items":[`, between: ",", end: "]}", events: objects, left: count}
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.rest.Len() == 0 {
			next := e.next()
			if next == "" {
				return n, io.EOF
			}
			e.rest.Reset(next)
		}
		more, _ := e.rest.Read(p[n:])
		n += more
	}
	return n, nil
}

// next is what comes next; nothing at the end.
func (e *endless) next() (text string) {
	switch {
	case e.start != "":
		text, e.start = e.start, ""
	case e.left == 0:
		text, e.end = e.end, ""
	default:
		e.left--
		text = e.events[e.left%len(e.events)]
		if e.left > 0 {
			text += e.between
		}
	}
	return text
}

// RoundTrip answers every request with what is left.
func (e *endless) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {runtime.ContentTypeJSON}},
		Body: io.NopCloser(e), Request: request,
	}, nil
}

// counting counts what is put into a target.
type counting struct {
	target
	objects int
}

func (c *counting) put(object client.Object) (selectable bool, err error) {
	c.objects++
	return c.target.put(object)
}

// BenchmarkReflector takes one event from the bytes of its watch into the index, or one object
// from those of the list at the beginning.
func BenchmarkReflector(b *testing.B) {
	for kind, format := range map[string]string{"user": codectest.UserEvent, "group of 100": codectest.GroupEvent, "slice of 100": codectest.SliceEvent} {
		events := make([]string, 1000)
		for i := range events {
			events[i] = fmt.Sprintf(format, uuid.NewString(), 100_000+i)
			for strings.Contains(events[i], "MEMBERS") {
				members := make([]string, 100)
				for i := range members {
					members[i] = `"` + uuid.NewString() + `"`
				}
				events[i] = strings.Replace(events[i], "MEMBERS", strings.Join(members, ","), 1)
			}
		}
		run := func(b *testing.B, body *endless, revision string) {
			b.Helper()
			memory := New(benchClient(b, body), client.ObjectKey{Namespace: "default", Name: "acme"}, readindex.NewMarks(), slog.New(slog.DiscardHandler))
			memory.Follow(registry)
			number := map[string]readindex.Kind{"user": readindex.Users, "group of 100": readindex.Groups, "slice of 100": readindex.GroupMembers}[kind]
			reflector, fed := reflectorOf(memory, number), &memory.now().parts[number]
			reflector.revision, fed.state = revision, following
			into := &counting{target: fed.into}
			fed.into = into
			b.SetBytes(int64(len(events[0])))
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := reflector.once(context.Background()); err != nil || into.objects != b.N {
				b.Fatalf("%d objects of %d: %v", into.objects, b.N, err)
			}
		}
		b.Run(kind, func(b *testing.B) { run(b, &endless{events: events, left: b.N}, "1") })
		b.Run(kind+" in a list", func(b *testing.B) { run(b, endlessList(events, b.N), "") })
	}
}

// benchClient returns a client whose API server is the body of a watch.
func benchClient(b *testing.B, body *endless) client.WithWatch {
	b.Helper()
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"ScimUser", "ScimGroup", "ScimGroupMembers"} {
		mapper.Add(scimv1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	config := &rest.Config{Host: "http://api.example.com", Transport: body}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		b.Fatal(err)
	}
	watching, err := NewWatchClient(c, config)
	if err != nil {
		b.Fatal(err)
	}
	return watching
}
