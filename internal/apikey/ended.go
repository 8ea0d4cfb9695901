package apikey

// Ended is a token that is accepted no more, and of which it is still known why.
type Ended struct {
	Verifier Verifier
	End      End
}

// End is why a token is accepted no more.
type End string

// Ends of tokens.
const (
	// EndExpired: its own time is over, or that of its key.
	EndExpired End = "Expired"
	// EndRevoked: it, or its key, is being deleted.
	EndRevoked End = "Revoked"
	// EndOutdated: it was made before the tenant's credentialsNotBefore.
	EndOutdated End = "Outdated"
)
