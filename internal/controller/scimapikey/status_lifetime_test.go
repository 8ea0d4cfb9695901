package scimapikey

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

func TestLifetimeConditions(t *testing.T) {
	const (
		soon = scimv1alpha1.ConditionExpiringSoon
		turn = scimv1alpha1.ConditionRotating
	)
	for name, tc := range map[string]struct {
		scope         *scope
		conditionType string
		want          string // status and reason; nothing when there is none
		message       string
	}{
		"no end":                     {found(has(issuedToken)), soon, "", ""},
		"a new key without an end":   {found(), soon, "", ""},
		"of two, one without an end": {found(has(issuedToken), has(elsewhere, ending(noon.Add(time.Hour)))), soon, "", ""},
		"an end in a month":          {found(has(issuedToken, issuedOn(noon.Add(-335*day)), ending(noon.Add(30*day)))), soon, "False Later", "2026-05-31T12:00:00Z"},
		"an end in two weeks":        {found(has(issuedToken, issuedOn(noon.Add(-335*day)), ending(noon.Add(14*day)))), soon, "True Soon", "annotation scim.kubescim.dev/rotate-at"},
		"a short life, early":        {found(has(issuedToken, ending(noon.Add(8*time.Hour)))), soon, "False Later", "2026-05-01T20:00:00Z"},
		"a short life, late":         {found(has(issuedToken, issuedOn(noon.Add(-9*time.Hour)), ending(noon.Add(time.Hour)))), soon, "True Soon", ""},
		"the later of two ends":      {found(has(issuedToken, ending(noon.Add(time.Hour))), has(elsewhere, ending(noon.Add(20*time.Hour)))), soon, "False Later", "2026-05-02T08:00:00Z"},
		"the end of the key": {
			found(has(issuedToken, issuedOn(noon.Add(-335*day))), expires(noon.Add(day))), soon, "True Soon", "set spec.expirationTime to a later time",
		},
		"the end of the key, and rotated": {found(has(issuedToken, issuedOn(noon.Add(-335*day))), expires(noon.Add(day)), every(365)), soon, "True Soon", ""},
		"a credential before its key":     {found(has(issuedToken, ending(noon.Add(time.Hour))), expires(noon.Add(day))), soon, "False Later", "2026-05-01T13:00:00Z"},
		"rotated before it ends":          {found(has(issuedToken, issuedOn(noon.Add(-80*day)), ending(noon.Add(5*day))), every(90)), soon, "False Renewed", "another one is made before"},
		"to be rotated, and the Secret is in the way": {
			found(has(issuedToken, issuedOn(noon.Add(-95*day)), ending(noon.Add(5*day))), every(90), foreign), soon, "True Soon", "delete or rename it",
		},
		"to be rotated, and no tenant": {
			found(has(issuedToken, issuedOn(noon.Add(-95*day)), ending(noon.Add(5*day))), every(90), noTenant), soon, "True Soon", "create it",
		},
		"to be rotated, and on its way": {
			found(rotation, func(s *scope) { ending(noon.Add(5 * day))(&s.credentials[1]) }, every(100)), soon, "False Renewed", "",
		},
		"to be rotated, and on its way for hours": {
			found(rotation, func(s *scope) { ending(noon.Add(5 * day))(&s.credentials[1]) }, every(99)), soon, "True Soon", "server replicas",
		},
		"one that lasts, and is refused": {
			found(has(issuedToken, issuedOn(noon.Add(-335*day)), ending(noon.Add(14*day))), has(elsewhere, issuedOn(noon.Add(-400*day))), notBefore(noon.Add(-350*day))), soon, "True Soon", "",
		},
		"one that lasts, and is leaving": {
			found(has(issuedToken, issuedOn(noon.Add(-335*day)), ending(noon.Add(14*day))), has(elsewhere, going)), soon, "True Soon", "",
		},
		"rotated on demand":               {found(has(issuedToken, issuedOn(noon.Add(-80*day)), ending(noon.Add(5*day))), overlap(1)), soon, "True Soon", ""},
		"made elsewhere":                  {found(has(issuedToken, issuedOn(noon.Add(-80*day)), ending(noon.Add(5*day))), offline), soon, "True Soon", "kubectl scim key generate"},
		"limited by the operator":         {found(has(issuedToken, ending(noon.Add(90*day-time.Hour))), longest(90*day)), soon, "False Later", "no token last longer than 90 days"},
		"ended":                           {found(has(issuedToken, ending(noon))), soon, "False Expired", "stopped working at 2026-05-01T12:00:00Z"},
		"one that nobody has yet":         {found(has(issuedToken, undelivered, ending(noon.Add(time.Minute))), remembered), soon, "", ""},
		"not rotated":                     {found(has(issuedToken)), turn, "", ""},
		"to be rotated":                   {found(has(issuedToken), every(90)), turn, "False Scheduled", "2026-07-30T11:00:00Z"},
		"asked to be rotated later":       {found(has(issuedToken), every(90), rotateOn("2026-05-02T12:00:00Z")), turn, "False Scheduled", "2026-05-02T12:00:00Z"},
		"to be rotated when asked":        {found(has(issuedToken), overlap(1)), turn, "False OnDemand", "rotate-at"},
		"asked for, and done":             {found(has(issuedToken), rotateOn("2026-05-01T11:00:00Z")), turn, "False OnDemand", "later than the newest token"},
		"asked for in words":              {found(has(issuedToken), rotateOn("tomorrow")), turn, "False InvalidTime", `"tomorrow", which is no time: write it like 2026-05-01T12:00:00Z`},
		"asked for in words, by schedule": {found(has(issuedToken), every(90), rotateOn("tomorrow")), turn, "False InvalidTime", "kubectl annotate scimapikey okta -n team scim.kubescim.dev/rotate-at="},
		"asked for at great length":       {found(has(issuedToken), rotateOn(strings.Repeat("x", 10_000))), turn, "False InvalidTime", `xxx", which`},
		"asked for, and made elsewhere":   {found(has(issuedToken), offline, rotateOn("2026-05-01T12:00:00Z")), turn, "False MadeElsewhere", "does not make the tokens of this key: make another token with kubectl scim key generate, and apply its ScimCredential"},
		"asked for, and a federated key":  {found(federated(anIssuer), rotateOn("2026-05-01T12:00:00Z")), turn, "False MadeElsewhere", "since the key is federated, and has no secret to rotate: take it out"},
		"waiting for replicas":            {found(rotation, oneAcknowledges), turn, "True WaitingForServer", "1 of 2"},
		"accepted":                        {found(rotation, allAcknowledge), turn, "True Progressing", ""},
		"two work":                        {found(rotated(ending(noon.Add(time.Hour)))), turn, "True Overlap", "before 2026-05-01T13:00:00Z, when that of " + before.verifier.KeyID},
		"two work, one of them restored": {
			found(rotated(ending(noon.Add(time.Hour))), func(s *scope) { s.handover = nil }), turn, "True Overlap", "is in no Secret: see that the identity provider has it before",
		},
		"three work": {
			found(rotated(ending(noon.Add(time.Hour))), has(elsewhere, issuedOn(noon.Add(-400*day)), ending(noon.Add(2*time.Hour))), func(s *scope) {
				s.credentials[0].Annotations[scimv1alpha1.AnnotationSupersedes] += "," + elsewhere.verifier.KeyID
			}), turn, "True Overlap",
			"is handed over: give it to the identity provider before 2026-05-01T14:00:00Z, when the last of those of ",
		},
		"the one before is over":           {found(rotated(ending(noon)), every(90)), turn, "False Scheduled", ""},
		"due, and blocked":                 {found(has(issuedToken), foreign, rotateOn("2026-05-01T12:00:00Z")), turn, "False ObjectConflict", "delete or rename it"},
		"a first token that is on its way": {found(pending, every(90)), turn, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := tc.scope
			s.decision = decide(s)
			for _, conditionType := range []string{soon, turn} {
				meta.SetStatusCondition(&s.key.Status.Conditions, conditions.True(conditionType, "Before", "what was said before"))
			}
			setStatus(s)
			c := meta.FindStatusCondition(s.key.Status.Conditions, tc.conditionType)
			if c == nil {
				c = &metav1.Condition{}
			}
			if got := strings.TrimSpace(string(c.Status) + " " + c.Reason); got != tc.want || !strings.Contains(c.Message, tc.message) {
				t.Errorf("it is %q: %s; want %q: %s", got, c.Message, tc.want, tc.message)
			}
			if len(c.Message) > 500 {
				t.Errorf("the message has %d bytes", len(c.Message))
			}
		})
	}
}

