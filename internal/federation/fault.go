package federation

import "slices"

// Fault is why an assertion does not stand for a key.
type Fault string

// What may be wrong with an assertion, in the order in which it is looked at.
const (
	Malformed     Fault = "Malformed"     // it is no JWT that is signed as it must be
	UnknownIssuer Fault = "UnknownIssuer" // no key is for its issuer
	Unavailable   Fault = "Unavailable"   // its issuer's keys are not to be had
	UnknownSigner Fault = "UnknownSigner" // its issuer has no such key
	Forged        Fault = "Forged"        // it claims that a key has signed it, which has not
	Incomplete    Fault = "Incomplete"    // it is signed, and lacks what it must say, or cannot be read
	OtherAudience Fault = "OtherAudience" // it is for somebody else
	OtherClaims   Fault = "OtherClaims"   // it is about somebody else
	Expired       Fault = "Expired"
	Early         Fault = "Early"    // it is not good yet, or was issued in the future
	Outdated      Fault = "Outdated" // it was issued before the tenant's credentialsNotBefore
)

var order = []Fault{
	Malformed, UnknownIssuer, Unavailable, UnknownSigner, Forged, Incomplete, OtherAudience, OtherClaims, Expired, Early, Outdated,
}

// After reports whether what is wrong with an assertion was found out later than another
// fault: whether more of it is right.
func (f Fault) After(other Fault) bool { return slices.Index(order, f) > slices.Index(order, other) }
