package history

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/cli/output"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestWhatIsPrinted(t *testing.T) {
	ago := func(d time.Duration) metav1.MicroTime { return metav1.NewMicroTime(noon.Add(-d)) }
	h := &History{
		UserName: "alice@acme.example.com", ID: "00000000-0000-4000-8000-000000000001", Tenant: "acme", Namespace: "acme", Active: true,
		CreatedTime: ago(720 * time.Hour), LastModifiedTime: ago(11 * time.Minute),
		KeyID: "abcdefghijklmnop", Key: "entra", RequestID: "c7291d4a",
		Writers: []Writer{{Manager: "scim/abcdefghijklmnop", Key: "entra", Time: metav1.NewTime(noon.Add(-11 * time.Minute))}},
		Events:  []Event{{Time: metav1.NewTime(noon.Add(-time.Minute)), Type: "Normal", Reason: "LabelRestored", Note: "the label\nwas missing"}},
	}
	g := NewWithT(t)
	out := &strings.Builder{}
	g.Expect(h.print(out, output.Terminal{}, noon)).To(Succeed())
	g.Expect(out.String()).To(Equal(`User:     alice@acme.example.com
Id:       00000000-0000-4000-8000-000000000001
Tenant:   acme
Active:   true
Created:  2026-04-01T12:00:00Z (30d ago)
Changed:  2026-05-01T11:49:00Z (11m ago)
By key:   entra, by the token of key id abcdefghijklmnop
Request:  c7291d4a

Who has written the object
MANAGER                 KEY     LAST
scim/abcdefghijklmnop   entra   2026-05-01T11:49:00Z (11m ago)

Events
LAST   TYPE     REASON          MESSAGE
60s    Normal   LabelRestored   the label?was missing

The server's log has the request, and the names of the attributes that it has changed:
  kubectl logs -n acme -l app.kubernetes.io/part-of=kubescim --tail=-1 | grep c7291d4a
The API server's audit log, where there is one, has its calls with that id as auditID.
`))

	out.Reset()
	h.DeletedTime, h.Key, h.RequestID, h.Writers, h.Events, h.EventsHidden = ago(time.Hour), "", "", nil, nil, true
	g.Expect(h.print(out, output.Terminal{}, noon)).To(Succeed())
	g.Expect(out.String()).To(And(ContainSubstring("Deleted:  2026-05-01T11:00:00Z (60m ago)"),
		ContainSubstring("you may not list events"), ContainSubstring("no ScimCredential any more"), Not(ContainSubstring("kubectl logs"))))
}

// Whoever may write a user may put any text in the place of the request's id.
func TestNoTextOfOthersIsThereToBePasted(t *testing.T) {
	for _, requestID := range []string{"x; rm -rf ~", "$(id)", "-f /etc/passwd", "a\x1b]0;b", "a\nb"} {
		g := NewWithT(t)
		h := &History{UserName: "alice", ID: "1", Tenant: "acme", Namespace: "acme", RequestID: requestID}
		out := &strings.Builder{}
		g.Expect(h.print(out, output.Terminal{}, noon)).To(Succeed())
		g.Expect(out.String()).NotTo(Or(ContainSubstring("grep"), ContainSubstring("\x1b"), ContainSubstring("a\nb")))
	}
}

func TestTimesOfEvents(t *testing.T) {
	g := NewWithT(t)
	at := metav1.NewTime(noon)
	series := &corev1.Event{Series: &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(noon)}}
	for _, event := range []*corev1.Event{
		series, {LastTimestamp: at}, {EventTime: metav1.NewMicroTime(noon)}, {ObjectMeta: metav1.ObjectMeta{CreationTimestamp: at}},
	} {
		found := timeOf(event)
		g.Expect(found.Equal(&at)).To(BeTrue(), "%v", event)
	}
}