func TestDelivery(t *testing.T) {
	ago := noon.Add(-time.Hour)
	token, old := issuedToken.verifier.KeyID, before.verifier.KeyID
	withSecret := func(s *scope) { s.key.Status.SecretName = "okta" }
	noSecret := func(s *scope) { s.handover = nil }
	for name, tc := range map[string]struct {
		scope *scope
		want  scimv1alpha1.DeliveryStatus
	}{
		"of a Secret that stays":             {scope: found(has(issuedToken), handedOver)},
		"of a key without a token":           {found(once(0)), stateSince("Pending", "", noon)},
		"of one that waits":                  {found(pending, once(0), stated("Pending", token0, ago)), stateSince("Pending", "", ago)},
		"there":                              {found(has(issuedToken, issuedOn(noon.Add(-time.Minute))), handedOver, once(0)), stateSince("Available", token, noon.Add(-time.Second))},
		"there, as was said":                 {found(has(issuedToken), handedOver, once(0), stated("Available", issuedToken, ago)), stateSince("Available", token, ago)},
		"there, after another one":           {found(rotated(), once(0), stated("Acknowledged", before, ago), func(s *scope) { s.handover.CreationTimestamp = metav1.NewTime(ago.Add(-day)) }), stateSince("Available", token, noon)},
		"there, before it is confirmed":      {found(has(issuedToken, undelivered), handedOver, once(0)), stateSince("Available", token, noon.Add(-time.Second))},
		"acknowledged":                       {found(has(issuedToken), once(0), stated("Acknowledged", issuedToken, ago)), stateSince("Acknowledged", token, ago)},
		"expired":                            {found(has(issuedToken), once(0), stated("Expired", issuedToken, ago), acknowledges), stateSince("Expired", token, ago)},
		"acknowledged, and to stay now":      {found(has(issuedToken), stated("Acknowledged", issuedToken, ago)), stateSince("Acknowledged", token, ago)},
		"gone, and acknowledged":             {found(has(issuedToken), withSecret, once(time.Minute), stated("Available", issuedToken, ago), acknowledges), stateSince("Acknowledged", token, noon)},
		"gone, and another one acknowledged": {found(has(issuedToken), withSecret, once(time.Minute), stated("Available", issuedToken, ago), acknowledgesOf(before)), stateSince("Expired", token, noon)},
		"gone, and overdue":                  {found(has(issuedToken), withSecret, once(time.Minute), stated("Available", issuedToken, ago)), stateSince("Expired", token, noon)},
		"gone, by somebody's hand":           {found(has(issuedToken), withSecret, once(0), stated("Available", issuedToken, ago)), stateSince("Acknowledged", token, noon)},
		"gone, and the next one, too":        {found(rotated(), func(s *scope) { own(&s.credentials[0]) }, once(0), stated("Acknowledged", before, ago), noSecret), stateSince("Acknowledged", token, noon)},
		"gone, and another was applied":      {found(has(elsewhere, applied), has(issuedToken), withSecret, once(0), stated("Available", issuedToken, ago)), stateSince("Acknowledged", token, noon)},
		"gone before another was applied":    {found(has(elsewhere, applied), has(issuedToken), once(0), stated("Acknowledged", issuedToken, ago)), stateSince("Acknowledged", token, ago)},
		"gone, and another on its way":       {found(rotation, withSecret, once(0), stated("Acknowledged", before, ago), noSecret), stateSince("Acknowledged", old, ago)},
		"provided":                           {scope: found(has(elsewhere), once(0))},
		"lost":                               {found(once(0), said, stated("Acknowledged", issuedToken, ago)), stateSince("Acknowledged", token, ago)},
	} {
		t.Run(name, func(t *testing.T) {
			tc.scope.decision = decide(tc.scope)
			setStatus(tc.scope)
			status := tc.scope.key.Status
			if got := status.Delivery; got != tc.want {
				t.Errorf("it is %+v, want %+v", got, tc.want)
			}
			if gone := tc.want.State == "Acknowledged" || tc.want.State == "Expired"; gone && status.SecretName != "" {
				t.Errorf("it names Secret %q, which is gone", status.SecretName)
			}
		})
	}
}

