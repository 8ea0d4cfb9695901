package key

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/cli/view"
	"github.com/kubescim/kubescim/internal/operand"
)

// handover waits for the token of a key, and says where it is or brings it into a file.
type handover struct {
	client    client.Client
	namespace string
	// tokenFile is the file that gets the token; empty for none.
	tokenFile string
	limit     time.Duration
	out, errs io.Writer
}

func newHandover(f *command.Factory, tokenFile string, limit time.Duration) (*handover, error) {
	if tokenFile != "" {
		if _, err := os.Lstat(tokenFile); err == nil {
			return nil, fmt.Errorf("%s is there already, and is not overwritten: name another file with --token-file", tokenFile)
		}
	}
	c, namespace, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	return &handover{client: c, namespace: namespace, tokenFile: tokenFile, limit: limit, out: f.Streams.Out, errs: f.Streams.ErrOut}, nil
}

// wait reads a key until it is Ready, its token is in a Secret, and it is as is wanted. It ends at
// once when the key waits for somebody.
func (h *handover) wait(ctx context.Context, key *scimv1alpha1.ScimApiKey, wanted func(*scimv1alpha1.ScimApiKey) bool) error {
	err := command.Wait(ctx, h.limit, func(ctx context.Context) (bool, error) {
		if err := h.client.Get(ctx, client.ObjectKeyFromObject(key), key); err != nil {
			return false, command.Failed("reading ScimApiKey "+key.Name, command.RoleKeyEditor, err)
		}
		if stalled := meta.FindStatusCondition(key.Status.Conditions, scimv1alpha1.ConditionStalled); stalled != nil && stalled.ObservedGeneration == key.Generation {
			return false, fmt.Errorf("ScimApiKey %q has no token yet: %s", key.Name, stalled.Message)
		}
		if problem := rotationProblem(key); problem != nil {
			return false, fmt.Errorf("ScimApiKey %q does not get another token: %s", key.Name, problem.Message)
		}
		ready := meta.IsStatusConditionTrue(key.Status.Conditions, scimv1alpha1.ConditionReady)
		return ready && key.Status.SecretName != "" && wanted(key), nil
	})
	if errors.Is(err, command.ErrTimeout) {
		return fmt.Errorf("ScimApiKey %q has no token after %s: %s", key.Name, h.limit, view.Ready(key.Status.Conditions).Message)
	}
	return err
}

// rotationProblem returns the condition that says why a key is not rotated; nil if there is nothing
// in the way.
func rotationProblem(key *scimv1alpha1.ScimApiKey) *metav1.Condition {
	rotating := meta.FindStatusCondition(key.Status.Conditions, scimv1alpha1.ConditionRotating)
	if rotating == nil || rotating.Status == metav1.ConditionTrue || !view.Wanting(*rotating) {
		return nil
	}
	return rotating
}

// Delivered is what there is to say of a token that has been handed over.
type Delivered struct {
	Key       string `json:"key"`
	Namespace string `json:"namespace"`
	KeyID     string `json:"keyID"`
	// URL is the base URL of the tenant, and TokenURL where an OAuth client gets access tokens.
	URL      string `json:"url,omitempty"`
	TokenURL string `json:"tokenURL,omitempty"`
	ClientID string `json:"clientID,omitempty"`
	// SecretName and Entry say where the token is; TokenFile where it was written to.
	SecretName string `json:"secretName,omitempty"`
	Entry      string `json:"entry,omitempty"`
	TokenFile  string `json:"tokenFile,omitempty"`
}

// handOver says where the token of a key is, and writes it into the file if there is to be one.
func (h *handover) handOver(ctx context.Context, key *scimv1alpha1.ScimApiKey, format output.Format) error {
	d := Delivered{Key: key.Name, Namespace: key.Namespace, KeyID: key.Status.KeyID, SecretName: key.Status.SecretName, Entry: operand.HandoverToken}
	if key.Spec.OAuthClient != nil {
		d.Entry, d.ClientID = operand.HandoverClientSecret, key.Name
	}
	if h.tokenFile != "" {
		if err := h.bring(ctx, key, &d); err != nil {
			return err
		}
	}
	if format.Structured() {
		return format.Document(h.out, d)
	}
	d.print(h.out, key.DeliveredOnce())
	return nil
}

// bring writes the token into the file. One that is delivered once is acknowledged then.
func (h *handover) bring(ctx context.Context, key *scimv1alpha1.ScimApiKey, d *Delivered) error {
	secret := &corev1.Secret{}
	err := h.client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: d.SecretName}, secret)
	if err != nil {
		return command.Failed(fmt.Sprintf("reading the token in Secret %s, where it stays", d.SecretName), "", err)
	}
	token := string(secret.Data[d.Entry])
	if token == "" {
		return fmt.Errorf("the Secret %s has no entry %s: 'kubectl scim key rotate %s -n %s' has another token made", d.SecretName, d.Entry, key.Name, key.Namespace)
	}
	if err := writeToken(h.tokenFile, token); err != nil {
		return err
	}
	d.TokenFile = h.tokenFile
	d.URL, d.TokenURL = string(secret.Data[operand.HandoverURL]), string(secret.Data[operand.HandoverTokenURL])
	if !key.DeliveredOnce() {
		return nil
	}
	if err := annotate(ctx, h.client, key, scimv1alpha1.AnnotationDeliveryAcknowledged, key.Status.KeyID); err != nil {
		return command.Failed(fmt.Sprintf("the token is in %s; acknowledging that, so that its Secret is deleted", d.TokenFile), command.RoleKeyEditor, err)
	}
	d.SecretName, d.Entry = "", ""
	return nil
}

// annotate sets an annotation of a key, and nothing else.
func annotate(ctx context.Context, c client.Client, key *scimv1alpha1.ScimApiKey, name, value string) error {
	before := key.DeepCopy()
	metav1.SetMetaDataAnnotation(&key.ObjectMeta, name, value)
	return c.Patch(ctx, key, client.MergeFrom(before))
}

// print says it in words.
func (d *Delivered) print(out io.Writer, once bool) {
	what := "token"
	if d.ClientID != "" {
		what = "client secret"
	}
	fmt.Fprintf(out, "The %s of ScimApiKey %s works; its key id is %s.\n", what, d.Key, d.KeyID)
	for _, line := range [][2]string{{"URL", d.URL}, {"Token endpoint", d.TokenURL}, {"Client id", d.ClientID}} {
		if line[1] != "" {
			fmt.Fprintf(out, "  %-16s%s\n", line[0]+":", line[1])
		}
	}
	if d.TokenFile != "" {
		fmt.Fprintf(out, "It is in %s: delete that file once it is pasted.\n", d.TokenFile)
	}
	if d.SecretName == "" {
		return
	}
	fmt.Fprintf(out, "Read it with\n  kubectl get secret %s -n %s -o jsonpath='{.data.%s}' | base64 -d\n", d.SecretName, d.Namespace, d.Entry)
	fmt.Fprintf(out, "Once it is pasted, delete the Secret: the %s goes on working, and is not made again.\n", what)
	if once {
		fmt.Fprintf(out, "  kubectl annotate scimapikey %s -n %s %s=%s\n", d.Key, d.Namespace, scimv1alpha1.AnnotationDeliveryAcknowledged, d.KeyID)
	} else {
		fmt.Fprintf(out, "  kubectl delete secret %s -n %s\n", d.SecretName, d.Namespace)
	}
}
