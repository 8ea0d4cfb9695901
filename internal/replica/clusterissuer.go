package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubescim/kubescim/internal/federation"
)

// Paths of what the API server says about the issuer of the tokens of ServiceAccounts:
// KEP-1393. By default every ServiceAccount may read it, by the ClusterRole
// system:service-account-issuer-discovery.
const (
	pathIssuer     = "/.well-known/openid-configuration"
	pathIssuerKeys = "/openid/v1/jwks"
)

// ClusterIssuer is the issuer of the tokens of the cluster's ServiceAccounts. Make it with
// NewClusterIssuer.
type ClusterIssuer struct{ client rest.Interface }

// NewClusterIssuer returns the issuer of the cluster that the configuration reaches.
func NewClusterIssuer(config *rest.Config) (*ClusterIssuer, error) {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = clientgoscheme.Codecs.WithoutConversion()
	client, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for the cluster's issuer: %w", err)
	}
	return &ClusterIssuer{client: client}, nil
}

// Fetch fetches the keys of the issuer, and what it is called. That its URL need not be one
// which can be reached is why they are read at the API server.
func (c *ClusterIssuer) Fetch(ctx context.Context) (federation.KeySet, error) {
	about, err := c.client.Get().AbsPath(pathIssuer).DoRaw(ctx)
	if err != nil {
		return federation.KeySet{}, fmt.Errorf("reading at the API server who issues tokens of ServiceAccounts: %w", err)
	}
	var document struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(about, &document); err != nil || document.Issuer == "" {
		return federation.KeySet{}, errors.New("the API server does not say who issues tokens of ServiceAccounts")
	}
	keys, err := c.client.Get().AbsPath(pathIssuerKeys).DoRaw(ctx)
	if err != nil {
		return federation.KeySet{}, fmt.Errorf("reading the keys for tokens of ServiceAccounts at the API server: %w", err)
	}
	return federation.ParseKeySet(document.Issuer, keys)
}
