package scimapikey

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strconv"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// issuedToken is the token that the key of the tests gets, and elsewhere one that was made
// elsewhere.
var issuedToken, elsewhere = newToken(), newToken()

func newToken() token {
	plaintext, verifier, err := apikey.Mint()
	if err != nil {
		panic(err)
	}
	return token{plaintext: plaintext, verifier: verifier}
}

type change func(*scope)

// found returns what a reconciliation finds of a new key whose tenant runs two replicas.
func found(changes ...change) *scope {
	key := &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "okta", UID: "uid", Generation: 1},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
	}
	s := newScope(reconcile.Frame{}, key, noon)
	s.tenant = &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Name: "acme", Generation: 2},
		Status:     scimv1alpha1.ScimTenantStatus{ObservedGeneration: 2, URL: "https://acme.example.com/scim/v2"},
	}
	s.replicas = []coordinationv1.Lease{replica("99"), replica("99")}
	for _, c := range changes {
		c(s)
	}
	return s
}

func replica(revision string) coordinationv1.Lease {
	return coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			Annotations: map[string]string{contract.AnnotationCredentialsRevision: revision},
		},
		Spec: coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NewMicroTime(noon)), LeaseDurationSeconds: ptr.To[int32](30)},
	}
}

// has gives the key a credential of a token, of resourceVersion 100.
func has(token token, changes ...func(*scimv1alpha1.ScimCredential)) change {
	return func(s *scope) {
		credential := contract.CredentialOf(token.verifier, "team", "okta", noon.Add(-time.Hour))
		credential.ResourceVersion = "100"
		credential.CreationTimestamp = metav1.NewTime(noon.Add(-time.Minute))
		for _, c := range changes {
			c(credential)
		}
		s.credentials = append(s.credentials, *credential)
	}
}

func undelivered(c *scimv1alpha1.ScimCredential) {
	c.Annotations = map[string]string{scimv1alpha1.AnnotationUndelivered: "true"}
}

// going is being deleted, and has a finalizer of somebody else.
func going(c *scimv1alpha1.ScimCredential) { c.DeletionTimestamp = &metav1.Time{Time: noon} }

func ending(at time.Time) func(*scimv1alpha1.ScimCredential) {
	return func(c *scimv1alpha1.ScimCredential) { c.Spec.ExpirationTime = metav1.NewTime(at) }
}

func beginning(at time.Time) func(*scimv1alpha1.ScimCredential) {
	return func(c *scimv1alpha1.ScimCredential) { c.Spec.NotBefore = metav1.NewTime(at) }
}

func issuedOn(at time.Time) func(*scimv1alpha1.ScimCredential) {
	return func(c *scimv1alpha1.ScimCredential) { c.Spec.IssueTime = metav1.NewTime(at) }
}

// The following are changes of what is found.

func remembered(s *scope) { s.issued = issuedToken }

func pending(s *scope) {
	has(issuedToken, undelivered)(s)
	remembered(s)
}

func handedOver(s *scope) {
	s.handover = operand.HandoverSecret(s.key, issuedToken.plaintext, s.url())
	s.handover.CreationTimestamp = metav1.NewTime(noon.Add(-time.Second))
}

// forged is a Secret like the hand-over Secret, with another token of the same key id.
func forged(s *scope) {
	handedOver(s)
	body := strings.Join([]string{apikey.Prefix, issuedToken.verifier.KeyID, strings.Repeat("a", 52)}, "_")
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body)))
	checksum := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum))
	s.handover.Data[operand.HandoverToken] = []byte(body + "_" + checksum)
}

func foreign(s *scope) { s.handover = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "okta"}} }

func leftover(s *scope) {
	earlier := s.key.DeepCopy()
	earlier.UID = "earlier"
	s.handover = operand.HandoverSecret(earlier, elsewhere.plaintext, "")
}

func allAcknowledge(s *scope) { s.replicas = []coordinationv1.Lease{replica("100"), replica("101")} }
func oneAcknowledges(s *scope) {
	s.replicas = []coordinationv1.Lease{replica("100"), replica("99")}
}
func noReplica(s *scope) { s.replicas = nil }

func noServer(s *scope) {
	s.tenant.Status.Conditions = append(s.tenant.Status.Conditions, metav1.Condition{
		Type: scimv1alpha1.ConditionServerAvailable, Status: metav1.ConditionFalse,
		Reason: scimv1alpha1.ReasonServerNotFound, Message: `there is no ScimServer "shared" in this namespace`,
	})
}
func noTenant(s *scope) { s.tenant = nil }
func leaving(s *scope)  { s.tenant.DeletionTimestamp = &metav1.Time{Time: noon} }
func deleted(s *scope)  { s.key.DeletionTimestamp = &metav1.Time{Time: noon} }
func offline(s *scope)  { s.key.Spec.BearerToken.Issuer = scimv1alpha1.TokenIssuerOffline }
func noURL(s *scope)    { s.tenant.Status.URL = "" }
func newSpec(s *scope)  { s.tenant.Generation = 3 }

