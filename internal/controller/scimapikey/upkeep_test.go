package scimapikey

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

const day = 24 * time.Hour

// before is the token that issuedToken takes the place of in these tests.
var before = newToken()

// every lets the key be rotated by schedule.
func every(days int32) change {
	return func(s *scope) { s.key.Spec.Rotation.EveryDays = days }
}

func overlap(hours int32) change {
	return func(s *scope) { s.key.Spec.Rotation.OverlapHours = ptr.To(hours) }
}

func annotated(name, value string) change {
	return func(s *scope) {
		if s.key.Annotations == nil {
			s.key.Annotations = map[string]string{}
		}
		s.key.Annotations[name] = value
	}
}

func rotateOn(text string) change { return annotated(scimv1alpha1.AnnotationRotateAt, text) }

func acknowledges(s *scope) { annotated(scimv1alpha1.AnnotationDeliveryAcknowledged, "true")(s) }

// acknowledgesOf says that a token has been copied, by its key id.
func acknowledgesOf(token token) change {
	return annotated(scimv1alpha1.AnnotationDeliveryAcknowledged, token.verifier.KeyID)
}

func once(ttl time.Duration) change {
	return func(s *scope) {
		s.key.Spec.Delivery = scimv1alpha1.Delivery{Mode: scimv1alpha1.DeliveryOnce, TTLSeconds: int32(ttl / time.Second)}
	}
}

func longest(life time.Duration) change { return func(s *scope) { s.maxLifetime = life } }

func asClient(s *scope)  { s.key.Spec.OAuthClient = &scimv1alpha1.OAuthClient{} }
func suspended(s *scope) { s.key.Spec.State = scimv1alpha1.APIKeySuspended }

// instead makes a credential one that takes the place of that of the token before.
func instead(c *scimv1alpha1.ScimCredential) {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[scimv1alpha1.AnnotationSupersedes] = before.verifier.KeyID
}

// rotation gives the key the token before, and another that is on its way.
func rotation(s *scope) {
	has(issuedToken, undelivered, instead)(s)
	has(before, issuedOn(noon.Add(-100*day)))(s)
	remembered(s)
	inSecret(before)(s)
}

// rotated gives the key a token, and the one before, which ends or not.
func rotated(changes ...func(*scimv1alpha1.ScimCredential)) change {
	return func(s *scope) {
		has(issuedToken, instead)(s)
		has(before, append([]func(*scimv1alpha1.ScimCredential){issuedOn(noon.Add(-100 * day)), own}, changes...)...)(s)
		handedOver(s)
	}
}

// own makes a credential one of the operator's.
func own(c *scimv1alpha1.ScimCredential) {
	c.Labels = map[string]string{operand.LabelManagedBy: operand.ManagedBy}
}

// applied makes a credential one that somebody else has made.
func applied(c *scimv1alpha1.ScimCredential) { c.Labels = nil }

// inSecret puts a token into the hand-over Secret.
func inSecret(token token) change {
	return func(s *scope) {
		s.handover = operand.HandoverSecret(s.key, token.plaintext, s.url())
		s.handover.CreationTimestamp = metav1.NewTime(noon.Add(-90 * day))
	}
}

// many gives the key as many credentials as it may have.
func many(s *scope) {
	for range mostLive {
		has(newToken())(s)
	}
}

// stated makes the status say what has become of the Secret.
func stated(state scimv1alpha1.DeliveryState, token token, since time.Time) change {
	return func(s *scope) { s.key.Status.Delivery = stateSince(state, token.verifier.KeyID, since) }
}

