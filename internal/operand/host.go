package operand

import (
	"crypto/sha256"
	"encoding/hex"

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
