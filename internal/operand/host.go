package operand

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ComponentHost is the value of LabelComponent on the record of a host.
const ComponentHost = "host"

// Keys of the data in the record of a host.
const (
	hostKey            = "host"
	holderNamespaceKey = "namespace"
	holderNameKey      = "scimTenant"
	givenUpSinceKey    = "givenUpSince"
)

// HostRecord returns the ConfigMap that says which tenant holds a host. It is in
// the operator's own namespace, where no author of a ScimTenant can dispute it, and
// there is one of that name only, so that of two tenants which ask for a host at
// the same time one gets it.
//
// The holder is known by its name and not by its UID: a tenant that is restored
// from a backup, or applied again, is the same one to whoever calls its host.
func HostRecord(namespace, host string, holder types.NamespacedName) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name:      HostRecordName(host),
			Namespace: namespace,
			Labels:    HostRecordLabels(),
		},
		Data: map[string]string{hostKey: host, holderNamespaceKey: holder.Namespace, holderNameKey: holder.Name},
	}
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

// HolderOf returns the tenant that holds the host of a record.
func HolderOf(record *corev1.ConfigMap) types.NamespacedName {
	return types.NamespacedName{Namespace: record.Data[holderNamespaceKey], Name: record.Data[holderNameKey]}
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

// Hold makes a tenant the holder of a record, which has not given the host up.
func Hold(record *corev1.ConfigMap, holder types.NamespacedName) {
	record.Data[holderNamespaceKey], record.Data[holderNameKey] = holder.Namespace, holder.Name
	delete(record.Data, givenUpSinceKey)
}

// PublishedHosts returns the hosts that an Ingress is for.
func PublishedHosts(ingress *networkingv1.Ingress) []string {
	var hosts []string
	for _, rule := range ingress.Spec.Rules {
		if rule.Host != "" {
			hosts = append(hosts, rule.Host)
		}
	}
	return hosts
}

// PublishedURL returns the base URL that the Ingress of a tenant leads to its server.
func PublishedURL(ingress *networkingv1.Ingress) string {
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP != nil && rule.Host != "" && len(rule.HTTP.Paths) > 0 {
			return "https://" + rule.Host + rule.HTTP.Paths[0].Path
		}
	}
	return ""
}