func TestUpkeep(t *testing.T) {
	old := issuedOn(noon.Add(-90 * day))
	short := func(c *scimv1alpha1.ScimCredential) { issuedOn(noon.Add(-20 * day))(c); ending(noon.Add(10 * day))(c) }
	for name, tc := range map[string]struct {
		scope  *scope
		step   step
		of     string // the key id of the credential
		until  time.Time
		reason string // of the problem
	}{
		"not yet as old as it may get":                {scope: found(has(issuedToken, old), every(91))},
		"as old as it may get":                        {scope: found(has(issuedToken, old), every(90)), step: stepIssue},
		"an OAuth client's secret":                    {scope: found(has(issuedToken, old), asClient, every(90)), step: stepIssue},
		"old, and not to be rotated":                  {scope: found(has(issuedToken, old))},
		"old, and to be rotated on demand":            {scope: found(has(issuedToken, old), overlap(1))},
		"asked for":                                   {scope: found(has(issuedToken), rotateOn("2026-05-01T12:00:00Z")), step: stepIssue},
		"asked for in another zone":                   {scope: found(has(issuedToken), rotateOn("2026-05-01T14:00:00+02:00")), step: stepIssue},
		"asked for, and to come":                      {scope: found(has(issuedToken), rotateOn("2026-05-01T12:00:01Z"))},
		"asked for, and done":                         {scope: found(has(issuedToken), rotateOn("2026-05-01T11:00:00Z"))},
		"asked for in the second in which it is done": {scope: found(has(issuedToken), rotateOn("2026-05-01T11:00:00.9Z"))},
		"asked for in words":                          {scope: found(has(issuedToken), rotateOn("now"))},
		"asked for, and made elsewhere":               {scope: found(has(issuedToken), offline, rotateOn("2026-05-01T12:00:00Z"))},
		"as old as it may get, and made elsewhere":    {scope: found(has(issuedToken, old), offline, every(90))},
		"ends before its turn":                        {scope: found(has(issuedToken, short), every(365), overlap(240)), step: stepIssue},
		"ends before its turn, and not so soon":       {scope: found(has(issuedToken, short), every(365), overlap(239))},
		"a life that is shorter than the overlap":     {scope: found(has(issuedToken, short), every(365), overlap(2160)), step: stepIssue},
		"ends, and is to be rotated on demand":        {scope: found(has(issuedToken, short), overlap(2160))},
		"has ended, and is rotated":                   {scope: found(has(issuedToken, ending(noon)), every(90)), step: stepIssue},

		"due, and no tenant":                    {scope: found(has(issuedToken, old), every(90), noTenant)},
		"due, and a tenant that refuses it":     {scope: found(has(issuedToken, old), every(90), notBefore(noon.Add(time.Hour))), reason: "CredentialsNotBefore"},
		"due, and a Secret of somebody else":    {scope: found(has(issuedToken, old), every(90), foreign), reason: "ObjectConflict"},
		"due, and the Secret of an earlier key": {scope: found(has(issuedToken, old), every(90), leftover), reason: "Progressing"},
		"due, and an immutable Secret": {scope: found(has(issuedToken, old), every(90), handedOver, func(s *scope) {
			s.handover.Immutable = ptr.To(true)
		}), reason: "ObjectInvalid"},
		"due, and too many": {scope: found(many, rotateOn("2026-05-01T12:00:00Z")), reason: "TooManyCredentials"},
		"due, and too many of which one is over": {
			scope: found(many, rotateOn("2026-05-01T12:00:00Z"), func(s *scope) { ending(noon)(&s.credentials[3]) }), step: stepIssue,
		},

		"on its way":                             {scope: found(rotation), reason: "WaitingForServer"},
		"on its way, and due again":              {scope: found(rotation, every(1)), reason: "WaitingForServer"},
		"on its way, and accepted":               {scope: found(rotation, allAcknowledge), step: stepHandOver},
		"on its way, and no Secret":              {scope: found(rotation, allAcknowledge, func(s *scope) { s.handover = nil }), step: stepHandOver},
		"on its way, and a Secret of another":    {scope: found(rotation, allAcknowledge, foreign), reason: "ObjectConflict"},
		"on its way, and no URL":                 {scope: found(rotation, allAcknowledge, noURL), step: stepFollowURL},
		"on its way, and no Secret and no URL":   {scope: found(rotation, allAcknowledge, noURL, func(s *scope) { s.handover = nil }), reason: "WaitingForServer"},
		"on its way, and forgotten":              {scope: found(rotation, func(s *scope) { s.issued = token{} }), step: stepDiscard, of: issuedToken.verifier.KeyID},
		"on its way, and in the Secret":          {scope: found(rotation, inSecret(issuedToken)), step: stepConfirm, of: issuedToken.verifier.KeyID},
		"on its way, and another one applied":    {scope: found(rotation, has(elsewhere), allAcknowledge), step: stepHandOver},
		"on its way, and its key is deleted":     {scope: found(rotation, deleted), step: stepRevoke},
		"on its way, and the one before is gone": {scope: found(has(issuedToken, undelivered, instead), remembered, allAcknowledge), step: stepHandOver},

		"handed over":                      {scope: found(rotated()), step: stepShorten, of: before.verifier.KeyID, until: noon.Add(day)},
		"handed over, with an overlap":     {scope: found(rotated(), overlap(48)), step: stepShorten, of: before.verifier.KeyID, until: noon.Add(2 * day)},
		"handed over, without an overlap":  {scope: found(rotated(), overlap(0)), step: stepShorten, of: before.verifier.KeyID, until: noon},
		"handed over, and it ends later":   {scope: found(rotated(ending(noon.Add(25 * time.Hour)))), step: stepShorten, of: before.verifier.KeyID, until: noon.Add(day)},
		"handed over, and it ends in time": {scope: found(rotated(ending(noon.Add(day))))},
		"handed over, and it ends sooner":  {scope: found(rotated(ending(noon.Add(time.Hour))))},
		"handed over, and one was applied": {scope: found(rotated(ending(noon.Add(time.Hour))), has(elsewhere))},
		"handed over, and is over":         {scope: found(rotated(ending(noon)), allAcknowledge), step: stepRetire, of: before.verifier.KeyID},
		"over, and it was applied":         {scope: found(rotated(ending(noon), applied), allAcknowledge)},
		"over, and not all refuse it":      {scope: found(rotated(ending(noon)), oneAcknowledges)},
		"over, and due again":              {scope: found(rotated(ending(noon)), allAcknowledge, every(1), rotateOn("2026-05-01T12:00:00Z")), step: stepRetire, of: before.verifier.KeyID},
		"in the overlap, and asked for":    {scope: found(rotated(ending(noon.Add(time.Hour))), rotateOn("2026-05-01T12:00:00Z")), step: stepIssue},
		"over, and kept by a finalizer":    {scope: found(rotated(ending(noon), going), allAcknowledge)},
		"over, kept, and due again":        {scope: found(rotated(ending(noon), going), allAcknowledge, rotateOn("2026-05-01T12:00:00Z")), step: stepIssue},
		"applied, and over":                {scope: found(has(issuedToken), has(elsewhere, ending(noon)), allAcknowledge)},

		"longer than it may, and another is kept": {
			scope: found(has(issuedToken), has(elsewhere, undelivered, going), longest(90*day)), step: stepShorten, of: issuedToken.verifier.KeyID, until: noon.Add(90*day - time.Hour),
		},
		"longer than it may, and another is on its way": {
			scope: found(rotation, func(s *scope) { ending(noon.Add(day))(&s.credentials[0]) }, inSecret(issuedToken), longest(30*day)), step: stepShorten, of: before.verifier.KeyID, until: noon.Add(-70 * day),
		},
		"longer than it may":              {scope: found(has(issuedToken), longest(90*day)), step: stepShorten, of: issuedToken.verifier.KeyID, until: noon.Add(90*day - time.Hour)},
		"longer than it may, and applied": {scope: found(has(issuedToken, ending(noon.Add(91*day))), offline, longest(90*day)), step: stepShorten, of: issuedToken.verifier.KeyID, until: noon.Add(90*day - time.Hour)},
		"older than it may":               {scope: found(has(issuedToken, old), longest(30*day)), step: stepShorten, of: issuedToken.verifier.KeyID, until: noon.Add(-60 * day)},
		"as long as it may":               {scope: found(has(issuedToken, ending(noon.Add(90*day-time.Hour))), longest(90*day))},
		"issued in the future":            {scope: found(has(issuedToken, issuedOn(noon.Add(100*day))), longest(90*day)), step: stepShorten, of: issuedToken.verifier.KeyID, until: noon.Add(90*day - time.Minute)},

		"handed over, and another is kept":     {scope: found(rotated(), has(elsewhere, undelivered, going)), step: stepShorten, of: before.verifier.KeyID, until: noon.Add(day)},
		"due, and another is kept":             {scope: found(has(issuedToken, old), has(elsewhere, undelivered, going), every(90)), step: stepIssue},
		"due, and the Secret is going":         {scope: found(has(issuedToken, old), every(90), inSecret(issuedToken), secretGoes), reason: "Progressing"},
		"on its way, and the Secret is going":  {scope: found(rotation, allAcknowledge, secretGoes), reason: "Progressing"},
		"once, acknowledged, and it is going":  {scope: found(has(issuedToken), handedOver, once(time.Hour), stated("Available", issuedToken, noon), acknowledges, secretGoes)},
		"once, over, and it is going":          {scope: found(has(issuedToken, old), inSecret(issuedToken), once(time.Minute), secretGoes)},
		"another URL, and the Secret is going": {scope: found(has(issuedToken), inSecret(issuedToken), noURL, secretGoes), step: stepFollowURL},
		"once, and there":                      {scope: found(has(issuedToken), handedOver, once(time.Hour))},
		"once, and acknowledged":               {scope: found(has(issuedToken), handedOver, once(time.Hour), stated("Available", issuedToken, noon), acknowledges), step: stepWithdraw},
		"once, and acknowledged by its key id": {scope: found(has(issuedToken), handedOver, once(time.Hour), acknowledgesOf(issuedToken)), step: stepWithdraw},
		"once, and another one acknowledged":   {scope: found(rotated(ending(noon.Add(time.Hour))), once(time.Hour), stated("Available", issuedToken, noon), acknowledgesOf(before)), step: stepForget},
		"once, rewritten since it was read":    {scope: found(rotated(ending(noon.Add(time.Hour))), once(time.Hour), stated("Available", before, noon), acknowledges), step: stepForget},
		"once, and acknowledged before it was said to be there": {
			scope: found(has(issuedToken), handedOver, once(time.Hour), stated("Pending", token0, noon), acknowledges), step: stepForget,
		},
		"once, and not yet over":               {scope: found(has(issuedToken), handedOver, once(time.Minute))},
		"once, and over":                       {scope: found(has(issuedToken), handedOver, once(time.Minute), stated("Available", issuedToken, noon.Add(-time.Minute))), step: stepWithdraw},
		"once, and over by the Secret alone":   {scope: found(has(issuedToken, old), inSecret(issuedToken), once(time.Minute)), step: stepWithdraw},
		"once, rewritten, and no status":       {scope: found(has(issuedToken), inSecret(issuedToken), once(time.Minute))},
		"once, for a day":                      {scope: found(has(issuedToken), handedOver, once(0), stated("Available", issuedToken, noon.Add(-day))), step: stepWithdraw},
		"once, for nearly a day":               {scope: found(has(issuedToken), handedOver, once(0), stated("Available", issuedToken, noon.Add(time.Second-day)))},
		"once, and the Secret of another":      {scope: found(has(issuedToken), foreign, once(time.Minute))},
		"once, acknowledged, and withdrawn":    {scope: found(has(issuedToken), once(time.Hour), acknowledges), step: stepForget},
		"once, acknowledged before it is made": {scope: found(pending, allAcknowledge, once(time.Hour), acknowledges), step: stepForget},
		"once, withdrawn, and on its way": {
			scope: found(rotation, allAcknowledge, once(time.Hour), acknowledges, func(s *scope) { s.handover = nil }), step: stepForget,
		},
		"once, acknowledged while another is on its way": {
			scope: found(rotation, allAcknowledge, once(time.Hour), stated("Available", before, noon), acknowledges), step: stepWithdraw,
		},
		"once, acknowledged by key id while another is on its way": {
			scope: found(rotation, allAcknowledge, once(time.Hour), acknowledgesOf(before)), step: stepWithdraw,
		},
		"once, on its way, and acknowledged already": {
			scope: found(rotation, allAcknowledge, once(time.Hour), stated("Available", before, noon), acknowledgesOf(issuedToken)), step: stepForget,
		},
		"once, and its key is deleted": {scope: found(deleted, handedOver, once(time.Hour), acknowledges), step: stepRelease},
		"to stay, and acknowledged":    {scope: found(has(issuedToken), handedOver, acknowledges)},

		"federated":                              {scope: found(federated(anIssuer))},
		"federated, and one applied":             {scope: found(federated(anIssuer), has(elsewhere))},
		"federated, and asked to rotate":         {scope: found(federated(anIssuer), rotateOn("2026-05-01T12:00:00Z"))},
		"federated, and it is leaving":           {scope: found(federated(anIssuer), deleted), step: stepRelease},
		"federated with the cluster":             {scope: found(federated(aServiceAccount), noIssuers)},
		"federated with Entra":                   {scope: found(federated(anEntraTenant))},
		"federated with Entra's own keys":        {scope: found(federated(anEntraTenant), issuersOf("login.windows.net"))},
		"federated with Entra, which may not be": {scope: found(federated(anEntraTenant), issuersOf("idp.example.com")), reason: "NotAllowed"},
		"federated with who may not be":          {scope: found(federated(anIssuer), noIssuers), reason: "NotAllowed"},
		"federated at a port that may not":       {scope: found(federated(anIssuer), issuersOf("idp.example.com:8443")), reason: "NotAllowed"},
		"federated, with authorities":            {scope: found(federated(anIssuer), authorities(aCertificate+"\n"+aCertificate))},
		"federated, with half of one":            {scope: found(federated(anIssuer), authorities(aCertificate+aCertificate[:100])), reason: "InvalidCABundle"},
		"federated, with one that is none":       {scope: found(federated(anIssuer), authorities(strings.Replace(aCertificate, "MII", "AII", 1))), reason: "InvalidCABundle"},
		"federated, with one that has headers":   {scope: found(federated(anIssuer), authorities(strings.Replace(aCertificate, "-----\n", "-----\nComment: a\n\n", 1))), reason: "InvalidCABundle"},
		"federated, with a key":                  {scope: found(federated(anIssuer), authorities(strings.ReplaceAll(aCertificate, "CERTIFICATE", "PUBLIC KEY"))), reason: "InvalidCABundle"},
		"suspended, and new":                     {scope: found(suspended), step: stepIssue},
		"suspended, and due":                     {scope: found(has(issuedToken, old), every(90), suspended), step: stepIssue},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(tc.scope)
			if got.step != tc.step || !got.until.Equal(tc.until) {
				t.Errorf("the step is %q until %s, want %q until %s", got.step, got.until, tc.step, tc.until)
			}
			if tc.of != "" && (got.credential == nil || got.credential.Name != tc.of) {
				t.Errorf("it is about %v, want %s", got.credential, tc.of)
			}
			if problem := ptr.Deref(got.problem, problem{}); problem.reason != tc.reason {
				t.Errorf("the problem is %+v, want %s", problem, tc.reason)
			}
		})
	}
}

