package operand

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubescim/kubescim/internal/contract"
)

// ComponentHost is the value of LabelComponent on the record of a host.
const ComponentHost = "host"

// Keys of the data in the record of a host.
const (
	hostKey            = "host"
	holderNamespaceKey = "namespace"
	holderTenantKey    = "scimTenant"
	holderServerKey    = "scimServer"
	givenUpSinceKey    = "givenUpSince"
	chosenKey          = "chosenBy"
)

// chosenByConfiguration is the value of chosenKey in the record of a host that the operator's
// configuration has given its holder.
const chosenByConfiguration = "configuration"

// Holder is a ScimTenant or a ScimServer that holds a host.
type Holder struct {
	Kind string
	types.NamespacedName
}

// Holder returns the owner as the holder of its host.
func (o Owner) Holder() Holder {
	return Holder{Kind: o.Kind, NamespacedName: types.NamespacedName{Namespace: o.Namespace, Name: o.Name}}
}

// PublicationName returns the name of the holder's Ingress or HTTPRoute.
func (h Holder) PublicationName() string {
	if h.Kind == KindServer {
		return contract.SharedServiceName(h.Name)
	}
	return Name(h.Name)
}

// String returns what no other holder has.
func (h Holder) String() string { return h.Kind + "/" + h.NamespacedName.String() }

// HostRecord returns the ConfigMap that says who holds a host. It is in
// the operator's own namespace, where no author of a ScimTenant can dispute it, and
// there is one of that name only, so that of two who ask for a host at
// the same time one gets it.
//
// The holder is known by its name and not by its UID: a tenant that is restored
// from a backup, or applied again, is the same one to whoever calls its host.
func HostRecord(namespace, host string, holder Holder) *corev1.ConfigMap {
	record := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name:      HostRecordName(host),
			Namespace: namespace,
			Labels:    HostRecordLabels(),
		},
		Data: map[string]string{hostKey: host},
	}
	Hold(record, holder)
	return record
}

// HostRecordName returns the name of the record of a host.
func HostRecordName(host string) string {
	sum := sha256.Sum256([]byte(host))
	return "scim-host-" + hex.EncodeToString(sum[:20])
}

// HostRecordLabels returns the labels of all records of hosts.
func HostRecordLabels() map[string]string {
	return map[string]string{LabelComponent: ComponentHost, LabelManagedBy: ManagedBy, LabelPartOf: ManagedBy}
}

// HostOf returns the host that a record is about.
func HostOf(record *corev1.ConfigMap) string { return record.Data[hostKey] }

// HolderOf returns who holds the host of a record. Operators of the release before, which know
// no ScimServers, find no holder in the record of one, and leave it alone.
func HolderOf(record *corev1.ConfigMap) Holder {
	namespace := record.Data[holderNamespaceKey]
	if server := record.Data[holderServerKey]; server != "" {
		return Holder{Kind: KindServer, NamespacedName: types.NamespacedName{Namespace: namespace, Name: server}}
	}
	return Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: namespace, Name: record.Data[holderTenantKey]}}
}

// GivenUpSince returns since when the holder of a record has given its host up; the zero
// time when it has not.
func GivenUpSince(record *corev1.ConfigMap) time.Time {
	since, err := time.Parse(time.RFC3339, record.Data[givenUpSinceKey])
	if err != nil {
		return time.Time{}
	}
	return since
}

// GiveUp notes in a record that its holder has given the host up. Hosts may be given up
// within one second, and the first of them is the first to be free.
func GiveUp(record *corev1.ConfigMap, since time.Time) {
	record.Data[givenUpSinceKey] = since.UTC().Format(time.RFC3339Nano)
}

// MarkChosen notes in a record that the operator's configuration has given the host to its holder,
// who has it back by that when nothing else says so: after a restore without statuses, the tenant
// does not get another one because the configuration has changed meanwhile.
func MarkChosen(record *corev1.ConfigMap) { record.Data[chosenKey] = chosenByConfiguration }

// IsChosen reports whether the operator's configuration has given a host to the holder of its record.
func IsChosen(record *corev1.ConfigMap) bool { return record.Data[chosenKey] == chosenByConfiguration }

// Hold makes somebody the holder of a record, who has not given the host up.
func Hold(record *corev1.ConfigMap, holder Holder) {
	if HolderOf(record) != holder {
		delete(record.Data, chosenKey)
	}
	for _, key := range []string{holderTenantKey, holderServerKey, givenUpSinceKey} {
		delete(record.Data, key)
	}
	record.Data[holderNamespaceKey] = holder.Namespace
	if holder.Kind == KindServer {
		record.Data[holderServerKey] = holder.Name
	} else {
		record.Data[holderTenantKey] = holder.Name
	}
}
