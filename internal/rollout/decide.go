package rollout

// Decision is what becomes of the Deployment of a server.
type Decision struct {
	// Write is true if the Deployment is to be written, with Record on it. It may else be
	// scaled, but its pods stay of the release that they are of.
	Write  bool
	Record Record
	// Turn is why it is not written.
	Turn Turn
}

// Deployment is what is known of the Deployment of a server when it is decided about.
type Deployment struct {
	// Exists is false if there is none yet.
	Exists bool
	// Was is what is noted on it, and Wanted is what is to be.
	Was, Wanted Record
	// Edited is true if the spec of the server's owner has changed since it was last
	// acted upon. It is what tells where nothing is noted.
	Edited bool
}

// Decide says whether the Deployment of a server is written now. What its owner asks for,
// and what restarts no pod, passes at once, as does a new server. turn is called for the
// rest.
func Decide(d Deployment, turn func() Turn) Decision {
	was, wanted := d.Was, d.Wanted
	switch {
	case d.Exists && was.Template == wanted.Template && was.Release == wanted.Release:
		wanted.Staged = was.Staged
		return Decision{Write: true, Record: wanted}
	case !d.Exists, was.Release == wanted.Release, was.Template == wanted.Template:
		return Decision{Write: true, Record: wanted}
	case was == (Record{}) && d.Edited, was != (Record{}) && was.Shape != wanted.Shape:
		return Decision{Write: true, Record: wanted}
	}
	due := turn()
	wanted.Staged = due.Now
	return Decision{Write: due.Now, Record: wanted, Turn: due}
}
