package driver

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

// leaseOf returns what a replica's Lease states.
func leaseOf(lease *coordinationv1.Lease) (readindex.Lease, error) {
	revision, err := strconv.ParseUint(lease.ResourceVersion, 10, 64)
	if err != nil {
		return readindex.Lease{}, fmt.Errorf("reading the resourceVersion of a Lease: %w", err)
	}
	return readindex.Lease{
		Name: lease.Name, Revision: revision, Contact: contactOf(lease), Renewal: renewalOf(lease), Duration: durationOf(lease),
		Introducible:  lease.Annotations[contract.AnnotationPeerProtocols] != "",
		Introductions: split(lease.Annotations[contract.AnnotationPeerIntroductions], readindex.MaxPeers),
		Introduced:    split(lease.Annotations[contract.AnnotationIntroducedPeers], -1),
	}, nil
}

// split returns the parts of an annotation's value that has commas between them, as many
// as there may be.
func split(value string, bound int) []string {
	if value == "" {
		return nil
	}
	parts := strings.Split(value, ",")
	if bound >= 0 {
		parts = parts[:min(len(parts), bound)]
	}
	return parts
}

// contactOf returns how the replica that holds the Lease is reached.
func contactOf(lease *coordinationv1.Lease) readindex.Contact {
	address := lease.Annotations[contract.AnnotationPeerAddress]
	digits, err := hex.DecodeString(lease.Annotations[contract.AnnotationPeerFingerprint])
	if address == "" || err != nil || len(digits) != len(readindex.Fingerprint{}) {
		return readindex.Contact{}
	}
	return readindex.Contact{Address: address, Fingerprint: readindex.Fingerprint(digits)}
}

// isReplicaOf reports whether the Lease is that of a replica, by the labels of those.
func isReplicaOf(labels client.MatchingLabels, lease *coordinationv1.Lease) bool {
	for label, value := range labels {
		if lease.Labels[label] != value {
			return false
		}
	}
	return true
}

// renewalOf tells the renewals of a Lease apart.
func renewalOf(lease *coordinationv1.Lease) string {
	renewal := ptr.Deref(lease.Spec.HolderIdentity, "") + " "
	if lease.Spec.RenewTime != nil {
		renewal += lease.Spec.RenewTime.UTC().Format(time.RFC3339Nano)
	}
	return renewal
}

func durationOf(lease *coordinationv1.Lease) time.Duration {
	if lease.Spec.LeaseDurationSeconds == nil {
		return contract.ReplicaLeaseDuration
	}
	return time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second
}

func getLease(ctx context.Context, c client.Client, key client.ObjectKey) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{}
	if err := c.Get(ctx, key, lease); err != nil {
		return nil, fmt.Errorf("reading the Lease of a replica: %w", err)
	}
	return lease, nil
}

// deleteLease deletes the Lease unless it has changed.
func deleteLease(ctx context.Context, c client.Client, lease *coordinationv1.Lease) error {
	err := c.Delete(ctx, lease, client.Preconditions{UID: &lease.UID, ResourceVersion: &lease.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting the Lease of a replica: %w", err)
	}
	return nil
}