func stalled(s *scope) {
	s.tenant.Status.Conditions = []metav1.Condition{{
		Type: "Stalled", Status: metav1.ConditionTrue, Reason: "NotAllowed", Message: "take the toleration out",
	}}
}

func notBefore(at time.Time) change {
	return func(s *scope) { s.tenant.Spec.CredentialsNotBefore = metav1.NewTime(at) }
}

func expires(at time.Time) change {
	return func(s *scope) { s.key.Spec.ExpirationTime = metav1.NewTime(at) }
}

// said makes the status say that the token was delivered.
func said(s *scope) {
	for _, key := range []*scimv1alpha1.ScimApiKey{s.key, s.pass.Stored()} {
		key.Status.KeyID, key.Status.SecretName = issuedToken.verifier.KeyID, "okta"
		key.Status.DeliveredTime = metav1.NewTime(noon)
		key.Status.Credentials = []scimv1alpha1.APIKeyCredential{{
			KeyID: issuedToken.verifier.KeyID, SHA256: hex.EncodeToString(issuedToken.verifier.SHA256[:]), IssueTime: metav1.NewTime(noon.Add(-time.Hour)),
		}}
	}
}

func old(s *scope) {
	s.migration.verifiers = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "50"}}
	lease := replica("")
	lease.Annotations = map[string]string{contract.AnnotationVerifiersVersion: "50"}
	s.replicas = append(s.replicas, lease)
}

func behind(s *scope) { s.migration.wanted = &corev1.Secret{} }

func immutableVerifiers(s *scope) { s.migration.wanted = &corev1.Secret{Immutable: ptr.To(true)} }

func inMigration(s *scope) {
	s.key.Status.Credentials, s.pass.Stored().Status.Credentials = nil, nil
	text, err := issuedToken.verifier.MarshalText()
	if err != nil {
		panic(err)
	}
	s.migration.verifiers = &corev1.Secret{Data: map[string][]byte{issuedToken.verifier.KeyID: text}}
}

