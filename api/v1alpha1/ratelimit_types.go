package v1alpha1

// RateLimit says how many requests there may be in a time, over all server pods together.
// Each operation of a bulk request counts as one that writes.
// +kubebuilder:validation:MinProperties=1
type RateLimit struct {
	// requestsPerSecond is how many requests may come in a second.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerSecond int32 `json:"requestsPerSecond,omitempty"`

	// writesPerSecond is how many of them may be writes: POST, PUT, PATCH and DELETE, but
	// for searches.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	WritesPerSecond int32 `json:"writesPerSecond,omitempty"`

	// burst is how many requests, and how many writes, may come at once after a time with
	// fewer. Twice what may come in a second when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2000000
	Burst int32 `json:"burst,omitempty"`
}

// RequestBurst returns how many requests may come at once.
func (r RateLimit) RequestBurst() int32 { return r.burstOf(r.RequestsPerSecond) }

// WriteBurst returns how many writes may come at once.
func (r RateLimit) WriteBurst() int32 { return r.burstOf(r.WritesPerSecond) }

func (r RateLimit) burstOf(perSecond int32) int32 {
	const seconds = 2 // of the rate, when no burst is said
	if r.Burst == 0 {
		return seconds * perSecond
	}
	return r.Burst
}
