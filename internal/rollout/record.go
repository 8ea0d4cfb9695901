// Package rollout decides which servers get a new release of the operator when: a few at a
// time, and no more of them while these do not become ready. It goes by the Deployments of
// all servers and by what it has noted on them, so that an operator that starts again goes
// on where the one before was. Nothing here talks to an API server.
package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Annotation is where a Record is, on the Deployment of a server.
const Annotation = "scim.kubescim.dev/rollout"

// Record says what a Deployment was written from.
type Record struct {
	// Release is the Fingerprint of what the operator gives to all servers: the image, the
	// arguments, the defaults, and how it builds a pod.
	Release string `json:"release"`
	// Shape is the Fingerprint of what the owner of the server asks for.
	Shape string `json:"shape"`
	// Template is the Fingerprint of the pod template.
	Template string `json:"template"`
	// Staged is true if the template came in its turn: only such a roll-out takes a place.
	Staged bool `json:"staged,omitempty"`
}

// ReadRecord returns what is noted on a Deployment; the zero Record if that was written by
// a release that noted nothing, or cannot be read.
func ReadRecord(annotations map[string]string) Record {
	var r Record
	if err := json.Unmarshal([]byte(annotations[Annotation]), &r); err != nil {
		return Record{}
	}
	return r
}

// String is the value of the Annotation.
func (r Record) String() string {
	text, err := json.Marshal(r)
	if err != nil {
		return ""
	}
	return string(text)
}

// Fingerprint is the same for values with the same JSON, in every process.
func Fingerprint(values ...any) (string, error) {
	hash := sha256.New()
	if err := json.NewEncoder(hash).Encode(values); err != nil {
		return "", fmt.Errorf("fingerprinting what a server is made from: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}