func TestDecide(t *testing.T) {
	past := ending(noon.Add(-2 * time.Hour))
	for name, tc := range map[string]struct {
		scope   *scope
		step    step
		reason  string // of the problem
		message string // in the problem
		passing bool
	}{
		"a new key":                        {scope: found(), step: stepIssue},
		"a new key without a tenant":       {scope: found(noTenant), step: stepNone},
		"a new key and a leaving tenant":   {scope: found(leaving), step: stepNone},
		"a new key that is Offline":        {scope: found(offline), step: stepNone, reason: "WaitingForCredential", message: "kubectl scim key generate"},
		"a Secret of somebody else":        {scope: found(foreign), step: stepNone, reason: "ObjectConflict", message: `Secret "okta"`},
		"the Secret of an earlier key":     {scope: found(leftover), step: stepNone, reason: "Progressing", passing: true},
		"a tenant that refuses new tokens": {scope: found(notBefore(noon.Add(time.Hour))), step: stepNone, reason: "CredentialsNotBefore", message: "13:00", passing: true},

		"pending, one replica accepts":       {scope: found(pending, oneAcknowledges), step: stepNone, reason: "WaitingForServer", message: "1 of 2", passing: true},
		"pending, no replica":                {scope: found(pending, noReplica), step: stepNone, reason: "WaitingForServer", message: "to run", passing: true},
		"pending, a stalled tenant":          {scope: found(pending, noReplica, stalled), step: stepNone, reason: "WaitingForServer", message: "(NotAllowed): take the toleration out", passing: true},
		"pending, all accept":                {scope: found(pending, allAcknowledge), step: stepHandOver},
		"pending, no tenant":                 {scope: found(pending, allAcknowledge, noTenant), step: stepNone},
		"pending, no URL":                    {scope: found(pending, allAcknowledge, noURL), step: stepNone, reason: "WaitingForServer", message: "URL of its own", passing: true},
		"pending, no URL that is true":       {scope: found(pending, allAcknowledge, newSpec), step: stepNone, reason: "WaitingForServer", message: "URL of its own", passing: true},
		"pending, a Secret of somebody else": {scope: found(pending, allAcknowledge, foreign), step: stepNone, reason: "ObjectConflict"},
		"pending, and refused by its tenant": {scope: found(pending, allAcknowledge, notBefore(noon)), step: stepDiscard},
		"pending, and made to expire":        {scope: found(has(issuedToken, undelivered, ending(noon)), remembered, allAcknowledge), step: stepDiscard},
		"pending, and the Secret of the key is going": {
			scope: found(pending, allAcknowledge, inSecret(elsewhere), secretGoes), step: stepNone, reason: "Progressing", message: "finalizers", passing: true,
		},
		"pending, and somebody deleted it":   {scope: found(has(issuedToken, undelivered, going), remembered, allAcknowledge), step: stepNone, reason: "Progressing", message: "see its finalizers", passing: true},
		"pending, and another was applied":   {scope: found(pending, has(elsewhere)), step: stepDiscard},
		"undelivered, and its token is lost": {scope: found(has(issuedToken, undelivered)), step: stepDiscard},
		"undelivered, and kept by a finalizer": {
			scope: found(has(issuedToken, undelivered, going)), step: stepNone, reason: "Progressing", message: "finalizers", passing: true,
		},
		"undelivered, of another token": {scope: found(remembered, has(elsewhere, undelivered)), step: stepDiscard},
		"undelivered, in the Secret":    {scope: found(has(issuedToken, undelivered), handedOver), step: stepConfirm},
		"undelivered, in a Secret of an earlier key": {
			scope: found(has(elsewhere, undelivered), leftover), step: stepDiscard,
		},

		"delivered":                     {scope: found(has(issuedToken), handedOver, said), step: stepNone},
		"delivered, without a status":   {scope: found(has(issuedToken)), step: stepNone},
		"delivered, and expired":        {scope: found(has(issuedToken, ending(noon))), step: stepNone},
		"delivered, and another URL":    {scope: found(has(issuedToken), handedOver, noURL), step: stepFollowURL},
		"delivered, and no tenant":      {scope: found(has(issuedToken), handedOver, noTenant), step: stepFollowURL},
		"delivered, and no URL is true": {scope: found(has(issuedToken), handedOver, newSpec, noURL), step: stepNone},
		"delivered, an immutable Secret": {scope: found(has(issuedToken), handedOver, noURL, func(s *scope) {
			s.handover.Immutable = ptr.To(true)
		}), step: stepNone},

		"removed, and in the Secret":          {scope: found(said, handedOver), step: stepRestore},
		"removed, and in no Secret":           {scope: found(said), step: stepNone, reason: "CredentialLost", message: "create another ScimApiKey"},
		"removed, and its id in the Secret":   {scope: found(said, forged), step: stepNone, reason: "CredentialLost"},
		"removed, and its name is taken":      {scope: found(said, handedOver, func(s *scope) { s.taken = issuedToken.verifier.KeyID }), step: stepNone, reason: "CredentialLost"},
		"removed, of a key that is Offline":   {scope: found(said, offline), step: stepNone, reason: "WaitingForCredential"},
		"in the Secret, of whom nobody knows": {scope: found(handedOver), step: stepNone, reason: "ObjectConflict"},
		"in the verifiers only":               {scope: found(said, inMigration), step: stepRestore},
		"in the verifiers, and in the Secret": {scope: found(said, inMigration, handedOver, func(s *scope) { s.key.Status.DeliveredTime = metav1.Time{} }), step: stepRestore},
		"in the verifiers, and removed":       {scope: found(inMigration, said), step: stepNone, reason: "CredentialLost"},
		"in the verifiers, and another":       {scope: found(said, inMigration, has(elsewhere)), step: stepRestore},
		"in the verifiers, and with the key":  {scope: found(said, inMigration, has(issuedToken)), step: stepNone},
		"in the verifiers, its name is taken": {scope: found(said, inMigration, func(s *scope) { s.taken = issuedToken.verifier.KeyID }), step: stepNone, reason: "CredentialLost"},
		"in the verifiers, and not delivered": {scope: found(said, inMigration, func(s *scope) { s.key.Status.DeliveredTime = metav1.Time{} }), step: stepIssue},

		"deleted":                           {scope: found(has(issuedToken), allAcknowledge, deleted), step: stepRevoke},
		"deleted, and expired by the clock": {scope: found(has(issuedToken, ending(noon)), allAcknowledge, deleted), step: stepRevoke},
		"deleted, and revoked":              {scope: found(has(issuedToken, past), oneAcknowledges, deleted), step: stepNone, reason: "Deleting", message: "1 of 2", passing: true},
		"deleted, and refused":              {scope: found(has(issuedToken, past), allAcknowledge, deleted), step: stepRemove},
		"deleted, and kept by a finalizer":  {scope: found(has(issuedToken, past, going), allAcknowledge, deleted), step: stepRelease},
		"expired, and kept by a finalizer":  {scope: found(has(issuedToken, past, going), allAcknowledge, expires(noon)), step: stepNone},
		"deleted, and no replica":           {scope: found(has(issuedToken, past), noReplica, deleted), step: stepRemove},
		"deleted, and removed":              {scope: found(deleted, said, handedOver), step: stepRelease},
		"expired":                           {scope: found(has(issuedToken), expires(noon)), step: stepRevoke},
		"expired, and refused":              {scope: found(has(issuedToken, past), allAcknowledge, expires(noon)), step: stepRemove},
		"expired, and removed":              {scope: found(said, handedOver, expires(noon)), step: stepNone},
		"expired, and never made":           {scope: found(expires(noon)), step: stepNone},
		"revoked by an operator that is behind": {
			scope: found(has(issuedToken, issuedOn(noon.Add(time.Hour)), ending(noon.Add(-time.Second))), allAcknowledge, deleted), step: stepRemove,
		},

		"old pods that are behind":              {scope: found(pending, behind), step: stepWriteVerifiers},
		"old pods that cannot be written for":   {scope: found(pending, immutableVerifiers), step: stepNone, reason: "ObjectInvalid", message: "kubectl replace --force"},
		"an old pod that accepts":               {scope: found(pending, allAcknowledge, old), step: stepHandOver},
		"an old pod that knows of no verifiers": {scope: found(pending, allAcknowledge, old, func(s *scope) { s.migration.verifiers = nil }), step: stepNone, reason: "WaitingForServer", message: "2 of 3", passing: true},
		"deleted, and an old pod is behind": {
			scope: found(deleted, old, func(s *scope) { s.migration.verifiers.ResourceVersion = "51" }), step: stepNone, reason: "Deleting", message: "2 of 3", passing: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(tc.scope)
			if got.step != tc.step {
				t.Errorf("the step is %q, want %q", got.step, tc.step)
			}
			problem := ptr.Deref(got.problem, problem{})
			if problem.reason != tc.reason || !strings.Contains(problem.message, tc.message) || problem.passing != tc.passing {
				t.Errorf("the problem is %+v", problem)
			}
		})
	}
}

