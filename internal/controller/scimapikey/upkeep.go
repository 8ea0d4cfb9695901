package scimapikey

// policy says whether one thing has to be done to a key whose token is handed over, as
// cert-manager's policies do for a certificate. It goes by nothing but what was gathered.
type policy func(*scope) (d decision, applies bool)

// upkeep are the policies, in the order in which they are asked. The first that applies
// decides, and the next pass asks all of them anew.
var upkeep = []policy{
	retireSuperseded,
	removeEnded,
	withdraw,
	forgetAcknowledgement,
	followURL,
	rotate,
}

// decideUpkeep says what comes next for a key whose token is handed over.
func decideUpkeep(s *scope) decision {
	for _, policy := range upkeep {
		if d, applies := policy(s); applies {
			return d
		}
	}
	return decision{}
}

// followURL writes the tenant's URL into the hand-over Secret when it has changed.
func followURL(s *scope) (d decision, applies bool) {
	return decision{step: stepFollowURL}, urlIsBehind(s)
}
