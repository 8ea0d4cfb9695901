package scimapikey

import (
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/events"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Whoever enters the secret of an OAuth client somewhere is asked for a client secret, and a
// token is something else there.
func TestMessagesOfAClientSayClientSecret(t *testing.T) {
	inOffline := func(s *scope) { s.key.Spec.OAuthClient.SecretIssuer = scimv1alpha1.TokenIssuerOffline }
	past := ending(noon.Add(-2 * time.Hour))
	for name, s := range map[string]*scope{
		"on its way":                   found(asClient, pending, oneAcknowledges),
		"without a tenant":             found(asClient, noTenant),
		"delivered":                    found(asClient, has(issuedToken), handedOver, allAcknowledge, every(90)),
		"delivered once":               found(asClient, has(issuedToken), said, allAcknowledge, once(0), stated("Acknowledged", issuedToken, noon)),
		"provided":                     found(asClient, has(elsewhere), allAcknowledge),
		"waited for":                   found(asClient, inOffline),
		"too early":                    found(asClient, has(elsewhere, beginning(noon.Add(time.Hour))), allAcknowledge),
		"over":                         found(asClient, has(issuedToken, ending(noon)), allAcknowledge, longest(90*day)),
		"over soon":                    found(asClient, has(issuedToken, issuedOn(noon.Add(-80*day)), ending(noon.Add(day))), allAcknowledge, longest(90*day)),
		"over soon, and applied":       found(asClient, inOffline, has(issuedToken, issuedOn(noon.Add(-80*day)), ending(noon.Add(day))), allAcknowledge),
		"refused":                      found(asClient, has(issuedToken), said, allAcknowledge, notBefore(noon)),
		"to be made later":             found(asClient, notBefore(noon.Add(time.Hour))),
		"expired":                      found(asClient, said, expires(noon)),
		"expired before it was handed": found(asClient, expires(noon)),
		"blocked by a Secret":          found(asClient, foreign),
		"lost":                         found(asClient, said),
		"suspended":                    found(asClient, has(issuedToken), said, allAcknowledge, suspended),
		"revoked":                      found(asClient, has(issuedToken, past), oneAcknowledges, deleted),
		"revoked in vain":              found(asClient, has(issuedToken), said, deleted, immutableVerifiers),
		"rotated":                      found(asClient, rotation, said, allAcknowledge),
		"rotated, and two work":        found(asClient, rotated(ending(noon.Add(time.Hour))), said, allAcknowledge),
		"rotated on demand":            found(asClient, has(issuedToken), overlap(1)),
		"rotated too often":            found(asClient, many, every(1), func(s *scope) { s.now = noon.Add(2 * day) }),
		"not rotated":                  found(asClient, inOffline, has(elsewhere), rotateOn("2026-05-01T12:00:00Z")),
	} {
		t.Run(name, func(t *testing.T) {
			s.decision = decide(s)
			setStatus(s)
			var said []string
			for _, c := range s.key.Status.Conditions {
				said = append(said, c.Message)
			}
			checkWords(t, said)
		})
	}
}

func TestEventsOfAClientSayClientSecret(t *testing.T) {
	recorder := events.NewFakeRecorder(8)
	r := &Reconciler{Recorder: recorder}
	s := found(asClient, has(issuedToken))
	r.recordDelivered(s.key, "id")
	r.recordRevoked(s.key, s.credentials)
	r.recordWithdrawn(s.key, scimv1alpha1.DeliveryAcknowledged)
	for range 3 {
		checkWords(t, []string{<-recorder.Events})
	}
}

// checkWords fails where a client secret is called a token, or is not said at all.
func checkWords(t *testing.T, said []string) {
	t.Helper()
	all := strings.Join(said, "\n")
	if strings.Contains(all, "token") || !strings.Contains(all, "client secret") {
		t.Errorf("it says:\n%s", all)
	}
}