func TestRestorableHasTheTimesThatItHad(t *testing.T) {
	s := found(said, handedOver)
	recorded := &s.pass.Stored().Status.Credentials[0]
	recorded.NotBefore, recorded.ExpirationTime = metav1.NewTime(noon), metav1.NewTime(noon.Add(time.Hour))
	spec := restorable(s).Spec
	if spec.NotBefore != recorded.NotBefore || spec.ExpirationTime != recorded.ExpirationTime || !spec.IssueTime.Equal(&recorded.IssueTime) {
		t.Errorf("it is %+v", spec)
	}
}

func TestRevocation(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*scimv1alpha1.ScimCredential)
		revoked bool
		at      time.Time
	}{
		"without an end":          {undelivered, false, noon.Add(-time.Hour)},
		"that ends later":         {ending(noon.Add(time.Hour)), false, noon.Add(-time.Hour)},
		"that has ended just now": {ending(noon), false, noon.Add(-time.Hour)},
		"that is revoked":         {ending(noon.Add(-time.Hour)), true, noon.Add(-time.Hour)},
		"that ended before":       {ending(noon.Add(-2 * time.Hour)), true, noon.Add(-time.Hour)},
		"issued in the future":    {issuedOn(noon.Add(time.Hour)), false, noon},
	} {
		t.Run(name, func(t *testing.T) {
			s := found(has(issuedToken, tc.change))
			revoked, at := revocation(&s.credentials[0], noon)
			if revoked != tc.revoked || !at.Time.Equal(tc.at) {
				t.Errorf("it is revoked: %v, at %s", revoked, at)
			}
		})
	}
}

func TestNewestRevision(t *testing.T) {
	s := found(has(issuedToken), has(elsewhere, func(c *scimv1alpha1.ScimCredential) { c.ResourceVersion = "1000" }), has(issuedToken))
	if got := newestRevision(s.credentials); got != "1000" {
		t.Errorf("it is %q", got)
	}
	if got := newestRevision(nil); got != "" {
		t.Errorf("of none it is %q", got)
	}
}

func TestIssuedIsBounded(t *testing.T) {
	var memory issued
	first, err := memory.issue("first")
	if err != nil || memory.find("first") != first {
		t.Errorf("the token is lost: %v", err)
	}
	for i := range maxIssued + 10 {
		if _, err := memory.issue(types.UID(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(memory.tokens) > maxIssued {
		t.Errorf("%d tokens are kept", len(memory.tokens))
	}
	memory.forget("first")
	if memory.find("first") != (token{}) {
		t.Error("a forgotten token is still there")
	}
}
