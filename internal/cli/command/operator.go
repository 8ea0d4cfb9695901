package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// operatorNamespace is where the operator usually runs.
const operatorNamespace = "kubescim-system"

// mostStatus bounds an error of the operator, in bytes.
const mostStatus = 64 << 10

// Reach opens a way to the operator in a namespace, and returns the address at its end here, and what
// closes it.
type Reach func(ctx context.Context, config *rest.Config, namespace string) (address string, end func(), err error)

// OperatorFlag says where the operator runs.
type OperatorFlag struct{ namespace string }

// AddTo adds the flag to a command.
func (o *OperatorFlag) AddTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.namespace, "operator-namespace", operatorNamespace, "namespace of the operator, which is asked for the last requests")
}

// RequestLog asks the operator for the last requests of a tenant. The operator asks the API server in
// turn who that is, by the same credentials, and whether they may.
func (f *Factory) RequestLog(ctx context.Context, operator OperatorFlag, tenant *scimv1alpha1.ScimTenant) (contract.RequestLog, error) {
	config, err := f.config()
	if err != nil {
		return contract.RequestLog{}, err
	}
	if config.Impersonate.UserName != "" {
		return contract.RequestLog{}, errors.New("the operator is asked under your own credentials, and --as means nothing to it: leave it out")
	}
	address, end, err := f.Reach(ctx, config, operator.namespace)
	if err != nil {
		return contract.RequestLog{}, err
	}
	defer end()
	log, err := readLog(ctx, config, "https://"+address+contract.LogPath(tenant.Namespace, tenant.Name))
	return log, Failed(fmt.Sprintf("reading the last requests of ScimTenant %s/%s", tenant.Namespace, tenant.Name), RoleTenantViewer, err)
}

func readLog(ctx context.Context, config *rest.Config, url string) (contract.RequestLog, error) {
	caller, err := rest.HTTPClientFor(throughTunnel(config))
	if err != nil {
		return contract.RequestLog{}, fmt.Errorf("reading your credentials: %w", err)
	}
	defer caller.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return contract.RequestLog{}, err
	}
	response, err := caller.Do(request)
	if err != nil {
		return contract.RequestLog{}, err
	}
	defer func() { _ = response.Body.Close() }() // It was only read from.
	if response.StatusCode == http.StatusOK {
		return contract.DecodeRequestLog(response.Body)
	}
	status := &metav1.Status{}
	if err := json.NewDecoder(io.LimitReader(response.Body, mostStatus)).Decode(status); err != nil || status.Code == 0 {
		return contract.RequestLog{}, fmt.Errorf("the operator answers %s", response.Status)
	}
	return contract.RequestLog{}, apierrors.FromObject(status)
}

// throughTunnel is the configuration with which the operator is called at the end of a port-forward: the
// credentials alone are those for the API server. Who answers there, the API server vouches for, which
// has opened the way to that pod: its certificate is one that nobody has signed.
func throughTunnel(config *rest.Config) *rest.Config {
	c := rest.CopyConfig(config)
	c.Dial = nil
	c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	c.Timeout = min(c.Timeout, 15*time.Second)
	c.CAData, c.CAFile, c.ServerName = nil, "", ""
	c.Insecure, c.NextProtos = true, nil
	return c
}
