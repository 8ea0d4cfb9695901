package contract

import coordinationv1 "k8s.io/api/coordination/v1"

// Servers of the release before know tokens by a Secret, <tenant>-scim-verifiers, that has
// the hashes of all of a tenant's tokens. What is here goes with them.
const (
	// AnnotationVerifiersVersion, on the Lease of a pod of the release before, is the
	// resourceVersion of the verifiers Secret whose content the pod is using. The pod
	// updates it when that changes, as soon as it does nothing any more under a key that
	// is not in it. It is absent until the pod has read the Secret for the first time.
	AnnotationVerifiersVersion = "scim.kubescim.dev/verifiers-version"
	// NoVerifiers is the value of AnnotationVerifiersVersion when the Secret
	// does not exist.
	NoVerifiers = "0"
)

// VerifiersName returns the name of the Secret that has the verifiers of a
// tenant's keys.
func VerifiersName(tenant string) string { return ServiceName(tenant) + "-verifiers" }

// GoesByVerifiers reports whether a Lease is that of a pod of the release before, which
// knows tokens by the verifiers Secret and sees no ScimCredentials.
func GoesByVerifiers(lease coordinationv1.Lease) bool {
	_, old := lease.Annotations[AnnotationVerifiersVersion]
	_, anew := lease.Annotations[AnnotationCredentialsRevision]
	return old && !anew
}

// goesBy reports whether a pod of the release before goes by the verifiers Secret of
// resourceVersion wanted or by a newer one; with NoVerifiers, whether it knows that there
// is no Secret; and with "", never.
func goesBy(lease coordinationv1.Lease, wanted string) bool {
	version := lease.Annotations[AnnotationVerifiersVersion]
	if wanted == NoVerifiers || version == NoVerifiers {
		return version == wanted
	}
	return reached(version, wanted)
}
