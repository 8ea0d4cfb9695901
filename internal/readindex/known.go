package readindex

// known are the marks of a peer as far as this replica knows them: those of each tenant are at
// least what the peer had acknowledged at the version.
type known struct {
	// version is the highest that was learned; valid is false while the marks as of it are not
	// there.
	version uint64
	valid   bool
	floor   Revisions
	above   map[Tenant]Revisions
}

// learn applies changes, and reports whether what is known covers their version then.
func (k *known) learn(c Changes) bool {
	switch {
	case k.valid && c.Version <= k.version:
		return true
	case c.Version < k.version:
		return false
	case c.Base == 0:
		k.floor, k.above = c.Floor, nil
	case !k.valid || c.Base > k.version:
		return false
	}
	k.version, k.valid = c.Version, true
	k.floor = k.floor.Max(c.Floor)
	for _, changed := range c.Marks {
		k.raise(changed)
	}
	return true
}

// raise raises the marks of one tenant.
func (k *known) raise(to Mark) {
	if k.above == nil {
		k.above = map[Tenant]Revisions{}
	}
	k.above[to.Tenant] = k.above[to.Tenant].Max(to.Revisions)
	if len(k.above) > maxMarked {
		k.floor, k.above = k.max(), nil
	}
}

// max is what is known for all tenants.
func (k *known) max() Revisions {
	highest := k.floor
	for _, revisions := range k.above {
		highest = highest.Max(revisions)
	}
	return highest
}

// of is what is known for one tenant.
func (k *known) of(tenant Tenant) Revisions { return k.floor.Max(k.above[tenant]) }

// have is the version that is known; 0 while none is.
func (k *known) have() uint64 {
	if !k.valid {
		return 0
	}
	return k.version
}

// forget forgets the marks, but not which version they were of: one before it is older than
// what the peer may rely on being known.
func (k *known) forget() { *k = known{version: k.version} }
