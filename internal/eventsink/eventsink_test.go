package eventsink

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	base = "https://scim.example.com/scim/v2"
	id   = "2819c223-7f76-453a-919d-413861904646"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func registry(t *testing.T) *schema.Registry {
	t.Helper()
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func user(t *schema.ResourceType, active bool) index.State {
	r := scim.NewResource(t, scim.Complex{"id": id, "userName": "babs@example.com", "externalId": "7", "active": active})
	r.SetMeta(scim.Meta{Version: `W/"3-a"`})
	return index.State{Revision: 42, Resource: r, Whole: true}
}

func event(t *testing.T, of *schema.ResourceType, state index.State, full bool) Event {
	t.Helper()
	e, err := Of(of, id, state, full, base)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// uris are those of an event, in order.
func uris(e Event) []string {
	var all []string
	for uri := range e.Payloads {
		all = append(all, uri)
	}
	slices.Sort(all)
	return all
}

func TestWhatEventsSay(t *testing.T) {
	r := registry(t)
	group := scim.NewResource(r.Group(), scim.Complex{"id": id, "displayName": "Staff"})
	for name, tc := range map[string]struct {
		of    *schema.ResourceType
		state index.State
		full  bool
		uris  []string
		says  string // what is in the JSON
		hides string // what is not
	}{
		"an active user":              {r.User(), user(r.User(), true), false, []string{Activate, PutNotice}, `"attributes":["externalId","userName","active"]`, "babs"},
		"an inactive user":            {r.User(), user(r.User(), false), false, []string{Deactivate, PutNotice}, `W/\"3-a\"`, "babs"},
		"all of a user":               {r.User(), user(r.User(), true), true, []string{Activate, PutFull}, `"userName":"babs@example.com"`, `"attributes"`},
		"a deleted user":              {r.User(), index.State{Revision: 42, Deleted: true}, true, []string{Delete}, `"urn:ietf:params:scim:event:prov:delete":{}`, "babs"},
		"a group":                     {r.Group(), index.State{Revision: 42, Resource: group, Whole: true}, false, []string{PutNotice}, `"displayName"`, "Staff"},
		"all of a group":              {r.Group(), index.State{Revision: 42, Resource: group, Whole: true}, true, []string{PutFull}, `"displayName":"Staff"`, `"attributes"`},
		"a group of too many members": {r.Group(), index.State{Revision: 42, Resource: group}, true, []string{PutNotice}, `"members"`, "Staff"},
	} {
		t.Run(name, func(t *testing.T) {
			e := event(t, tc.of, tc.state, tc.full)
			text, err := json.Marshal(e.Payloads)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(uris(e), tc.uris) || !strings.Contains(string(text), tc.says) || strings.Contains(string(text), tc.hides) {
				t.Errorf("it says %s", text)
			}
			if e.Path != tc.of.Endpoint+"/"+id || e.Revision != 42 || e.Payloads[e.Type] == nil {
				t.Errorf("it is %+v", e)
			}
			if named := e.ExternalID != ""; named != (name == "all of a user") {
				t.Errorf("it has the external id %q", e.ExternalID)
			}
		})
	}
}

func TestRevocation(t *testing.T) {
	r := registry(t)
	deleted := index.State{Revision: 42, Deleted: true}
	for name, tc := range map[string]struct {
		event Event
		want  bool
	}{
		"an active user":   {event(t, r.User(), user(r.User(), true), false), false},
		"an inactive user": {event(t, r.User(), user(r.User(), false), false), true},
		"a deleted user":   {event(t, r.User(), deleted, false), true},
		"a deleted group":  {event(t, r.Group(), deleted, false), false},
	} {
		revocation, is := tc.event.Revocation(now)
		if is != tc.want || is && (!slices.Equal(uris(revocation), []string{SessionRevoked}) || revocation.Path != tc.event.Path) {
			t.Errorf("%s: %+v, %t", name, revocation, is)
		}
	}
}

func origin(t *testing.T) Origin {
	t.Helper()
	key, err := signingkey.New(now, now)
	if err != nil {
		t.Fatal(err)
	}
	return Origin{Issuer: base, Audience: "https://app.example.com/events", Key: key, Now: now}
}

// published returns the key of an origin as everybody gets it.
func published(t *testing.T, from Origin) jose.JSONWebKeySet {
	t.Helper()
	data, err := signingkey.Set{from.Key}.Published()
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil || len(set.Keys) != 1 || !set.Keys[0].IsPublic() {
		t.Fatalf("%s is published: %v", data, err)
	}
	return set
}

func TestTokens(t *testing.T) {
	from := origin(t)
	r := registry(t)
	e := event(t, r.User(), user(r.User(), false), false)
	message, err := e.Token(from)
	if err != nil || message.ContentType != "application/secevent+jwt" || message.Signature != "" {
		t.Fatalf("%+v, %v", message, err)
	}
	token, err := jwt.ParseSigned(string(message.Body), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || token.Headers[0].ExtraHeaders[jose.HeaderType] != "secevent+jwt" || token.Headers[0].KeyID != from.Key.ID {
		t.Fatalf("%+v, %v", token, err)
	}
	var said map[string]any
	if err := token.Claims(published(t, from), &said); err != nil {
		t.Fatal(err)
	}
	if said["iss"] != base || said["aud"] != from.Audience || said["txn"] != "42" || said["revision"] != 42.0 || said["sub"] != nil ||
		said["exp"] != nil || said["sub_id"].(map[string]any)["uri"] != "/Users/"+id || said["sub_id"].(map[string]any)["format"] != "scim" {
		t.Errorf("it says %v", said)
	}
	again, err := e.Token(Origin{Issuer: base, Audience: from.Audience, Key: from.Key, Now: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	second, _ := jwt.ParseSigned(string(again.Body), []jose.SignatureAlgorithm{jose.EdDSA})
	var repeated map[string]any
	if err := second.Claims(published(t, from), &repeated); err != nil || repeated["jti"] != said["jti"] || said["jti"] == "" {
		t.Errorf("sent again, it has the id %v, and not %v: %v", repeated["jti"], said["jti"], err)
	}
}

func TestCloudEvents(t *testing.T) {
	from := origin(t)
	r := registry(t)
	e := event(t, r.User(), user(r.User(), true), true)
	message, err := e.CloudEvent(from)
	if err != nil || message.ContentType != "application/cloudevents+json" {
		t.Fatalf("%+v, %v", message, err)
	}
	var said map[string]any
	if err := json.Unmarshal(message.Body, &said); err != nil {
		t.Fatal(err)
	}
	if said["specversion"] != "1.0" || said["source"] != base || said["type"] != PutFull || said["subject"] != "/Users/"+id ||
		said["sequence"] != "00000000000000000042" || said["data"].(map[string]any)["revision"] != 42.0 {
		t.Errorf("it says %v", said)
	}
	signature, err := jose.ParseDetached(message.Signature, message.Body, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	if err := signature.DetachedVerify(message.Body, published(t, from).Keys[0]); err != nil {
		t.Errorf("its signature is not good: %v", err)
	}
	if err := signature.DetachedVerify(append(message.Body, ' '), published(t, from).Keys[0]); err == nil {
		t.Error("its signature is good for another one")
	}
}

func TestPause(t *testing.T) {
	for name, tc := range map[string]struct {
		failures   int
		retryAfter string
		want       time.Duration
	}{
		"the first one":           {1, "", time.Second},
		"the third one":           {3, "", 4 * time.Second},
		"the seventh one":         {7, "", time.Minute},
		"the thousandth one":      {1000, "", time.Minute},
		"seconds":                 {1, "30", 30 * time.Second},
		"fewer seconds":           {4, "1", 8 * time.Second},
		"a time":                  {1, "Fri, 01 May 2026 12:02:00 GMT", 2 * time.Minute},
		"a time that has passed":  {1, "Fri, 01 May 2026 11:02:00 GMT", time.Second},
		"for longer than is good": {1, "65000", 10 * time.Minute},
		"for ever":                {1, "99999999999", time.Second},
		"no time":                 {2, "soon", 2 * time.Second},
	} {
		if got := Pause(tc.failures, tc.retryAfter, now); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
