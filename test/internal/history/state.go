package history

import (
	"fmt"
	"slices"
	"strings"
)

// state is what a single server knows about the users of one prefix. States are
// never changed, only derived.
type state struct {
	// users are those that SCIM knows, by canonical userName. The id is empty
	// for one who was created by a request without an answer, until an answer
	// tells it.
	users []User
	// graves are the deleted ones.
	graves []grave
	// key is equal for equal states and for no others.
	key string
}

// grave is a user who was deleted.
type grave struct{ id, canonicalName string }

// canonical is what a userName is compared by: it is case-insensitive (RFC 7643
// section 4.1.1). Those in histories are ASCII.
func canonical(userName string) string { return strings.ToLower(userName) }

func newState(users []User, graves []grave) state {
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(canonical(a.UserName), canonical(b.UserName)) })
	slices.SortFunc(graves, func(a, b grave) int { return strings.Compare(a.id, b.id) })
	var key strings.Builder
	for _, u := range users {
		fmt.Fprintf(&key, "%q %q %q %t\n", u.ID, u.UserName, u.DisplayName, u.Active)
	}
	for _, g := range graves {
		fmt.Fprintf(&key, "%q %q\n", g.id, g.canonicalName)
	}
	return state{users: users, graves: graves, key: key.String()}
}

// byID returns the user with the id.
func (s state) byID(id string) (User, bool) {
	return find(s.users, func(u User) bool { return u.ID == id })
}

// byName returns the user who has the userName, in whatever case.
func (s state) byName(userName string) (User, bool) {
	name := canonical(userName)
	return find(s.users, func(u User) bool { return canonical(u.UserName) == name })
}

func find[T any](list []T, matches func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(list, matches); i >= 0 {
		return list[i], true
	}
	return found, false
}

// unused reports whether the id has never been a user's.
func (s state) unused(id string) bool {
	_, alive := s.byID(id)
	_, dead := find(s.graves, func(g grave) bool { return g.id == id })
	return !alive && !dead
}

// with returns the state with a user who was not known before, and who is taken
// out of the graves if there.
func (s state) with(user User) state {
	graves := slices.DeleteFunc(slices.Clone(s.graves), func(g grave) bool { return g.id == user.ID })
	return newState(append(slices.Clone(s.users), user), graves)
}

// without returns the state after the deletion of a user.
func (s state) without(user User) state {
	users := slices.DeleteFunc(slices.Clone(s.users), func(u User) bool { return u.ID == user.ID })
	return newState(users, append(slices.Clone(s.graves), grave{id: user.ID, canonicalName: canonical(user.UserName)}))
}

// replaced returns the state with a user in the place of the one before.
func (s state) replaced(before, after User) state {
	users := slices.Clone(s.users)
	users[slices.Index(users, before)] = after
	return newState(users, slices.Clone(s.graves))
}

// showing returns the state that an answer with this user agrees with: this one,
// or the one in which the user's id is no longer open.
func (s state) showing(shown User) (state, bool) {
	user, exists := s.byName(shown.UserName)
	if !exists {
		return state{}, false
	}
	if user.ID != "" || !s.unused(shown.ID) {
		return s, user == shown
	}
	named := user
	named.ID = shown.ID
	return s.replaced(user, named), named == shown
}