// token0 is no token.
var token0 token

func TestStatusAfterARotation(t *testing.T) {
	s := found(rotated(ending(noon.Add(time.Hour))), said)
	s.key.Status.KeyID, s.key.Status.DeliveredTime = before.verifier.KeyID, metav1.NewTime(noon.Add(-100*day))
	setCredentials(s)
	if status := s.key.Status; status.KeyID != issuedToken.verifier.KeyID || !status.DeliveredTime.Time.Equal(noon) || len(status.Credentials) != 2 {
		t.Errorf("it says %+v", status)
	}
	s.now = noon.Add(time.Hour)
	setCredentials(s)
	if status := s.key.Status; !status.DeliveredTime.Time.Equal(noon) {
		t.Errorf("an hour later, it says %s", status.DeliveredTime)
	}
}

func TestStatusSaysWhenATokenWasLastUsed(t *testing.T) {
	id := issuedToken.verifier.KeyID
	uses := func(pod int, at time.Time) change {
		return func(s *scope) {
			s.replicas[pod].Annotations[contract.AnnotationUsage] = contract.EncodeUsage(contract.Usage{
				LastUsedTimes: map[string]time.Time{id: at, "other": noon},
			})
		}
	}
	recorded := func(at time.Time) change {
		return func(s *scope) {
			s.key.Status.Credentials = []scimv1alpha1.APIKeyCredential{{KeyID: id, LastUsedTime: metav1.NewTime(at)}}
		}
	}
	for name, tc := range map[string]struct {
		scope *scope
		want  time.Time
	}{
		"never":                          {scope: found(has(issuedToken))},
		"on one pod":                     {found(has(issuedToken), uses(1, noon.Add(-90*time.Minute))), noon.Add(-2 * time.Hour)},
		"on two pods":                    {found(has(issuedToken), uses(0, noon), uses(1, noon.Add(-3*time.Hour))), noon},
		"on a pod that is gone":          {found(has(issuedToken), recorded(noon.Add(-time.Hour))), noon.Add(-time.Hour)},
		"on a pod that is gone, later":   {found(has(issuedToken), recorded(noon), uses(0, noon.Add(-3*time.Hour))), noon},
		"on a pod that is gone, earlier": {found(has(issuedToken), recorded(noon.Add(-5*time.Hour)), uses(0, noon)), noon},
	} {
		t.Run(name, func(t *testing.T) {
			setCredentials(tc.scope)
			if got := tc.scope.key.Status.Credentials[0].LastUsedTime; !got.Time.Equal(tc.want) {
				t.Errorf("it is %s, want %s", got, tc.want)
			}
			if usedSince(tc.scope.key, lastUsed(&tc.scope.replicas[0])) {
				t.Error("there is news after the status was set")
			}
		})
	}
	if s := found(has(issuedToken), uses(0, noon), recorded(noon.Add(-time.Hour))); !usedSince(s.key, lastUsed(&s.replicas[0])) {
		t.Error("a later use is no news")
	}
}
