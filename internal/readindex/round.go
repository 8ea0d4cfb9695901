package readindex

import (
	"errors"
	"slices"
)

func (e RoundEnded) apply(c *Core) {
	state := ReadState{History: e.View.History}
	for _, answer := range e.Answers {
		state.Err = errors.Join(state.Err, c.answered(e.View, answer))
	}
	c.departed = nil // No later round has them in its View.
	c.emit(state)
}

// answered returns why an answer does not count; nil when it does.
func (c *Core) answered(view *View, answer Answer) error {
	switch {
	case answer.Err == nil && answer.History != view.History && !answer.NoHistory:
		return errRewritten // They are Revisions of another history.
	case slices.Contains(c.departed, answer.Link):
		return nil // What a peer acknowledged that left in the meantime is in the own ones.
	default:
		return answer.Err
	}
}

func (e Disconnected) apply(c *Core) {
	if p := c.peers.find(func(p *peer) bool { return p.link == e.Link }); p != nil {
		c.cut(p)
		c.log(Warn, "a replica did not answer; reads go to the API server until it does, or is gone", "replica", p.name, "error", e.Err)
	}
}
