// Package store says what a SCIM server needs of the place that keeps its
// users and groups. The backends are memory and kubernetes; the package
// conformance holds what both must do.
//
// One Store serves one tenant. It is safe for concurrent use, and several
// Stores over the same data (one for each replica of a server) behave as one:
// a read never misses a write that any of them has acknowledged, and no two
// users ever hold one userName.
package store

import (
	"context"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/scim/sorting"
)

// Store keeps the users and groups of one tenant.
//
// Errors that are the client's or that a client can act on are, or wrap, a
// *scim.Error: 404 for an unknown id, 409 uniqueness for a name that somebody
// holds, 412 for a Precondition that does not hold, 400 for what the store
// cannot keep, 429 and 503 where trying again later helps.
type Store interface {
	// Create keeps a new resource and returns it with its id and meta. Unless
	// Policy.RefuseRecreation is set, a user whose userName is that of a kept one
	// gets that one's id.
	Create(ctx context.Context, resource *scim.Resource, policy Policy) (*scim.Resource, error)

	// Get returns the resource with the id. Attributes that the view does not
	// want may be missing.
	Get(ctx context.Context, t *schema.ResourceType, id string, view View) (*scim.Resource, error)

	// Update changes the resource with the id to what change makes of it, and
	// returns the state that it made. change is called again, with newer state,
	// when somebody else wrote at the same time; it must not alter its argument.
	// A change to nothing writes nothing.
	Update(ctx context.Context, t *schema.ResourceType, id string, change Change, options UpdateOptions) (*scim.Resource, error)

	// Delete makes the resource unknown to SCIM and takes it out of every
	// group. Policy.KeepDeletedUsers decides whether a deleted user is kept for Create
	// to bring back.
	Delete(ctx context.Context, t *schema.ResourceType, id string, options DeleteOptions) error

	// List returns the page of the resources that the query asks for.
	List(ctx context.Context, t *schema.ResourceType, query Query) (*Page, error)
}

// Change makes the next state of a resource from its current one. Returning an
// error makes Update return that error and write nothing.
type Change func(current *scim.Resource) (*scim.Resource, error)

// Precondition reports whether a resource with the entity tag may be written
// (If-Match and If-None-Match, RFC 7644 section 3.14). nil always holds.
type Precondition func(version string) bool

// UpdateOptions go with one Update.
type UpdateOptions struct {
	Precondition Precondition
	Policy       Policy
	View         View
	// Members, when not nil, are changes of the members of a group, made after
	// Change, which then gets and returns the group without members. So a change
	// costs what it changes and not what the group holds. A member that is added
	// is settled as one in the group itself would be.
	Members []scim.MemberChange
	// ReplacesMembers says that what Change makes of a group does not depend on the
	// members that it has, which Change then may not get.
	ReplacesMembers bool
	// Changed, if set, is called with the names of the attributes that the update has changed, as
	// scim.Resource.Changed has them, if it has changed any: also when it fails after that.
	Changed func(names []string)
}

// NoteChanged says that the update has changed the attributes of these names.
func (o UpdateOptions) NoteChanged(names []string) {
	if o.Changed != nil && len(names) > 0 {
		o.Changed(names)
	}
}

// DeleteOptions go with one Delete.
type DeleteOptions struct {
	Precondition Precondition
	Policy       Policy
	// Undoes says that the request has created the resource itself, and that Precondition lets it be deleted in that
	// state alone: nobody has gone then, so that no guard is asked or counts it, and it is not kept. A user whom
	// the creation has brought back is deleted as any other, and so kept again.
	Undoes bool
}

// Uncreates reports whether the deletion of a resource undoes its creation. One that was brought back is older than its
// present state.
func (o DeleteOptions) Uncreates(current *scim.Resource) bool {
	meta := current.Meta()
	return o.Undoes && o.Precondition != nil && (IsGroup(current.Type()) || meta.Created.Equal(meta.LastModified))
}

// View says which of the attributes that cost extra work are wanted. The zero
// View wants them all.
type View struct {
	// WithoutGroups leaves out a user's groups.
	WithoutGroups bool
	// WithoutMembers leaves out a group's members.
	WithoutMembers bool
	// Memory, if set, acquires memory, in bytes, before what is wanted takes so much of it
	// that it matters; its error is returned. Of an update, nothing has been written then.
	// It does not wait: others wait for the caller meanwhile.
	Memory func(ctx context.Context, bytes int64) error
}

// memberWeight is about how much memory a member of a group takes that is to be sent,
// in bytes: as a reference and as JSON.
const memberWeight = 300

// Weight is about how much memory, in bytes, the members of groups take, if the view
// wants them.
func (v View) Weight(members int) int64 {
	if v.WithoutMembers {
		return 0
	}
	return int64(members) * memberWeight
}

// Acquire acquires so much memory, in bytes, as Memory has it. Without that there is no bound.
func (v View) Acquire(ctx context.Context, bytes int64) error {
	if v.Memory == nil || bytes == 0 {
		return nil
	}
	return v.Memory(ctx, bytes)
}

// ViewOf returns the view that a projection needs; a nil projection needs all.
func ViewOf(p *render.Projection) View {
	if p == nil {
		return View{}
	}
	return View{WithoutGroups: !p.Wants("groups"), WithoutMembers: !p.Wants("members")}
}

// Query says which resources to list, in which order, and which page of them.
type Query struct {
	// Filter chooses the resources; nil chooses all.
	Filter *filter.Filter
	// Sort orders them; nil orders by time of creation, then id.
	Sort *sorting.Sort
	// StartIndex is the 1-based index of the first one to return.
	StartIndex int
	// After, when set, is the position to go on from instead of StartIndex.
	After *Position
	// Count is the number to return at the most; 0 returns TotalResults only.
	Count int
	View  View
}

// Position is a place in a list that stays where it is while resources come and
// go: right behind a resource.
type Position struct {
	// Created is when that resource was created.
	Created time.Time
	// ID is its id.
	ID string
}

// PositionOf returns the position right behind the resource.
func PositionOf(r *scim.Resource) Position {
	return Position{Created: r.Meta().Created, ID: r.ID()}
}

// Page is one page of a list.
type Page struct {
	// TotalResults is the number of resources that the filter chose.
	TotalResults int
	Resources    []*scim.Resource
	// More reports whether the filter chose resources behind those of the page.
	More bool
}
