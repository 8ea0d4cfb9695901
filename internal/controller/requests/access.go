package requests

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

const (
	// reviewTimeout bounds a question to the API server.
	reviewTimeout = 5 * time.Second
	// tokenTTL and allowTTL are for how long an answer is remembered: somebody who reads the log again
	// and again costs no question each time. denyTTL is short, so that a right that was just granted
	// is there.
	tokenTTL = 10 * time.Second
	allowTTL = 10 * time.Second
	denyTTL  = time.Second
)

// access has the API server say who asks, and whether they may, in the way in which controller-runtime
// guards metrics: by TokenReview, or by a client certificate that the API server would accept, and by
// SubjectAccessReview. Metrics are a URL; this is a part of a ScimTenant, so that whoever may see the
// tenants of one namespace sees these alone.
type access struct {
	authenticator.Request
	authorizer.Authorizer
}

// newAccess returns what asks the API server. clients is the CA of client certificates.
func newAccess(config *rest.Config, httpClient *http.Client, clients dynamiccertificates.CAContentProvider) (*access, error) {
	reviews, err := authenticationv1.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("making a client for TokenReviews: %w", err)
	}
	accessReviews, err := authorizationv1.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("making a client for SubjectAccessReviews: %w", err)
	}
	once := &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 3}
	who, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		Anonymous: &apiserver.AnonymousAuthConfig{Enabled: false}, CacheTTL: tokenTTL, ClientCertificateCAContentProvider: clients,
		TokenAccessReviewClient: reviews, TokenAccessReviewTimeout: reviewTimeout, WebhookRetryBackoff: once,
	}.New()
	if err != nil {
		return nil, fmt.Errorf("preparing to ask who somebody is: %w", err)
	}
	may, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: accessReviews, AllowCacheTTL: allowTTL, DenyCacheTTL: denyTTL, WebhookRetryBackoff: once,
	}.New()
	if err != nil {
		return nil, fmt.Errorf("preparing to ask what somebody may do: %w", err)
	}
	return &access{Request: who, Authorizer: may}, nil
}

// mayRead reports whether somebody may read the log of a tenant.
func (a *access) mayRead(ctx context.Context, who user.Info, namespace, tenant string) (bool, error) {
	decision, _, err := a.Authorize(ctx, authorizer.AttributesRecord{
		User: who, Verb: "get", Namespace: namespace, Name: tenant, ResourceRequest: true,
		APIGroup: scimv1alpha1.GroupVersion.Group, APIVersion: scimv1alpha1.GroupVersion.Version,
		Resource: "scimtenants", Subresource: contract.ResourceLog,
		Path: contract.LogPath(namespace, tenant),
	})
	return decision == authorizer.DecisionAllow, err
}