// secretGoes lets the hand-over Secret be deleted, and kept by a finalizer of somebody else.
func secretGoes(s *scope) { s.handover.DeletionTimestamp = &metav1.Time{Time: noon} }

func TestSupersedeNamesWhatTheHolderHas(t *testing.T) {
	s := found(has(elsewhere), has(issuedToken, undelivered), has(before))
	if got, want := supersede(s), elsewhere.verifier.KeyID+","+before.verifier.KeyID; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
	if got := supersede(found(pending)); got != "" {
		t.Errorf("of a key without a token it is %q", got)
	}
	lots := found(many, many)
	if got := strings.Count(supersede(lots), ",") + 1; got != mostLive {
		t.Errorf("it has %d names", got)
	}
}

func TestACredentialDoesNotSupersedeItself(t *testing.T) {
	s := found(has(before, instead))
	if got := superseded(s); len(got) != 0 {
		t.Errorf("it is superseded: %v", got)
	}
}

func TestRewrittenHandoverKeepsWhatOthersHavePutIntoIt(t *testing.T) {
	s := found(inSecret(before))
	s.handover.Data["note"] = []byte("copied")
	rewritten := operand.RewrittenHandover(s.handover, s.key, issuedToken.plaintext, "https://new.example.com")
	if string(rewritten.Data["note"]) != "copied" || string(rewritten.Data[operand.HandoverToken]) != issuedToken.plaintext ||
		string(rewritten.Data[operand.HandoverURL]) != "https://new.example.com" {
		t.Errorf("it has %v", rewritten.Data)
	}
	if string(s.handover.Data[operand.HandoverToken]) != before.plaintext {
		t.Error("what was read has changed")
	}
	empty := operand.RewrittenHandover(&corev1.Secret{}, s.key, issuedToken.plaintext, "")
	if string(empty.Data[operand.HandoverToken]) != issuedToken.plaintext {
		t.Errorf("an empty one has %v", empty.Data)
	}
}

