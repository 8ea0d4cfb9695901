// Package eventsink has the events by which others hear of changes of users and groups: what they
// say, in the words of RFC 9967, and in which form, as security event tokens (RFC 8417) or as CloudEvents
// 1.0. An event is made of the state that there is, and not of what was done: whoever has missed some
// gets the last one. Package sender sends them.
package eventsink

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

// URIs of events (RFC 9967 section 2.4, and the OpenID Continuous Access Evaluation Profile 1.0).
const (
	PutNotice      = "urn:ietf:params:scim:event:prov:put:notice"
	PutFull        = "urn:ietf:params:scim:event:prov:put:full"
	Activate       = "urn:ietf:params:scim:event:prov:activate"
	Deactivate     = "urn:ietf:params:scim:event:prov:deactivate"
	Delete         = "urn:ietf:params:scim:event:prov:delete"
	SessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
)

// MostMembers is how many members a group has at most whose event says who they are.
const MostMembers = 1000

// Event is what is said of a user or group.
type Event struct {
	// Path is where it is, below the base URL of its tenant: /Users/<id>.
	Path string
	// ExternalID is the client's own id; empty when there is none, or nothing is said of it.
	ExternalID string
	// Revision grows with each change of it.
	Revision uint64
	// Type is the URI that is most to the point of those in Payloads.
	Type string
	// Payloads are what is said, by the URIs of events.
	Payloads map[string]any

	user bool // it is of one
}

// put is the payload of PutNotice and PutFull, which has either attributes or data.
type put struct {
	Version    string          `json:"version"`
	Attributes []string        `json:"attributes,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

// nothing is the payload of an event without one.
type nothing struct{}

// Of returns the event about a resource in the state. It says all that a client reads of it at the base
// URL if full is true, and there are not too many members.
func Of(t *schema.ResourceType, id string, state index.State, full bool, baseURL string) (Event, error) {
	e := Event{Path: t.Endpoint + "/" + id, Revision: state.Revision, Type: Delete, Payloads: map[string]any{}, user: store.IsUser(t)}
	if state.Deleted {
		e.Payloads[Delete] = nothing{}
		return e, nil
	}
	says := put{Version: state.Resource.Meta().Version}
	if full && state.Whole {
		data, err := render.Resource(t, state.Resource, nil, baseURL)
		if err != nil {
			return Event{}, fmt.Errorf("writing %s for an event: %w", e.Path, err)
		}
		e.Type, e.ExternalID, says.Data = PutFull, state.Resource.ExternalID(), data
	} else {
		e.Type, says.Attributes = PutNotice, attributes(t, state)
	}
	e.Payloads[e.Type] = says
	if e.user {
		activity := Deactivate
		if store.TakesSeat(state.Resource) {
			activity = Activate
		}
		e.Payloads[activity] = nothing{}
	}
	return e, nil
}

// attributes are the names of those that a resource has.
func attributes(t *schema.ResourceType, state index.State) []string {
	names := scim.NewResource(t, nil).Changed(state.Resource)
	if !state.Whole {
		names = append(names, t.Derived().Name)
	}
	return names
}

// revoked is the payload of SessionRevoked.
type revoked struct {
	Time      int64  `json:"event_timestamp"`
	Initiator string `json:"initiating_entity"`
}

// Revocation returns the event that the sessions of a user are over, of one that says that it is
// inactive or deleted; false of any other.
func (e Event) Revocation(now time.Time) (Event, bool) {
	_, deactivated := e.Payloads[Deactivate]
	_, deleted := e.Payloads[Delete]
	if !deactivated && (!deleted || !e.user) {
		return Event{}, false
	}
	return Event{
		Path: e.Path, ExternalID: e.ExternalID, Revision: e.Revision, Type: SessionRevoked,
		Payloads: map[string]any{SessionRevoked: revoked{Time: now.Unix(), Initiator: "system"}},
	}, true
}
