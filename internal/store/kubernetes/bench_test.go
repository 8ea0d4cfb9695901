package kubernetes

import (
	"context"
	"encoding/json"
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

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// Events as an API server sends them, but for the name, revision and MEMBERS.
const (
	eventMeta = `"metadata":{"annotations":{"example.com/note":"imported"},"creationTimestamp":"2026-11-26T09:27:09Z","generation":1,` +
		`"labels":{"scim.kubescim.dev/tenant":"acme"},"managedFields":[{"apiVersion":"scim.kubescim.dev/v1alpha1","fieldsType":"FieldsV1",` +
		`"fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:scim.kubescim.dev/tenant":{}}},"f:spec":{}},` +
		`"manager":"scim/59c91af7-61a0-40ac-8366-8327e4575d11","operation":"Update","time":"2026-11-26T09:27:09Z"}],` +
		`"name":"%[1]s","namespace":"default","resourceVersion":"%[2]d","uid":"b5a8741a-900e-4fb5-a98e-56c2de405757"}`
	eventSpecMeta = `"meta":{"createdTime":"2026-11-26T09:27:09.428679Z","keyID":"6b187e5f-82cf-42fa-83e6-e5e402d354e4",` +
		`"lastModifiedTime":"2026-11-26T09:27:09.428679Z","requestID":"a4a10f97-46a7-40c1-b66c-16f7ab6ca6af"}`
	userEvent = `{"type":"ADDED","object":{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimUser",` + eventMeta + `,"spec":{` +
		`"active":true,"displayName":"Alice Martin","emails":[{"primary":true,"type":"work","value":"Alice.Martin%[2]d@acme.example.com"}],` +
		`"enterprise":{"department":"Research","employeeNumber":"%[2]d","manager":{"value":"b4f021e6-3899-4bae-8b9e-0a966bb5a5fe"}},` +
		`"externalId":"0a21f0f2-8d2a-4f8e-bf98-%[1]s",` + eventSpecMeta + `,` +
		`"name":{"familyName":"Martin","formatted":"Alice Martin","givenName":"Alice"},"phoneNumbers":[{"type":"work","value":"+1-555-0100"}],` +
		`"preferredLanguage":"en-US","tenantRef":{"name":"acme"},"title":"Engineer","userName":"Alice.Martin%[2]d@acme.example.com"}}}` + "\n"
	groupEvent = `{"type":"ADDED","object":{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimGroup",` + eventMeta + `,"spec":{` +
		`"displayName":"Team %[2]d","externalId":"0a21f0f2-8d2a-4f8e-bf98-%[1]s","memberCount":100,"members":[MEMBERS],` +
		eventSpecMeta + `,"tenantRef":{"name":"acme"}}}}` + "\n"
	sliceEvent = `{"type":"ADDED","object":{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimGroupMembers",` + eventMeta + `,"spec":{` +
		`"groupRef":{"name":"%[1]s"},"members":[MEMBERS],` + eventSpecMeta + `,"tenantRef":{"name":"acme"}}}}` + "\n"
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

// BenchmarkReflector takes one event from the bytes of its watch into the index, or one object
// from those of the list at the beginning.
func BenchmarkReflector(b *testing.B) {
	for kind, format := range map[string]string{"user": userEvent, "group of 100": groupEvent, "slice of 100": sliceEvent} {
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
			memory := NewCache(benchClient(b, body), client.ObjectKey{Namespace: "default", Name: "acme"}, slog.New(slog.DiscardHandler))
			reflectors := map[string]*reflector{}
			for i, f := range memory.reflectors(content{registry: registry}) {
				reflectors[[]string{"user", "group of 100", "slice of 100"}[i]] = f
			}
			reflectors[kind].revision = revision
			read, put := 0, reflectors[kind].put
			reflectors[kind].put = func(object client.Object) error {
				read++
				return put(object)
			}
			b.SetBytes(int64(len(events[0])))
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := reflectors[kind].once(context.Background()); err != nil || read != b.N {
				b.Fatalf("%d objects of %d: %v", read, b.N, err)
			}
		}
		b.Run(kind, func(b *testing.B) { run(b, &endless{events: events, left: b.N}, "1") })
		b.Run(kind+" in a list", func(b *testing.B) { run(b, endlessList(events, b.N), "") })
	}
}

// BenchmarkUser is what a write does besides its calls to the API server: it makes an
// object of a user, and a user of the object in the answer.
func BenchmarkUser(b *testing.B) {
	s := newStore(nil, "default")
	var event struct{ Object *v1alpha1.ScimUser }
	if err := json.Unmarshal(fmt.Appendf(nil, userEvent, uuid.NewString(), 100_000), &event); err != nil {
		b.Fatal(err)
	}
	read, err := codec.Decode("acme", registry.User(), event.Object)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.Encode(s.tenant, &v1alpha1.ScimUser{}, read.Resource, event.Object.Spec.Meta); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.Decode("acme", registry.User(), event.Object); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benchClient returns a client whose API server is the body of a watch.
func benchClient(b *testing.B, body *endless) client.WithWatch {
	b.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"ScimUser", "ScimGroup", "ScimGroupMembers"} {
		mapper.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
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
