package contract_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

// world is a tenant, one of its keys, and one of the key's credentials.
type world struct {
	tenant     scimv1alpha1.ScimTenant
	key        scimv1alpha1.ScimApiKey
	credential scimv1alpha1.ScimCredential
}

// expiring lets the credential and its key expire.
func expiring(credential, key metav1.Time) func(*world) {
	return func(w *world) { w.credential.Spec.ExpirationTime, w.key.Spec.ExpirationTime = credential, key }
}

func TestAccepted(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(d)) }
	token, verifier, err := apikey.Mint()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change   func(*world)
		refused  bool
		end      apikey.End // of those that are refused, why it was once accepted and is no more
		ends     time.Time
		notUntil time.Time
	}{
		"a credential with its key and its tenant": {change: func(*world) {}},
		"its key has another name":                 {change: func(w *world) { w.key.Name = "copy" }, refused: true},
		"its key is of another tenant":             {change: func(w *world) { w.key.Spec.TenantRef.Name = "globex" }, refused: true},
		"its key is being deleted": {change: func(w *world) {
			deleted := at(-time.Second)
			w.key.DeletionTimestamp = &deleted
		}, refused: true, end: apikey.EndRevoked},
		"it is being deleted": {change: func(w *world) {
			deleted := at(-time.Second)
			w.credential.DeletionTimestamp = &deleted
		}, refused: true, end: apikey.EndRevoked},
		"its key has expired": {change: func(w *world) { w.key.Spec.ExpirationTime = at(0) }, refused: true, end: apikey.EndExpired},
		"its key expires":     {change: func(w *world) { w.key.Spec.ExpirationTime = at(time.Hour) }, ends: now.Add(time.Hour)},
		"it has expired":      {change: func(w *world) { w.credential.Spec.ExpirationTime = at(0) }, refused: true, end: apikey.EndExpired},
		"it expires":          {change: func(w *world) { w.credential.Spec.ExpirationTime = at(time.Hour) }, ends: now.Add(time.Hour)},
		"it expired when it was issued, by a clock that is ahead": {change: func(w *world) {
			w.credential.Spec.IssueTime, w.credential.Spec.ExpirationTime = at(time.Hour), at(time.Hour)
		}, refused: true, end: apikey.EndExpired},
		"it expires before its key":       {change: expiring(at(time.Minute), at(time.Hour)), ends: now.Add(time.Minute)},
		"it expires after its key":        {change: expiring(at(time.Hour), at(time.Minute)), ends: now.Add(time.Minute)},
		"it begins later":                 {change: func(w *world) { w.credential.Spec.NotBefore = at(time.Hour) }, notUntil: now.Add(time.Hour)},
		"issued before the tenant allows": {change: func(w *world) { w.tenant.Spec.CredentialsNotBefore = at(-59 * time.Minute) }, refused: true, end: apikey.EndOutdated},
		"issued when the tenant allows":   {change: func(w *world) { w.tenant.Spec.CredentialsNotBefore = at(-time.Hour) }},
		"issued in the future, and made before the tenant allows": {change: func(w *world) {
			w.credential.Spec.IssueTime, w.credential.CreationTimestamp = at(time.Hour), at(-time.Hour)
			w.tenant.Spec.CredentialsNotBefore = at(0)
		}, refused: true, end: apikey.EndOutdated},
		"issued in years, and restored after the tenant refused all": {change: func(w *world) {
			w.credential.Spec.IssueTime, w.credential.CreationTimestamp = at(1000*24*time.Hour), at(0)
			w.tenant.Spec.CredentialsNotBefore = at(-time.Hour)
		}, notUntil: now.Add(999 * 24 * time.Hour)},
		"issued in a day": {change: func(w *world) { w.credential.Spec.IssueTime = at(24 * time.Hour) }},
		"issued in two days, and beginning in one": {change: func(w *world) {
			w.credential.Spec.IssueTime, w.credential.Spec.NotBefore = at(48*time.Hour), at(36*time.Hour)
		}, notUntil: now.Add(36 * time.Hour)},
		"issued in the future, and made when the tenant allows": {change: func(w *world) {
			w.credential.Spec.IssueTime, w.credential.CreationTimestamp = at(time.Hour), at(-time.Hour)
			w.tenant.Spec.CredentialsNotBefore = at(-time.Hour)
		}},
		"issued by a clock that is a little ahead": {change: func(w *world) {
			w.credential.Spec.IssueTime, w.credential.CreationTimestamp = at(0), at(-time.Minute)
			w.tenant.Spec.CredentialsNotBefore = at(0)
		}},
		"applied once more, long after it was issued": {change: func(w *world) {
			w.credential.CreationTimestamp = at(0)
			w.tenant.Spec.CredentialsNotBefore = at(-59 * time.Minute)
		}, refused: true, end: apikey.EndOutdated},
		"no hash":               {change: func(w *world) { w.credential.Spec.SHA256 = "" }, refused: true},
		"half a hash":           {change: func(w *world) { w.credential.Spec.SHA256 = w.credential.Spec.SHA256[:32] }, refused: true},
		"no hexadecimal digits": {change: func(w *world) { w.credential.Spec.SHA256 = "x" + w.credential.Spec.SHA256[1:] }, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := world{credential: *contract.CredentialOf(verifier, "acme", "okta", now.Add(-time.Hour))}
			w.tenant.Name, w.key.Name, w.key.Spec.TenantRef.Name = "acme", "okta", "acme"
			test.change(&w)
			accepted := contract.Accepted(&w.tenant, map[string]*scimv1alpha1.ScimApiKey{w.key.Name: &w.key},
				[]*scimv1alpha1.ScimCredential{&w.credential}, now)
			ended := contract.Ended(&w.tenant, map[string]*scimv1alpha1.ScimApiKey{w.key.Name: &w.key},
				[]*scimv1alpha1.ScimCredential{&w.credential}, now)
			g.Expect(ended[verifier.KeyID].End).To(Equal(test.end))
			if test.refused {
				g.Expect(accepted).To(BeEmpty())
				return
			}
			g.Expect(accepted).To(HaveLen(1))
			found := accepted[verifier.KeyID].Verifier
			g.Expect(found.Matches(token)).To(BeTrue())
			g.Expect(found.ExpirationTime).To(BeTemporally("==", test.ends))
			g.Expect(found.NotBefore).To(BeTemporally("==", test.notUntil))
		})
	}
}

func TestACredentialUnderAnotherNameHasAnotherKeyID(t *testing.T) {
	g := NewWithT(t)
	_, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	credential := contract.CredentialOf(verifier, "acme", "okta", time.Now())
	credential.Name = "aaaaaaaaaaaaaaaa"
	copied, err := contract.VerifierOf(credential)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(copied.KeyID).To(Equal("aaaaaaaaaaaaaaaa"), "a token with this key id has another hash")
}
