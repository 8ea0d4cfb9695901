package requests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// turnTimeout is how long somebody waits for a turn.
const turnTimeout = 5 * time.Second

// logs names the log of a tenant in errors.
var logs = schema.GroupResource{Group: scimv1alpha1.GroupVersion.Group, Resource: "scimtenants/" + contract.ResourceLog}

// api answers who wants to see the log of a tenant (contract.LogPath). Errors are those that the API
// server has, so that clients read them alike.
type api struct {
	gatherer *Gatherer
	access   *access
	turns    *turns
}

func newAPI(gatherer *Gatherer, access *access) http.Handler {
	a := &api{gatherer: gatherer, access: access, turns: newTurns()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+contract.LogPath("{namespace}", "{tenant}"), func(w http.ResponseWriter, r *http.Request) {
		key := client.ObjectKey{Namespace: r.PathValue("namespace"), Name: r.PathValue("tenant")}
		if err := a.permit(r, key); err != nil {
			refuse(w, r, err)
			return
		}
		if err := a.answer(w, r, key); err != nil {
			refuse(w, r, err)
		}
	})
	return mux
}

// permit returns nil for a request of somebody who may see the log of a tenant. Who may not does not learn
// whether there is such a tenant.
func (a *api) permit(r *http.Request, key client.ObjectKey) error {
	who, known, err := a.access.AuthenticateRequest(r)
	if err != nil || !known {
		return unauthorized(err)
	}
	allowed, err := a.access.mayRead(r.Context(), who.User, key.Namespace, key.Name)
	if err != nil {
		return fmt.Errorf("asking the API server whether %q may read the log of a tenant: %w", who.User.GetName(), err)
	}
	if !allowed {
		return apierrors.NewForbidden(logs, key.Name,
			fmt.Errorf("user %q may not get %s in the namespace %q", who.User.GetName(), logs.Resource, key.Namespace))
	}
	return nil
}

// answer sends the log of a tenant. It is somebody's turn until all is sent: what is not sent is in memory.
func (a *api) answer(w http.ResponseWriter, r *http.Request, key client.ObjectKey) error {
	waiting, cancel := context.WithTimeout(r.Context(), turnTimeout)
	defer cancel()
	done, err := a.turns.begin(waiting, key.Namespace)
	if err != nil {
		return apierrors.NewTooManyRequests("too many are reading logs of tenants; try again", 1)
	}
	defer done()
	tenant := &scimv1alpha1.ScimTenant{}
	if err := a.gatherer.Cached.Get(r.Context(), key, tenant); err != nil {
		return err
	}
	found, err := a.gatherer.Gather(r.Context(), tenant)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(found) // An error here means that who has asked is gone.
	return nil
}

// unauthorized is the error for somebody whom the API server does not know. Why, it says to them alone.
func unauthorized(err error) error {
	if err != nil {
		return apierrors.NewUnauthorized("the API server does not accept these credentials")
	}
	return apierrors.NewUnauthorized("credentials are missing: send the bearer token, or the client certificate, that the API server accepts")
}

// refuse answers with an error. What is none of the API server's is for the operator's log.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		log.FromContext(r.Context()).Error(err, "Answering who wants to see the log of a tenant")
		known = apierrors.NewInternalError(errors.New("the operator's log has the cause"))
	}
	status := known.Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status) // An error here means that who has asked is gone.
}
