package suite

// Federated is a client of the tenant under test that has no secret: tokens of another issuer
// stand for it (RFC 7523 section 2.2).
type Federated struct {
	ID string
	// Assertion is such a token.
	Assertion string
	// Refused are tokens of the same issuer that stand for nobody, such as one for another
	// audience, about another subject, or one that has expired.
	Refused []string
}

// Secrets are the assertions, none of which may be in a report.
func (f Federated) Secrets() []string { return append([]string{f.Assertion}, f.Refused...) }

// AssertionType is the type of an assertion that is a JWT (RFC 7523 section 2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// AssertionForm is the parameters of a request for an access token with an assertion, and
// more.
func AssertionForm(assertion string, more ...string) string {
	return Form(append([]string{
		"grant_type", "client_credentials", "client_assertion_type", AssertionType, "client_assertion", assertion,
	}, more...)...)
}
