package idp

// generic is any client that keeps to the RFCs, and the profile for one that is not
// known. Attributes and schemas that no schema defines are refused.
var generic = Profile{Name: "Generic", Leniency: harmless()}
