// Package history is `kubectl scim history`: what the cluster knows about how a user came to be as
// it is.
package history

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/directory"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const about = `Say what the cluster knows about how a user came to be as it is: when it was made, when and by which
key it was changed last, who has written the object, and its events. The user is named by its user
name, in any case, or its id.

An object keeps no history: the server's log has each change, and the API server's audit log each call,
by the request's id.`

const example = `  # Who has deactivated Alice?
  kubectl scim history alice.martin@acme.example.com -n acme`

// mostEvents is how many events are shown.
const mostEvents = 50

// New is the command.
func New(f *command.Factory) *cobra.Command {
	var (
		flags  directory.UserFlags
		format output.Format
	)
	cmd := &cobra.Command{
		Use:               "history USER",
		Short:             "Say when and by which key a user was made and changed",
		Long:              about,
		Example:           example,
		Args:              command.Args("USER"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, user, err := flags.Find(cmd.Context(), f, args[0])
			if err != nil {
				return err
			}
			history, err := gather(cmd.Context(), c, user)
			if err != nil {
				return err
			}
			if format.Structured() {
				return format.Document(f.Streams.Out, history)
			}
			return history.print(f.Streams.Out, f.Terminal, f.Now())
		},
	}
	flags.AddTo(f, cmd)
	format.AddFlag(cmd)
	return cmd
}

// History is what is known about a user.
type History struct {
	UserName  string `json:"userName"`
	ID        string `json:"id"`
	Tenant    string `json:"tenant"`
	Namespace string `json:"namespace"`
	Active    bool   `json:"active"`

	CreatedTime      metav1.MicroTime `json:"createdTime"`
	LastModifiedTime metav1.MicroTime `json:"lastModifiedTime"`
	// DeletedTime is when the identity provider deleted the user; zero if it did not.
	DeletedTime metav1.MicroTime `json:"deletedTime,omitzero"`
	// StoredTime is when the object was made, which is later where it was restored from a backup.
	StoredTime metav1.Time `json:"storedTime"`

	// KeyID is that of the token which wrote the user last, Key the name of its key while that is there,
	// and RequestID the id of the request.
	KeyID     string `json:"keyID,omitempty"`
	Key       string `json:"key,omitempty"`
	RequestID string `json:"requestID,omitempty"`

	Writers []Writer `json:"writers"`
	Events  []Event  `json:"events"`
	// EventsHidden says that the events may not be seen.
	EventsHidden bool `json:"eventsHidden,omitempty"`
}

// Writer is who has written fields of the object, and when last: a token as scim/<key id>, whose key is
// Key while it is there.
type Writer struct {
	Manager string      `json:"manager"`
	Key     string      `json:"key,omitempty"`
	Time    metav1.Time `json:"time,omitzero"`
}

