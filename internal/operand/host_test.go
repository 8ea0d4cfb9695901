package operand

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// There is one record of a host, whoever asks for it, in the operator's namespace.
func TestHostRecord(t *testing.T) {
	holder := Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: "team", Name: "acme"}}
	record := HostRecord("kubescim-system", "acme.example.com", holder)
	other := HostRecord("kubescim-system", "acme.example.com", Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: "other", Name: "globex"}})
	if record.Name != other.Name || record.Namespace != "kubescim-system" {
		t.Errorf("it is called %s/%s and %s/%s", record.Namespace, record.Name, other.Namespace, other.Name)
	}
	for _, host := range []string{"globex.example.com", "a.cme.example.com", ""} {
		if HostRecordName(host) == record.Name {
			t.Errorf("%q has the same record", host)
		}
	}
	long := "a-host-with-a-very-long-name-" + "of-labels.that-are-as-long.as-a-host-may-have.example.com"
	if problems := validation.IsDNS1123Subdomain(HostRecordName(long)); len(problems) > 0 {
		t.Error(problems)
	}
	if HostOf(record) != "acme.example.com" || HolderOf(record) != holder || !GivenUpSince(record).IsZero() {
		t.Errorf("the record says %v", record.Data)
	}
	if record.Labels[LabelComponent] != ComponentHost || record.Labels[LabelManagedBy] != ManagedBy {
		t.Errorf("labels are %v", record.Labels)
	}
}

// That the operator's configuration has given a host to one holder says nothing of the next one.
func TestChosenHosts(t *testing.T) {
	acme := Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: "team", Name: "acme"}}
	globex := Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: "team", Name: "globex"}}
	record := HostRecord("kubescim-system", "acme.example.com", acme)
	if IsChosen(record) {
		t.Error("it was chosen from the beginning")
	}
	MarkChosen(record)
	GiveUp(record, time.Now())
	Hold(record, acme)
	if !IsChosen(record) || !GivenUpSince(record).IsZero() {
		t.Errorf("who has its host back has it as %v", record.Data)
	}
	Hold(record, globex)
	if IsChosen(record) {
		t.Errorf("the next holder has it as %v", record.Data)
	}
}

// A host that was given up is its holder's until somebody takes it.
func TestGivingAHostUp(t *testing.T) {
	record := HostRecord("kubescim-system", "acme.example.com", Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: "team", Name: "acme"}})
	since := time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))
	GiveUp(record, since)
	if !GivenUpSince(record).Equal(since) || HolderOf(record).Name != "acme" {
		t.Errorf("the record says %v", record.Data)
	}
	next := Holder{Kind: KindTenant, NamespacedName: types.NamespacedName{Namespace: "other", Name: "globex"}}
	Hold(record, next)
	if !GivenUpSince(record).IsZero() || HolderOf(record) != next || HostOf(record) != "acme.example.com" {
		t.Errorf("the record says %v", record.Data)
	}
	server := Holder{Kind: KindServer, NamespacedName: types.NamespacedName{Namespace: "other", Name: "globex"}}
	Hold(record, server)
	if HolderOf(record) != server || record.Data["scimTenant"] != "" {
		t.Errorf("the record says %v", record.Data)
	}
	Hold(record, next)
	if HolderOf(record) != next || next.String() == server.String() {
		t.Errorf("the record says %v", record.Data)
	}
	for _, text := range []string{"", "yesterday", "2026-01-02"} {
		if since := GivenUpSince(&corev1.ConfigMap{Data: map[string]string{"givenUpSince": text}}); !since.IsZero() {
			t.Errorf("%q is %v", text, since)
		}
	}
}