// A credential that says to be issued in the future must not keep its key from being rotated,
// nor have it rotated again and again.
func TestACredentialOfTheFutureIsNoneTheNewer(t *testing.T) {
	future := func(c *scimv1alpha1.ScimCredential) {
		issuedOn(noon.Add(1000 * day))(c)
		c.CreationTimestamp = metav1.NewTime(noon.Add(-91 * day))
	}
	asked := rotateOn("2026-05-01T12:00:00Z")
	for name, tc := range map[string]struct {
		scope *scope
		step  step
	}{
		"applied, and due":         {found(has(elsewhere, future), every(90)), stepIssue},
		"applied, and asked for":   {found(has(elsewhere, future), asked), stepIssue},
		"made here, and asked for": {found(has(elsewhere, future, own), asked), stepIssue},
		"rotated already":          {found(has(elsewhere, future, ending(noon.Add(day))), has(issuedToken, own, issuedOn(noon)), handedOver, asked, every(90)), stepNone},
		"rotated by an operator whose clock is ahead of the API server's": {
			found(has(issuedToken, own, issuedOn(noon), func(c *scimv1alpha1.ScimCredential) {
				c.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
			}), handedOver, asked), stepNone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sortCredentials(tc.scope)
			if got := decide(tc.scope); got.step != tc.step {
				t.Errorf("the step is %q, want %q", got.step, tc.step)
			}
			if tc.step == stepNone && newestDelivered(tc.scope.credentials).Name != issuedToken.verifier.KeyID {
				t.Error("it is taken for the newest")
			}
		})
	}
}

// Tokens that work come before those that are over, of which there may be many that were
// applied: one that was not named would work for ever.
func TestSupersedeNamesEveryTokenThatWorks(t *testing.T) {
	s := found(many, many, has(before))
	for i := range 2 * mostLive {
		ending(noon)(&s.credentials[i])
	}
	if got := supersede(s); !strings.HasPrefix(got, before.verifier.KeyID+",") {
		t.Errorf("it is %q, without %q", got, before.verifier.KeyID)
	}
}