// pasteable are request ids that a shell and a terminal take as they are, which those of servers are. Whoever may
// write the object may have put another text in its place, and what is printed with it is there to be pasted.
var pasteable = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]*$`)

// managerPrefix begins the name of the field manager of a token.
const managerPrefix = "scim/"

// Event is an event about the user.
type Event struct {
	Time   metav1.Time `json:"time"`
	Type   string      `json:"type"`
	Reason string      `json:"reason"`
	Note   string      `json:"note"`
}

func gather(ctx context.Context, c client.Client, user *scimv1alpha1.ScimUser) (*History, error) {
	meta := &user.Spec.Meta
	h := &History{
		UserName: user.Spec.UserName, ID: user.Name, Tenant: user.Spec.TenantRef.Name, Namespace: user.Namespace,
		Active:      ptr.Deref(user.Spec.Active, true),
		CreatedTime: meta.CreatedTime, LastModifiedTime: meta.LastModifiedTime, DeletedTime: meta.DeletedTime,
		StoredTime: user.CreationTimestamp, KeyID: meta.KeyID, RequestID: meta.RequestID,
		Writers: []Writer{}, Events: []Event{},
	}
	names := map[string]string{} // of keys, by key id: most users have been written by one
	var err error
	if h.Key, err = keyOf(ctx, c, user.Namespace, meta.KeyID); err != nil {
		return nil, err
	}
	names[meta.KeyID] = h.Key
	for _, entry := range user.ManagedFields {
		writer := Writer{Manager: entry.Manager, Time: ptr.Deref(entry.Time, metav1.Time{})}
		if keyID, isKey := strings.CutPrefix(entry.Manager, managerPrefix); isKey {
			name, known := names[keyID]
			if !known {
				if name, err = keyOf(ctx, c, user.Namespace, keyID); err != nil {
					return nil, err
				}
				names[keyID] = name
			}
			writer.Key = name
		}
		h.Writers = append(h.Writers, writer)
	}
	return h, h.gatherEvents(ctx, c)
}

// keyOf returns the name of the ScimApiKey of a key id; empty when its ScimCredential is gone, or
// may not be seen.
func keyOf(ctx context.Context, c client.Client, namespace, keyID string) (string, error) {
	if keyID == "" {
		return "", nil
	}
	credential := &scimv1alpha1.ScimCredential{}
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: keyID}, credential)
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return "", nil
	}
	if err != nil {
		return "", command.Failed("reading the ScimCredential of the key", command.RoleTenantViewer, err)
	}
	return credential.Spec.APIKeyRef.Name, nil
}

func (h *History) gatherEvents(ctx context.Context, c client.Client) error {
	list := &corev1.EventList{}
	ofUser := client.MatchingFields{"involvedObject.kind": "ScimUser", "involvedObject.name": h.ID}
	err := c.List(ctx, list, client.InNamespace(h.Namespace), ofUser, client.Limit(mostEvents))
	if apierrors.IsForbidden(err) {
		h.EventsHidden = true
		return nil
	}
	if err != nil {
		return command.Failed("listing the events of the user", "", err)
	}
	for i := range list.Items {
		event := &list.Items[i]
		h.Events = append(h.Events, Event{Time: timeOf(event), Type: event.Type, Reason: event.Reason, Note: event.Message})
	}
	return nil
}

// timeOf returns when an event was seen last: those of the newer API say it elsewhere.
func timeOf(event *corev1.Event) metav1.Time {
	switch {
	case event.Series != nil:
		return metav1.NewTime(event.Series.LastObservedTime.Time)
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp
	case !event.EventTime.IsZero():
		return metav1.NewTime(event.EventTime.Time)
	default:
		return event.CreationTimestamp
	}
}

func (h *History) print(out io.Writer, terminal output.Terminal, now time.Time) error {
	text := &strings.Builder{}
	for _, line := range [][2]string{
		{"User", terminal.Paint(output.Heading, output.Safe(h.UserName))},
		{"Id", h.ID},
		{"Tenant", h.Tenant},
		{"Active", fmt.Sprint(h.Active)},
		{"Created", at(now, h.CreatedTime.Time)},
		{"Changed", at(now, h.LastModifiedTime.Time)},
		{"Deleted", at(now, h.DeletedTime.Time)},
		{"By key", h.key()},
		{"Request", output.OrNone(h.RequestID)},
	} {
		if line[0] != "Deleted" || !h.DeletedTime.IsZero() {
			fmt.Fprintf(text, "%-10s%s\n", line[0]+":", line[1])
		}
	}
	fmt.Fprintf(text, "\n%s\n", terminal.Paint(output.Heading, "Who has written the object"))
	writers := output.NewTable(text, terminal, "MANAGER", "KEY", "LAST")
	for _, writer := range h.Writers {
		writers.Row(output.Text(writer.Manager), output.Text(output.OrNone(writer.Key)), output.Text(at(now, writer.Time.Time)))
	}
	if err := writers.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(text, "\n%s\n", terminal.Paint(output.Heading, "Events"))
	events := output.NewTable(text, terminal, "LAST", "TYPE", "REASON", "MESSAGE")
	for _, event := range h.Events {
		events.Row(output.Text(output.Ago(now, event.Time.Time)), output.Text(event.Type), output.Text(event.Reason), output.Text(event.Note))
	}
	switch {
	case h.EventsHidden:
		fmt.Fprintln(text, "you may not list events in this namespace")
	case len(h.Events) == 0:
		fmt.Fprintln(text, "none: Kubernetes keeps events for an hour")
	}
	if err := events.Flush(); err != nil {
		return err
	}
	if pasteable.MatchString(h.RequestID) {
		fmt.Fprintf(text, "\nThe server's log has the request, and the names of the attributes that it has changed:\n"+
			"  kubectl logs -n %s -l app.kubernetes.io/part-of=kubescim --tail=-1 | grep %s\n"+
			"The API server's audit log, where there is one, has its calls with that id as auditID.\n", h.Namespace, h.RequestID)
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("printing the history: %w", err)
	}
	return nil
}

func (h *History) key() string {
	switch {
	case h.KeyID == "":
		return output.None
	case h.Key == "":
		return h.KeyID + ", of which there is no ScimCredential any more, or you may not see it"
	default:
		return h.Key + ", by the token of key id " + h.KeyID
	}
}

// at writes a time, and how long ago that is.
func at(now, then time.Time) string {
	if then.IsZero() {
		return output.None
	}
	return output.Date(then) + " (" + output.Ago(now, then) + " ago)"
}
