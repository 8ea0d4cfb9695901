package history

import (
	"hash/fnv"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// next returns the states that a server may be in after it has answered the
// request in this way; none if a single server cannot answer so. After an answer
// that leaves open whether the request is carried out, it has been: one that
// never is comes last in the order, where nobody sees it.
func (s state) next(request Request, answer Answer) []state {
	switch {
	case request.Kind == Create:
		return s.afterCreate(request, answer)
	case request.Kind.IsRead():
		return s.afterRead(request, answer)
	case request.Kind == TakeAway || request.Kind == PutBack:
		return []state{s.afterHand(request)}
	default:
		return s.afterChange(request, answer)
	}
}

// afterCreate is next for Create. A new id is one that never was another user's.
// A deleted user comes back only at a tenant that revives, and only under the
// userName that it had; a new user may come in its place, because the name may
// have been another's in between.
func (s state) afterCreate(request Request, answer Answer) []state {
	_, taken := s.byName(request.UserName)
	created := User{UserName: request.UserName, DisplayName: request.DisplayName, Active: true}
	var revivable []string
	for _, g := range s.graves {
		if request.Revives && g.canonicalName == canonical(request.UserName) {
			revivable = append(revivable, g.id)
		}
	}
	switch {
	case taken:
		return when(answer.Outcome == Taken || answer.Outcome == Unknown, s)
	case answer.Outcome == Unknown:
		states := []state{s.with(created)}
		for _, id := range revivable {
			created.ID = id
			states = append(states, s.with(created))
		}
		return states
	case answer.Outcome != Done || len(answer.Users) != 1:
		return nil
	}
	created.ID = answer.Users[0].ID
	possible := s.unused(created.ID) || slices.Contains(revivable, created.ID)
	return when(possible && created == answer.Users[0], s.with(created))
}

// afterRead is next for the reads.
func (s state) afterRead(request Request, answer Answer) []state {
	if answer.Outcome != Done {
		_, exists := s.byID(request.ID)
		return when(answer.Outcome == Unknown || request.Kind == ReadByID && !exists, s)
	}
	expected := len(s.users) // For List.
	switch request.Kind {
	case ReadByID:
		expected = 1
	case ReadByName:
		expected = 0
		if _, exists := s.byName(request.UserName); exists {
			expected = 1
		}
	}
	if len(answer.Users) != expected {
		return nil
	}
	for _, shown := range answer.Users {
		asked := request.Kind == List ||
			request.Kind == ReadByID && shown.ID == request.ID ||
			request.Kind == ReadByName && canonical(shown.UserName) == canonical(request.UserName)
		agreeing, agrees := s.showing(shown)
		if !asked || !agrees {
			return nil
		}
		s = agreeing
	}
	return []state{s}
}

// afterChange is next for what changes a user who exists.
func (s state) afterChange(request Request, answer Answer) []state {
	user, exists := s.byID(request.ID)
	holder, held := s.byName(request.UserName)
	taken := request.Kind == Rename && held && holder.ID != request.ID
	switch {
	case answer.Outcome == Missing:
		return when(!exists, s)
	case answer.Outcome == Taken:
		return when(taken, s)
	case !exists || taken:
		return when(answer.Outcome == Unknown, s)
	case request.Kind == Delete:
		return []state{s.without(user)}
	}
	changed := user
	switch request.Kind {
	case SetDisplayName:
		changed.DisplayName = request.DisplayName
	case SetActive:
		changed.Active = request.Active
	case Rename:
		changed.UserName = request.UserName
	}
	agrees := len(answer.Users) == 0 || answer.Users[0] == changed
	return when(agrees, s.replaced(user, changed))
}

// afterHand is the state after what was done past the server. What is put back is what it
// was, unless it is there. That nobody takes its name meanwhile is for who puts it back to
// see to: with a name that two have, it would be nobody's state.
func (s state) afterHand(request Request) state {
	user, exists := s.byID(request.ID)
	_, taken := s.byName(request.UserName)
	switch {
	case request.Kind == TakeAway && exists:
		return s.without(user)
	case request.Kind == PutBack && !exists && !taken:
		return s.with(User{ID: request.ID, UserName: request.UserName, DisplayName: request.DisplayName, Active: request.Active})
	}
	return s
}

// when returns the state if the condition holds.
func when(condition bool, s state) []state {
	if !condition {
		return nil
	}
	return []state{s}
}

// model is that of porcupine. Users of different prefixes are checked apart.
func model() porcupine.Model {
	nondeterministic := porcupine.NondeterministicModel{
		Partition: byPrefix,
		Init:      func() []any { return []any{newState(nil, nil)} },
		Step: func(before, input, output any) []any {
			var after []any
			for _, s := range before.(state).next(input.(Request), output.(Answer)) {
				after = append(after, s)
			}
			return after
		},
		Equal: func(a, b any) bool { return a.(state).key == b.(state).key },
		Hash: func(s any) uint64 {
			hash := fnv.New64a()
			_, _ = hash.Write([]byte(s.(state).key))
			return hash.Sum64()
		},
		DescribeOperation: func(input, output any) string { return describe(input.(Request), output.(Answer)) },
		DescribeState: func(s any) string {
			var lines []string
			for _, user := range s.(state).users {
				lines = append(lines, user.String())
			}
			return strings.Join(lines, "; ")
		},
	}
	return nondeterministic.ToModel()
}

// byPrefix parts a history by the prefix of its requests.
func byPrefix(history []porcupine.Operation) [][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	var prefixes []string
	for _, operation := range history {
		prefix := operation.Input.(Request).Prefix
		if parts[prefix] == nil {
			prefixes = append(prefixes, prefix)
		}
		parts[prefix] = append(parts[prefix], operation)
	}
	var parted [][]porcupine.Operation
	for _, prefix := range prefixes {
		parted = append(parted, parts[prefix])
	}
	return parted
}
