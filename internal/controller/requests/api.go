package requests

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// mostAtOnce is how many requests are answered at the same time.
const mostAtOnce = 16

// logs names the log of a tenant in errors.
var logs = schema.GroupResource{Group: scimv1alpha1.GroupVersion.Group, Resource: "scimtenants/" + contract.ResourceLog}

// api answers who wants to see the log of a tenant (contract.LogPath). Errors are those that the API
// server has, so that clients read them alike.
type api struct {
	gatherer *Gatherer
	access   *access
	slots    chan struct{}
}

func newAPI(gatherer *Gatherer, access *access) http.Handler {
	a := &api{gatherer: gatherer, access: access, slots: make(chan struct{}, mostAtOnce)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+contract.LogPath("{namespace}", "{tenant}"), func(w http.ResponseWriter, r *http.Request) {
		found, err := a.log(r)
		if err != nil {
			refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found) // An error here means that who has asked is gone.
	})
	return mux
}

// log returns the log that a request asks for, to somebody who may see it. Who may not does not learn
// whether there is such a tenant.
func (a *api) log(r *http.Request) (contract.RequestLog, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	default:
		return contract.RequestLog{}, apierrors.NewTooManyRequests("too many are reading logs of tenants; try again", 1)
	}
	key := client.ObjectKey{Namespace: r.PathValue("namespace"), Name: r.PathValue("tenant")}
	who, known, err := a.access.AuthenticateRequest(r)
	if err != nil || !known {
		return contract.RequestLog{}, unauthorized(err)
	}
	allowed, err := a.access.mayRead(r.Context(), who.User, key.Namespace, key.Name)
	if err != nil {
		return contract.RequestLog{}, fmt.Errorf("asking the API server whether %q may read the log of a tenant: %w", who.User.GetName(), err)
	}
	if !allowed {
		return contract.RequestLog{}, apierrors.NewForbidden(logs, key.Name,
			fmt.Errorf("user %q may not get %s in the namespace %q", who.User.GetName(), logs.Resource, key.Namespace))
	}
	tenant := &scimv1alpha1.ScimTenant{}
	if err := a.gatherer.Cached.Get(r.Context(), key, tenant); err != nil {
		return contract.RequestLog{}, err
	}
	return a.gatherer.Gather(r.Context(), tenant)
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
