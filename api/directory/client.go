package directory

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// newClient returns a client for the kinds of the API.
func newClient(config *rest.Config) (rest.Interface, error) {
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("the kinds of the API: %w", err)
	}
	if config == nil {
		var err error
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		if config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig(); err != nil {
			return nil, fmt.Errorf("finding out how the API server is reached: %w", err)
		}
	}
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &scimv1alpha1.GroupVersion, "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	if config.UserAgent == "" {
		config.UserAgent = "kubescim-directory " + rest.DefaultKubernetesUserAgent()
	}
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("the connection to the API server: %w", err)
	}
	return client, nil
}

// begin reads the ScimTenant, nil where there is none, once the API server answers. It fails for what waiting does
// not mend.
func (d *Directory) begin(ctx context.Context) (tenant *scimv1alpha1.ScimTenant, err error) {
	pause := wait.Backoff{Duration: firstPause, Factor: 2, Jitter: 0.1, Steps: 10, Cap: longestPause}
	for {
		if tenant, err = d.look(ctx); err == nil {
			return tenant, nil
		}
		if ctx.Err() != nil || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) {
			return nil, err
		}
		d.log.Warn("the API server does not answer yet", slog.Any("error", err))
		sleep(ctx, pause.Step())
	}
}

// look reads the ScimTenant, and sees whether its users and groups may be read.
func (d *Directory) look(ctx context.Context) (*scimv1alpha1.ScimTenant, error) {
	for kind := range kind(kinds) {
		if err := d.request(kind, &metav1.ListOptions{Limit: 1}).Do(ctx).Error(); err != nil {
			return nil, fmt.Errorf("listing %s in the namespace %q, for which the ClusterRole kubescim-user-viewer is made: %w",
				kind.resource(), d.options.Namespace, err)
		}
	}
	tenant := &scimv1alpha1.ScimTenant{}
	err := d.client.Get().Namespace(d.options.Namespace).Resource("scimtenants").Name(d.options.Tenant).Do(ctx).Into(tenant)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ScimTenant %q in the namespace %q, which says for how long markers stay: %w",
			d.options.Tenant, d.options.Namespace, err)
	}
	return tenant, nil
}

// request is for objects of the tenant.
func (d *Directory) request(kind kind, options *metav1.ListOptions) *rest.Request {
	options.FieldSelector = fields.OneTermEqualSelector("spec.tenantRef.name", d.options.Tenant).String()
	return d.client.Get().Namespace(d.options.Namespace).Resource(kind.resource()).VersionedParams(options, metav1.ParameterCodec)
}

// sleep waits for so long, or until the context is done.
func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
